import { openPlatform, type PlatformAddress } from "../client/open-platform.ts";
import { isSameConf, requireConfWritable, writeConf } from "../host/conf-file.ts";
import { secret } from "../host/environment.ts";
import { confPath, stateDirectory } from "../host/paths.ts";
import { KeptToken } from "../platform-client/login/kept-token.ts";
import { MachineAccess } from "../platform-client/login/machine-access.ts";
import {
  keepMachineLogin,
  type MachineLogin,
  machineLabel,
  machineLogin,
  prove,
  withMachineLogin,
} from "../platform-client/login/machine-login.ts";
import { PlatformPin } from "../platform-client/login/platform-pin.ts";
import { type Logger, silentLogger } from "../telemetry/log.ts";
import { type Enrolled, withSettings } from "./enrolment.ts";
import type { GatewayPlatform } from "./identity-platform.ts";
import type { GatewayRequest } from "./request.ts";
import type { GatewaySettings } from "./settings.ts";

type Conf = ReadonlyMap<string, string>;

/**
 * How the gateway logs in by its machine; undefined where it is by token. An enrollment token that is given beats the
 * method of the conf.
 * @throws SallyportError USAGE
 */
export async function gatewayMachineLogin(
  { flags, token, machine: { env } }: GatewayRequest,
  conf: Conf,
): Promise<MachineLogin | undefined> {
  const given = flags.login ?? {};
  if (given.enrollMethod === undefined) {
    if (token !== undefined || (await secret(env, "GATEWAY_ENROLLMENT_TOKEN")) !== undefined)
      return undefined;
  }
  return machineLogin({ role: "gateway", flags: given, conf, env });
}

/**
 * The platform as a gateway that logs in by AWS or Kubernetes: by the token that is kept from before, or after a login,
 * and after another one whenever the platform no longer takes the token.
 * @throws SallyportError CONFIG_INVALID, UNAUTHENTICATED with the platform's reason, PLATFORM_UNREACHABLE
 */
export async function asMachine(
  request: GatewayRequest,
  settings: PlatformAddress,
  login: MachineLogin,
  log: Logger,
): Promise<GatewayPlatform> {
  const access = machineAccess(request, settings, login, log);
  await access.open();
  const client = openPlatform(settings, request.machine.env, () => access.token());
  return {
    client,
    source: {
      gatewayConnect: (body, ask) => access.call(() => client.gatewayAgent.connect(body, ask)),
      listRelays: (ask) => access.call(() => client.relays.list(ask)),
    },
    issuedFor: machineLabel(login),
    refusedFix:
      `See how it may log in with "sallyport gateway show ${request.gatewayName}"; this host tries again by itself. ` +
      "Where another host logs in as the same gateway, stop one of the two",
  };
}

/** `gateway enroll` by AWS or Kubernetes: tries the login and keeps how it is done in the conf. */
export async function enrolMachine(
  request: GatewayRequest,
  { conf, settings }: { conf: Conf; settings: GatewaySettings & { domain: string } },
  login: MachineLogin,
): Promise<Enrolled> {
  const { gatewayName, machine } = request;
  const path = confPath("gateway", gatewayName, machine);
  await requireConfWritable(path);
  await platformPin(request, settings, silentLogger).forget();
  const access = machineAccess(request, settings, login, silentLogger);
  await access.login();
  const kept = machineConf(conf, gatewayName, settings, login);
  if (!isSameConf(conf, kept)) await writeConf(path, kept);
  const before = conf.get("INFISICAL_GATEWAY_ID");
  return {
    outcome: before === undefined ? "enrolled" : "rotated",
    gatewayId: login.id,
    accessToken: access.token(),
    conf: kept,
    ...(before === undefined || before === login.id ? {} : { previousGatewayId: before }),
  };
}

/** What `start` was told about the login is kept for the next one. */
export async function rememberLogin(
  { gatewayName, machine, flags }: GatewayRequest,
  { conf, settings }: { conf: Conf; settings: GatewaySettings & { domain: string } },
  login: MachineLogin,
  log: Logger,
): Promise<void> {
  if (flags.login?.enrollMethod === undefined) return;
  const wanted = machineConf(conf, gatewayName, settings, login);
  const path = confPath("gateway", gatewayName, machine);
  await keepMachineLogin({ path, before: conf, conf: wanted }, log);
}

/** The conf of a gateway that logs in so; nothing of another method stays in it. */
export function machineConf(
  conf: Conf,
  gatewayName: string,
  settings: GatewaySettings,
  login: MachineLogin,
): Map<string, string> {
  return withMachineLogin(withSettings(conf, gatewayName, settings), "gateway", login);
}

function platformPin(
  { gatewayName: name, machine }: GatewayRequest,
  { domain }: PlatformAddress,
  log: Logger,
): PlatformPin {
  const directory = stateDirectory("gateway", name, machine);
  return new PlatformPin({ role: "gateway", name, directory, domain }, log);
}

function machineAccess(
  request: GatewayRequest,
  settings: PlatformAddress,
  login: MachineLogin,
  log: Logger,
): MachineAccess {
  const { gatewayName, machine } = request;
  const platform = openPlatform(settings, machine.env);
  const pin = platformPin(request, settings, log);
  return new MachineAccess({
    login: async () => {
      const proof = await prove(login, platform, pin, machine.env);
      return await platform.gatewayAgent.login({ ...proof, gatewayId: login.id });
    },
    kept: new KeptToken(stateDirectory("gateway", gatewayName, machine), login, settings.domain, log),
    log,
  });
}
