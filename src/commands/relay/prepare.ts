import { followPlatform } from "../../client/follow-platform.ts";
import { systemClock } from "../../host/clock.ts";
import { type Environment, secret } from "../../host/environment.ts";
import { freePort } from "../../host/free-port.ts";
import { stateDirectory, thisMachine } from "../../host/paths.ts";
import type { CredentialSource, RelayCredentials } from "../../pki/credentials.ts";
import { directorySource, readRelayDirectory } from "../../pki/directory.ts";
import { makeAgentReport } from "../../platform-client/agent-report.ts";
import type { RelayPorts } from "../../platform-client/calls/relay-agent.ts";
import type { Follow } from "../../platform-client/event-stream.ts";
import { type IdentityLogin, IdentitySession } from "../../platform-client/identity-session.ts";
import type { MachineAccess } from "../../platform-client/login/machine-access.ts";
import { sendHeartbeats } from "../../relay/heartbeat.ts";
import { platformSource } from "../../relay/platform-source.ts";
import type { Heartbeats } from "../../relay/run.ts";
import type { RelayFlags, RelaySettings } from "../../relay/settings.ts";
import type { SendReport } from "../../relay/tunnel-reports.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { type KnownRelay, knownRelay, platformOf, relayCredentials, requireEnrolled } from "./enrolled.ts";
import type { IdentityFlags } from "./flags.ts";
import { relayIdentity, requireHost } from "./identity.ts";
import { openMachineAccess, relayMachineLogin, rememberLogin } from "./machine.ts";

/** Everything that `start` needs besides limits and a log. */
export interface PreparedRelay {
  /** Only with a platform. */
  follow?: Follow;
  /** Only with a platform. */
  report?: SendReport;
  name: string;
  credentials: CredentialSource<RelayCredentials>;
  settings: RelaySettings;
  sshPort: number;
  tlsPort: number;
  /** Only with a platform. Runs until the signal aborts. */
  heartbeats?: Heartbeats;
}

const SSH_PORT = 2222;
const TLS_PORT = 8443;

/** A relay that lives from a directory of `ca issue relay` and makes no HTTP call. */
export async function directoryRelay(directory: string, settings: RelaySettings): Promise<PreparedRelay> {
  const { relayName, sshPort, tlsPort } = await readRelayDirectory(directory);
  return {
    name: relayName,
    credentials: directorySource(directory, readRelayDirectory),
    settings,
    sshPort: settings.sshPort ?? sshPort,
    tlsPort: settings.tlsPort ?? tlsPort,
  };
}

/**
 * A relay of a platform: an organisation's, enrolled by token or run as a machine identity, or the instance's, by the
 * shared secret.
 */
export async function platformRelay(
  args: IdentityFlags,
  flags: RelayFlags,
  env: Environment,
  log: Logger,
): Promise<PreparedRelay> {
  const relay = await knownRelay(args, flags, env);
  if (relay.settings.type === "instance") return instanceRelay(relay, env, log);
  const given = await relayCredentials(args, env);
  const machine = relayMachineLogin(args, given, relay, env);
  if (machine) {
    const access = await openMachineAccess(relay, machine, env, log);
    await rememberLogin(relay, args, machine, env, log);
    return organisationRelay(relay, { access, relayId: machine.id }, env, log);
  }
  const login = await relayIdentity(given, relay, env);
  if (login) return identityRelay(relay, login, env, log);
  return organisationRelay(relay, await enrolledAccess(relay, given.token, env, log), env, log);
}

interface OwnAccess {
  access: Pick<MachineAccess, "token" | "call">;
  /** Whose certificates of before may be used. */
  relayId: string | undefined;
}

/** By the access token of an enrollment, which nothing but another enrollment replaces. */
async function enrolledAccess(
  relay: KnownRelay,
  token: string | undefined,
  env: Environment,
  log: Logger,
): Promise<OwnAccess> {
  const { accessToken, enrolledNow } = await requireEnrolled(relay, token, env);
  if (enrolledNow) log.info("Enrolled", { relay: relay.name, conf: relay.confPath });
  return {
    access: { token: () => accessToken, call: (work) => work() },
    // Right after an enrolment the id of the conf is the old one, if any.
    relayId: enrolledNow ? undefined : relay.settings.relayId,
  };
}

