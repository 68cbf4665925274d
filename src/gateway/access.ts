import { openPlatform } from "../client/open-platform.ts";
import { secret } from "../host/environment.ts";
import { confPath } from "../host/paths.ts";
import { givenIdentity, storedIdentity } from "../platform-client/identity-login.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { deployHint, type Enrolled, enrolGateway, isSpentHere } from "./enrolment.ts";
import { asGateway, asIdentity, type GatewayPlatform } from "./identity-platform.ts";
import { asMachine, enrolMachine, gatewayMachineLogin, rememberLogin } from "./machine-platform.ts";
import { type GatewayRequest, type KnownSettings, notEnrolled, readSettings } from "./request.ts";
import { storedAccessToken } from "./settings.ts";

/**
 * Enrols with the token that is given, or by what the machine is (`gateway enroll`); contacts no relay.
 * @throws SallyportError as `enrolGateway`; CONFIG_INVALID when there is no token, no domain or a bad rule
 */
export async function enrolFromRequest(request: GatewayRequest): Promise<Enrolled & { confPath: string }> {
  const { gatewayName } = request;
  const { conf, settings } = await readSettings(request);
  const path = confPath("gateway", gatewayName, request.machine);
  const login = await gatewayMachineLogin(request, conf);
  if (login) return { ...(await enrolMachine(request, { conf, settings }, login)), confPath: path };
  const token = request.token ?? (await secret(request.machine.env, "GATEWAY_ENROLLMENT_TOKEN"));
  if (token === undefined) {
    throw new SallyportError(
      "CONFIG_INVALID",
      `There is no enrollment token: ${deployHint(gatewayName)} and give it with --token-file - (stdin) or --token.`,
    );
  }
  return { ...(await enrol(request, settings, conf, token)), confPath: path };
}

/**
 * As whom the gateway reaches its platform (PROTOCOL 0.3): what the command line names; itself, by what its machine is
 * or by a credential from an enrollment; the machine identity of environment or conf.
 */
export async function accessOf(
  request: GatewayRequest,
  settings: KnownSettings,
  conf: ReadonlyMap<string, string>,
  log: Logger,
): Promise<GatewayPlatform> {
  const { gatewayName, machine, identity = {} } = request;
  const named = await givenIdentity(identity, conf, machine.env);
  if (named) return asIdentity(settings, machine.env, { login: named, gatewayName });
  const login = await gatewayMachineLogin(request, conf);
  if (login) {
    const access = await asMachine(request, settings, login, log);
    await rememberLogin(request, { conf, settings }, login, log);
    return access;
  }
  const accessToken = await accessTokenOf(request, settings, conf, log);
  if (accessToken !== undefined) return asGateway(settings, machine.env, accessToken);
  const stored = await storedIdentity(conf, machine.env);
  if (stored) return asIdentity(settings, machine.env, { login: stored, gatewayName });
  throw notEnrolled(gatewayName, machine);
}

async function accessTokenOf(
  request: GatewayRequest,
  settings: KnownSettings,
  conf: ReadonlyMap<string, string>,
  log: Logger,
): Promise<string | undefined> {
  const { machine } = request;
  const stored = await storedAccessToken(conf, machine.env);
  // Infisical's `systemd install` leaves the token in the conf for the first start.
  const token =
    request.token ??
    (await secret(machine.env, "GATEWAY_ENROLLMENT_TOKEN")) ??
    (stored === undefined ? conf.get("INFISICAL_GATEWAY_ENROLLMENT_TOKEN") : undefined);
  if (token !== undefined && !isSpentHere(token, conf)) {
    const { outcome, gatewayId, accessToken } = await enrol(request, settings, conf, token);
    log.info(`Gateway ${outcome === "rotated" ? "has new credentials" : "enrolled"}`, { gatewayId });
    return accessToken;
  }
  return stored;
}

function enrol(
  { gatewayName, machine }: GatewayRequest,
  settings: KnownSettings,
  conf: ReadonlyMap<string, string>,
  token: string,
): Promise<Enrolled> {
  return enrolGateway({
    gatewayName,
    confPath: confPath("gateway", gatewayName, machine),
    conf,
    token,
    settings,
    platform: openPlatform(settings, machine.env),
  });
}
