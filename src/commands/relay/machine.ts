import { isSameConf, requireConfWritable, writeConf } from "../../host/conf-file.ts";
import type { Environment } from "../../host/environment.ts";
import { stateDirectory, thisMachine } from "../../host/paths.ts";
import { KeptToken } from "../../platform-client/login/kept-token.ts";
import { MachineAccess } from "../../platform-client/login/machine-access.ts";
import {
  type MachineLogin,
  machineLogin,
  prove,
  withMachineLogin,
} from "../../platform-client/login/machine-login.ts";
import { type Conf, withSettings } from "../../relay/enrolment.ts";
import { describe } from "../../telemetry/error.ts";
import { type Logger, silentLogger } from "../../telemetry/log.ts";
import type { GivenCredentials } from "../identity-flags.ts";
import { type KnownRelay, platformOf } from "./enrolled.ts";
import type { IdentityFlags } from "./flags.ts";

/**
 * How an organisation's relay logs in by its machine; undefined where it is by token or as a machine identity. What the
 * command line gives beats the method of the conf.
 * @throws SallyportError USAGE
 */
export function relayMachineLogin(
  args: IdentityFlags,
  { token, identity }: GivenCredentials,
  { conf }: Pick<KnownRelay, "conf">,
  env: Environment,
): MachineLogin | undefined {
  const enrollMethod = args["enroll-method"];
  if (identity || (token !== undefined && !enrollMethod)) return undefined;
  const flags = { enrollMethod, id: args["relay-id"], tokenPath: args["service-account-token-path"] };
  return machineLogin({ role: "relay", flags, conf, env });
}

/** Logs in where nothing is kept from before; again whenever the platform no longer takes the token. */
export async function openMachineAccess(
  relay: KnownRelay,
  login: MachineLogin,
  env: Environment,
  log: Logger,
): Promise<MachineAccess> {
  const access = machineAccess(relay, login, env, log);
  await access.open();
  return access;
}

/** `relay enroll` by AWS or Kubernetes: tries the login and keeps how it is done in the conf. */
export async function enrolMachine(relay: KnownRelay, login: MachineLogin, env: Environment): Promise<void> {
  await requireConfWritable(relay.confPath);
  await machineAccess(relay, login, env, silentLogger).login();
  const kept = keptConf(relay, login, env);
  if (!isSameConf(relay.conf, kept)) await writeConf(relay.confPath, kept);
}

/** What `start` was told about the login is kept for the next one, where the conf can be written: in a container not. */
export async function rememberLogin(
  relay: KnownRelay,
  args: IdentityFlags,
  login: MachineLogin,
  env: Environment,
  log: Logger,
): Promise<void> {
  const wanted = keptConf(relay, login, env);
  if (!args["enroll-method"] || isSameConf(relay.conf, wanted)) return;
  try {
    await writeConf(relay.confPath, wanted);
  } catch (error) {
    log.info("The conf can't be kept: the next start needs the same flags", { reason: describe(error) });
  }
}

/** The conf of a relay that logs in so; nothing of another method stays in it. */
export function machineConf(conf: Conf, login: MachineLogin): Conf {
  return withMachineLogin(conf, "relay", login);
}

function keptConf(relay: KnownRelay, login: MachineLogin, env: Environment): Map<string, string> {
  const { name, settings, conf } = relay;
  const { domain } = platformOf(relay, env);
  return new Map(machineConf(withSettings(conf, { name, domain, settings }), login));
}

/** The access token of the last login, if there is one. */
export async function keptMachineToken(
  relay: KnownRelay,
  login: MachineLogin,
  env: Environment,
): Promise<string | undefined> {
  return await keptToken(relay, login, env, silentLogger).read();
}

function keptToken(relay: KnownRelay, login: MachineLogin, env: Environment, log: Logger): KeptToken {
  const directory = stateDirectory("relay", relay.name, thisMachine(env));
  return new KeptToken(directory, login, platformOf(relay, env).domain, log);
}

function machineAccess(relay: KnownRelay, login: MachineLogin, env: Environment, log: Logger): MachineAccess {
  const platform = platformOf(relay, env);
  return new MachineAccess({
    login: async () => {
      const proof = await prove(login, platform, env);
      return await platform.relayAgent.login({ ...proof, relayId: login.id });
    },
    kept: keptToken(relay, login, env, log),
    log,
  });
}