function organisationRelay(
  relay: KnownRelay,
  { access, relayId }: OwnAccess,
  env: Environment,
  log: Logger,
): PreparedRelay {
  const client = platformOf(relay, env, () => access.token());
  const ports = portsOf(relay.settings);
  return {
    name: relay.name,
    settings: relay.settings,
    ...ports,
    credentials: platformSource({
      connect: (parts) => access.call(() => client.relayAgent.connect({ ...parts, ...ports })),
      relayName: relay.name,
      relayId,
      stateDirectory: stateDirectory("relay", relay.name, thisMachine(env)),
      log,
    }),
    follow: followPlatform("relay", (ask) => client.events(ask), log),
    report: (report, ask) => client.relayAgent.reportTunnels(report, ask),
    heartbeats: (signal, { onOutcome, conditions }) =>
      sendHeartbeats({
        call: (ask) =>
          client.relayAgent.heartbeat({ report: makeAgentReport(conditions(), new Date()) }, { signal: ask }),
        clock: systemClock,
        onOutcome,
        conditions,
        signal,
        log,
      }),
  };
}

/** PROTOCOL A.2, v1: registers with each call for certificates. */
async function identityRelay(
  relay: KnownRelay,
  login: IdentityLogin,
  env: Environment,
  log: Logger,
): Promise<PreparedRelay> {
  const { name, settings } = relay;
  const host = requireHost(relay);
  const session = new IdentitySession({ login, calls: platformOf(relay, env).identities });
  const client = platformOf(relay, env, () => session.token());
  const ports = portsOf(settings);
  return {
    name,
    settings,
    ...ports,
    credentials: platformSource({
      connect: (parts) => client.identities.registerRelay({ name, host, ...parts, ...ports }),
      relayName: name,
      stateDirectory: stateDirectory("relay", name, thisMachine(env)),
      log,
    }),
    follow: followPlatform("relay", (ask) => client.events({ ...ask, as: "relay" }), log),
    report: (report, ask) => client.relayAgent.reportTunnels(report, ask),
    heartbeats: (signal, { onOutcome, conditions }) =>
      sendHeartbeats({
        call: (ask) => {
          const report = makeAgentReport(conditions(), new Date());
          return client.identities.heartbeatRelay({ name, report }, { signal: ask });
        },
        clock: systemClock,
        onOutcome,
        conditions,
        signal,
        log,
      }),
  };
}

async function instanceRelay(relay: KnownRelay, env: Environment, log: Logger): Promise<PreparedRelay> {
  const { name, settings, conf } = relay;
  const { host } = settings;
  const shared =
    (await secret(env, "RELAY_AUTH_SECRET")) ?? (await secret(Object.fromEntries(conf), "RELAY_AUTH_SECRET"));
  if (!shared || !host) {
    const missing = shared ? "--host" : "SALLYPORT_RELAY_AUTH_SECRET (or ..._FILE) in the environment";
    throw new SallyportError("USAGE", `An instance relay needs ${missing}.`);
  }
  const instanceRelay = { name, secret: shared };
  const client = platformOf(relay, env);
  const ports = portsOf(settings);
  return {
    name,
    settings,
    ...ports,
    credentials: platformSource({
      connect: (parts) => client.relayAgent.registerInstance(shared, { name, host, ...parts, ...ports }),
      relayName: name,
      stateDirectory: stateDirectory("relay", name, thisMachine(env)),
      log,
    }),
    follow: followPlatform("relay", (ask) => client.events({ ...ask, instanceRelay }), log),
    report: (report, ask) => client.relayAgent.reportTunnels(report, { ...ask, instanceRelay }),
    heartbeats: (signal, { onOutcome, conditions }) =>
      sendHeartbeats({
        call: (ask) => {
          const report = makeAgentReport(conditions(), new Date());
          return client.relayAgent.heartbeatInstance(shared, { name, report }, { signal: ask });
        },
        clock: systemClock,
        onOutcome,
        conditions,
        signal,
        log,
      }),
  };
}

/** The platform is told the ports before they are open (EXTENSIONS X2), so a free one is chosen here. */
function portsOf({ sshPort = SSH_PORT, tlsPort = TLS_PORT, listen }: RelaySettings): Required<RelayPorts> {
  return { sshPort: sshPort || freePort(listen), tlsPort: tlsPort || freePort(listen) };
}
