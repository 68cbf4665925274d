import { isSameConf, requireConfWritable, writeConf } from "../host/conf-file.ts";
import { stateDirectory } from "../host/paths.ts";
import { KeptToken } from "../platform-client/login/kept-token.ts";
import { MachineAccess } from "../platform-client/login/machine-access.ts";
import {
  keepMachineLogin,
  type MachineLogin,
  machineLogin,
  prove,
  withMachineLogin,
} from "../platform-client/login/machine-login.ts";
import { PlatformPin } from "../platform-client/login/platform-pin.ts";
import { type Logger, silentLogger } from "../telemetry/log.ts";
import { withSettings } from "./enrolment.ts";
import { type KnownRelay, platformOf } from "./known-relay.ts";

/**
 * How an organisation's relay logs in by its machine; undefined where it is by token or as a machine identity. What the
 * command line gives beats the method of the conf.
 * @throws SallyportError USAGE
 */
export function relayMachineLogin({
  flags: { login = {} },
  token,
  identity,
  conf,
  machine: { env },
}: Pick<KnownRelay, "flags" | "token" | "identity" | "conf" | "machine">): MachineLogin | undefined {
  if (identity || (token !== undefined && !login.enrollMethod)) return undefined;
  return machineLogin({ role: "relay", flags: login, conf, env });
}

/** Logs in where nothing is kept from before; again whenever the platform no longer takes the token. */
export async function openMachineAccess(
  relay: KnownRelay,
  login: MachineLogin,
  log: Logger,
): Promise<MachineAccess> {
  const access = machineAccess(relay, login, log);
  await access.open();
  return access;
}

/** `relay enroll` by AWS or Kubernetes: tries the login and keeps how it is done in the conf. */
export async function enrolMachine(relay: KnownRelay, login: MachineLogin): Promise<void> {
  await requireConfWritable(relay.confPath);
  await platformPin(relay, silentLogger).forget();
  await machineAccess(relay, login, silentLogger).login();
  const kept = machineConf(relay, login);
  if (!isSameConf(relay.conf, kept)) await writeConf(relay.confPath, kept);
}

/** What `start` was told about the login is kept for the next one. */
export async function rememberLogin(relay: KnownRelay, login: MachineLogin, log: Logger): Promise<void> {
  if (!relay.flags.login?.enrollMethod) return;
  await keepMachineLogin({ path: relay.confPath, before: relay.conf, conf: machineConf(relay, login) }, log);
}

/** The conf of a relay that logs in so; nothing of another method stays in it. */
function machineConf(relay: KnownRelay, login: MachineLogin): Map<string, string> {
  const { name, settings, conf } = relay;
  const { domain } = platformOf(relay);
  return withMachineLogin(withSettings(conf, { name, domain, settings }), "relay", login);
}

/** The access token of the last login, if there is one. */
export async function keptMachineToken(relay: KnownRelay, login: MachineLogin): Promise<string | undefined> {
  return await keptToken(relay, login, silentLogger).read();
}

function keptToken(relay: KnownRelay, login: MachineLogin, log: Logger): KeptToken {
  const directory = stateDirectory("relay", relay.name, relay.machine);
  return new KeptToken(directory, login, platformOf(relay).domain, log);
}

function platformPin(relay: KnownRelay, log: Logger): PlatformPin {
  const { name, machine } = relay;
  const { domain } = platformOf(relay);
  const directory = stateDirectory("relay", name, machine);
  return new PlatformPin({ role: "relay", name, directory, domain }, log);
}

function machineAccess(relay: KnownRelay, login: MachineLogin, log: Logger): MachineAccess {
  const platform = platformOf(relay);
  const pin = platformPin(relay, log);
  return new MachineAccess({
    login: async () => {
      const proof = await prove(login, platform, pin, relay.machine.env);
      return await platform.relayAgent.login({ ...proof, relayId: login.id });
    },
    kept: keptToken(relay, login, log),
    log,
  });
}
