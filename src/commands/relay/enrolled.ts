import { openPlatform } from "../../client/open-platform.ts";
import { findConf } from "../../host/conf-file.ts";
import type { Environment } from "../../host/environment.ts";
import { confPath, thisMachine } from "../../host/paths.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { profilePath, readProfile } from "../../platform-client/profile.ts";
import { type Conf, enrolRelay, keptToken, storedAccessToken } from "../../relay/enrolment.ts";
import { type RelayFlags, type RelaySettings, relaySettings } from "../../relay/settings.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { type GivenCredentials, givenCredentials } from "../identity-flags.ts";
import { type IdentityFlags, requiredRelayName } from "./flags.ts";
import { orFromEnvironment } from "./identity.ts";

/** A relay's name, its conf and what both say together with flags and environment. */
export interface KnownRelay {
  name: string;
  confPath: string;
  conf: Conf;
  settings: RelaySettings;
}

/**
 * Finds out which relay is meant and reads what there is of it.
 * @throws SallyportError USAGE, NAME_INVALID, CONFIG_INVALID, FILE_UNREADABLE
 */
export async function knownRelay(
  args: IdentityFlags,
  flags: RelayFlags,
  env: Environment,
): Promise<KnownRelay> {
  const name = requiredRelayName("start", args, env);
  const machine = thisMachine(env);
  const found = await findConf("relay", name, machine);
  const conf: Conf = found?.values ?? new Map();
  const profile = await readProfile(profilePath(env));
  return {
    name,
    confPath: found?.path ?? confPath("relay", name, machine),
    conf,
    settings: relaySettings(flags, conf, env, profile?.domain),
  };
}

/**
 * What the command line or the environment gives a relay to enroll or to log in with.
 * @throws SallyportError USAGE, UNSUPPORTED, FILE_UNREADABLE
 */
export async function relayCredentials(args: IdentityFlags, env: Environment): Promise<GivenCredentials> {
  return await orFromEnvironment(await givenCredentials(args), env);
}

/** The enrollment token of these, if there is one. @throws SallyportError USAGE, UNSUPPORTED, FILE_UNREADABLE */
export async function enrollmentToken(args: IdentityFlags, env: Environment): Promise<string | undefined> {
  const { token, identity } = await relayCredentials(args, env);
  if (!identity) return token;
  throw new SallyportError(
    "USAGE",
    'A machine identity needs no enrollment: run "sallyport relay start" with it.',
  );
}

/** A client for the relay's own calls; `token` is asked for each one. @throws SallyportError USAGE, CONFIG_INVALID */
export function platformOf(
  { name, settings }: KnownRelay,
  env: Environment,
  token?: () => string | undefined | Promise<string | undefined>,
): PlatformClient {
  const { domain, caFile, insecureHttp } = settings;
  if (!domain) {
    throw new SallyportError(
      "USAGE",
      `Say which platform the relay ${name} belongs to: add --domain https://...`,
    );
  }
  return openPlatform({ domain, caFile, insecureHttp }, env, token);
}

/**
 * Enrolls if the token is a new one; the token that was exchanged last changes nothing, and without one the conf
 * counts (EXTENSIONS, "Where things live").
 * @throws SallyportError USAGE with the command to run when there is neither; what `enrolRelay` throws
 */
export async function requireEnrolled(
  relay: KnownRelay,
  given: string | undefined,
  env: Environment,
): Promise<{ accessToken: string; conf: Conf; enrolledNow: boolean }> {
  const { name, conf, confPath: path, settings } = relay;
  const present = await storedAccessToken(conf, env);
  // Infisical's `systemd install` leaves the token in the conf for the first start.
  const token = given ?? (present === undefined ? keptToken(conf) : undefined);
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
    client: platformOf(relay, env),
    path,
    previous: conf,
    settings,
  });
  const accessToken = await storedAccessToken(fresh, {});
  if (accessToken === undefined) throw new SallyportError("INTERNAL", "The access token was not kept.");
  return { accessToken, conf: fresh, enrolledNow: true };
}
