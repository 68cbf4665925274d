import { SallyportError } from "../telemetry/error.ts";
import { type Conf, enrolRelay, keptToken, storedAccessToken } from "./enrolment.ts";
import { type KnownRelay, platformOf } from "./known-relay.ts";

/**
 * Enrolls if the token is a new one; the token that was exchanged last changes nothing, and without one the conf
 * counts (EXTENSIONS, "Where things live").
 * @throws SallyportError USAGE with the command to run when there is neither; what `enrolRelay` throws
 */
export async function requireEnrolled(
  relay: KnownRelay,
): Promise<{ accessToken: string; conf: Conf; enrolledNow: boolean }> {
  const { name, conf, confPath: path, settings, machine } = relay;
  const present = await storedAccessToken(conf, machine.env);
  // Infisical's `systemd install` leaves the token in the conf for the first start.
  const token = relay.token ?? (present === undefined ? keptToken(conf) : undefined);
  if (present !== undefined && (token === undefined || token === keptToken(conf))) {
    return { accessToken: present, conf, enrolledNow: false };
  }
  if (token === undefined) {
    throw new SallyportError(
      "USAGE",
      `The relay ${name} is not enrolled on this machine: get a token with "sallyport relay deploy-command ${name}", ` +
        `then run "sallyport relay enroll ${name} --token-file - --domain ${settings.domain ?? "https://..."}" and ` +
        "paste it.",
    );
  }
  const fresh = await enrolRelay({
    name,
    token,
    client: platformOf(relay),
    path,
    previous: conf,
    settings,
  });
  const accessToken = await storedAccessToken(fresh, {});
  if (accessToken === undefined) throw new SallyportError("INTERNAL", "The access token was not kept.");
  return { accessToken, conf: fresh, enrolledNow: true };
}
