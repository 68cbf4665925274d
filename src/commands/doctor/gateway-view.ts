import type { Surroundings } from "../../client/diagnose/context.ts";
import { openCredentialsCache } from "../../gateway/credentials-cache.ts";
import { lookFromGateway } from "../../gateway/diagnose/gateway.ts";
import { keptCredentials } from "../../gateway/diagnose/kept-credentials.ts";
import { deployHint } from "../../gateway/enrolment.ts";
import { asGateway, asIdentity } from "../../gateway/identity-platform.ts";
import { gatewaySettings, storedAccessToken } from "../../gateway/settings.ts";
import { parsePolicy } from "../../gateway/target-policy.ts";
import { parseHostPort } from "../../host/address.ts";
import { findConf } from "../../host/conf-file.ts";
import { normaliseDomain } from "../../host/domain.ts";
import type { Environment } from "../../host/environment.ts";
import { runtimeDirectory, stateDirectory, thisMachine } from "../../host/paths.ts";
import { readGatewayDirectory } from "../../pki/directory.ts";
import type { GatewayIdentity } from "../../pki/identity.ts";
import { storedIdentity } from "../../platform-client/identity-login.ts";
import type { IdentityLogin } from "../../platform-client/identity-session.ts";
import { KeptToken } from "../../platform-client/login/kept-token.ts";
import { machineLabel, machineLogin } from "../../platform-client/login/machine-login.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { silentLogger } from "../../telemetry/log.ts";
import type { DoctorArgs, DoctorRequest, View } from "./view.ts";

/** A gateway of a platform, on its own machine. @throws SallyportError NAME_INVALID, CONFIG_INVALID, FILE_UNREADABLE */
export async function gatewayView(
  gatewayName: string,
  { args, rules }: DoctorRequest,
  around: Surroundings,
): Promise<View> {
  const machine = thisMachine(around.env);
  const conf = (await findConf("gateway", gatewayName, machine))?.values ?? new Map<string, string>();
  const flags = {
    domain: args.domain,
    relays: [],
    ...rules,
    caFile: args["ca-file"],
    insecureHttp: args["insecure-http"] ?? false,
  };
  const { relays, allow, deny, caFile, insecureHttp, ...settings } = gatewaySettings(flags, conf, around.env);
  const directory = stateDirectory("gateway", gatewayName, machine);
  const domain = settings.domain && normaliseDomain(settings.domain, { insecureHttp });
  const login = machineLogin({ role: "gateway", flags: {}, conf, env: around.env });
  const credential =
    login && domain
      ? await new KeptToken(directory, login, domain, silentLogger).read()
      : await storedCredential(conf, around.env);
  if (!domain || credential === undefined) {
    throw new SallyportError(
      "CONFIG_INVALID",
      `Gateway ${gatewayName} is not enrolled on this machine: ${deployHint(gatewayName)} and enroll it. For the way from a client to it add --target host:port`,
    );
  }
  const reach = { domain, insecureHttp, caFile };
  const access =
    typeof credential === "string"
      ? asGateway(reach, around.env, credential)
      : asIdentity(reach, around.env, { login: credential, gatewayName });
  const issuedFor = login ? machineLabel(login) : access.issuedFor;
  const runtime = runtimeDirectory("gateway", gatewayName, machine);
  const cache = openCredentialsCache(directory, [domain, issuedFor, ...relays], silentLogger);
  const collectors = lookFromGateway(
    {
      credentials: (signal) =>
        keptCredentials({ cache, platform: access.source, gatewayName, relays }, signal),
      platform: { domain, heartbeat: (signal) => access.client.gatewayAgent.heartbeat({}, { signal }) },
      stateDirectory: directory,
      runtimeDirectory: runtime,
      start: `sallyport gateway start ${gatewayName}`,
      caFile,
      policy: parsePolicy({ allow, deny, gatewayName }),
      target: targetOf(args),
    },
    around,
  );
  const secrets = typeof credential === "string" ? [credential] : Object.values(credential);
  const daemon = { role: "gateway" as const, name: gatewayName, conf, runtimeDirectory: runtime, secrets };
  return { place: "gateway", subject: gatewayName, collectors, daemon };
}

/** Its own access token, or the machine identity that it runs as. */
async function storedCredential(
  conf: ReadonlyMap<string, string>,
  env: Environment,
): Promise<string | IdentityLogin | undefined> {
  return (await storedAccessToken(conf, env)) ?? (await storedIdentity(conf, env));
}

/** A gateway with a directory of `ca issue gateway`. @throws SallyportError CONFIG_INVALID */
export function gatewayDirectoryView(
  directory: string,
  { gatewayName }: GatewayIdentity,
  { args, rules }: DoctorRequest,
  around: Surroundings,
): View {
  const runtime = runtimeDirectory("gateway", gatewayName, thisMachine(around.env));
  const collectors = lookFromGateway(
    {
      credentials: () => readGatewayDirectory(directory, around.now()),
      // A daemon reads its directory again when anything changes in it: that is not to be touched.
      stateDirectory: runtime,
      runtimeDirectory: runtime,
      start: `sallyport gateway start --pki ${directory}`,
      caFile: args["ca-file"],
      policy: parsePolicy({ ...rules, gatewayName }),
      target: targetOf(args),
    },
    around,
  );
  const daemon = {
    role: "gateway" as const,
    name: gatewayName,
    conf: new Map(),
    runtimeDirectory: runtime,
    secrets: [],
  };
  return { place: "gateway", subject: gatewayName, collectors, daemon };
}

function targetOf({ target }: DoctorArgs) {
  return target === undefined ? undefined : parseHostPort(target, "--target");
}
