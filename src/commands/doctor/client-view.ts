import { lookFromClient, lookFromClientDirectory } from "../../client/diagnose/client.ts";
import type { Surroundings } from "../../client/diagnose/context.ts";
import type { Wanted } from "../../client/platform-access.ts";
import { formatHostPort, parseHostPort } from "../../host/address.ts";
import { chooseDomain, normaliseDomain } from "../../host/domain.ts";
import { setting } from "../../host/environment.ts";
import type { ClientIdentity } from "../../pki/identity.ts";
import { profilePath, readProfile } from "../../platform-client/profile.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { openSession } from "../session.ts";
import type { DoctorArgs, View } from "./view.ts";

/** @throws SallyportError USAGE, CONFIG_INVALID, UNAUTHENTICATED when no platform is known */
export async function clientView(
  what: { resource: string } | { gateway: string; target: string },
  args: DoctorArgs,
  around: Surroundings,
): Promise<View> {
  const { env } = around;
  const profile = await readProfile(profilePath(env));
  const domain = chooseDomain({ flag: args.domain, profile: profile?.domain, env });
  if (domain === undefined) {
    throw new SallyportError(
      "UNAUTHENTICATED",
      'You are not logged in: run "sallyport login --domain https://..." first',
    );
  }
  const caFile = args["ca-file"] || setting(env, "CA_FILE");
  const collectors = lookFromClient(
    {
      domain: normaliseDomain(domain, { insecureHttp: args["insecure-http"] ?? false }),
      caFile,
      session: () => openSession(args, env),
      wanted: wanted(what),
    },
    around,
  );
  const subject = "resource" in what ? what.resource : `${what.target} behind ${what.gateway}`;
  return { place: "client", subject, collectors };
}

export function clientDirectoryView(
  directory: string,
  { target, gatewayName }: ClientIdentity,
  around: Surroundings,
): View {
  const subject = `${formatHostPort(target.host, target.port)} behind ${gatewayName}`;
  return { place: "client", subject, collectors: lookFromClientDirectory(directory, around) };
}

function wanted(what: { resource: string } | { gateway: string; target: string }): Wanted {
  if ("resource" in what) return what;
  const { host, port } = parseHostPort(what.target, "--target");
  return { gateway: what.gateway, targetHost: host, targetPort: port, kind: "tcp" };
}
