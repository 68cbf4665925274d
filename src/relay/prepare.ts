import { join } from "node:path";
import { followPlatform } from "../client/follow-platform.ts";
import { systemClock } from "../host/clock.ts";
import { warnOfExposed } from "../host/exposed-files.ts";
import { freePort } from "../host/free-port.ts";
import { stateDirectory } from "../host/paths.ts";
import type { CredentialSource, RelayCredentials } from "../pki/credentials.ts";
import { directorySource, readRelayDirectory } from "../pki/directory.ts";
import { RELAY_FILES } from "../pki/identity.ts";
import { makeAgentReport } from "../platform-client/agent-report.ts";
import type { RelayPorts } from "../platform-client/calls/relay-agent.ts";
import type { Follow } from "../platform-client/event-stream.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { sendHeartbeats } from "./heartbeat.ts";
import { knownRelay, type RelayRequest } from "./known-relay.ts";
import { platformSource } from "./platform-source.ts";
import { openRelayPlatform } from "./relay-platform.ts";
import type { Heartbeats } from "./run.ts";
import type { RelaySettings } from "./settings.ts";
import type { SendReport } from "./tunnel-reports.ts";

/** Everything that `start` needs besides limits and a log. */
export interface PreparedRelay {
  name: string;
  credentials: CredentialSource<RelayCredentials>;
  settings: RelaySettings;
  sshPort: number;
  tlsPort: number;
  /** Only with a platform, as all that follows. */
  follow?: Follow;
  report?: SendReport;
  /** Runs until the signal aborts. */
  heartbeats?: Heartbeats;
}

const SSH_PORT = 2222;
const TLS_PORT = 8443;

/**
 * Everything `relay start` runs with: the conf, after enrolling where a new token is given.
 * @throws SallyportError as `knownRelay` and `openRelayPlatform`; CONFIG_INVALID for one port twice
 */
export async function prepareRelay(request: RelayRequest, log: Logger): Promise<PreparedRelay> {
  const relay = await knownRelay(request);
  const { name, settings, machine } = relay;
  const platform = await openRelayPlatform(relay, log);
  await warnOfExposed([relay.confPath], log);
  const ports = portsOf(settings);
  return {
    name,
    settings,
    ...ports,
    credentials: platformSource({
      connect: (parts) => platform.connect({ ...parts, ...ports }),
      relayName: name,
      relayId: platform.relayId,
      stateDirectory: stateDirectory("relay", name, machine),
      log,
    }),
    follow: followPlatform("relay", platform.events, log),
    report: platform.report,
    heartbeats: (signal, { onOutcome, conditions }) =>
      sendHeartbeats({
        call: (ask) => platform.heartbeat(makeAgentReport(conditions(), new Date()), ask),
        clock: systemClock,
        onOutcome,
        conditions,
        signal,
        log,
      }),
  };
}

/** A relay that lives from a directory of `ca issue relay` and makes no HTTP call. */
export async function prepareFromDirectory(
  directory: string,
  settings: RelaySettings,
  log: Logger,
): Promise<PreparedRelay> {
  const { relayName, sshPort, tlsPort } = await readRelayDirectory(directory);
  const { key, hostKey } = RELAY_FILES;
  await warnOfExposed([join(directory, key), join(directory, hostKey)], log);
  return {
    name: relayName,
    credentials: directorySource(directory, readRelayDirectory),
    settings,
    ...twoPorts({ sshPort: settings.sshPort ?? sshPort, tlsPort: settings.tlsPort ?? tlsPort }),
  };
}

/** The platform is told the ports before they are open (EXTENSIONS X2), so a free one is chosen here. */
function portsOf({ sshPort = SSH_PORT, tlsPort = TLS_PORT, listen }: RelaySettings): Required<RelayPorts> {
  const ports = twoPorts({ sshPort, tlsPort });
  return { sshPort: ports.sshPort || freePort(listen), tlsPort: ports.tlsPort || freePort(listen) };
}

/** @throws SallyportError CONFIG_INVALID */
function twoPorts(ports: Required<RelayPorts>): Required<RelayPorts> {
  const { sshPort, tlsPort } = ports;
  if (sshPort === 0 || sshPort !== tlsPort) return ports;
  throw new SallyportError(
    "CONFIG_INVALID",
    `Gateways and clients cannot both come in on port ${sshPort}: give --ssh-port and --tls-port two different ones.`,
  );
}
