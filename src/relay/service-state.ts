import type { ServiceState } from "../host/service/service-report.ts";
import type { Relay } from "./relay.ts";

/** What the service manager hears of a relay: ready as soon as both ports listen; undefined = no certificates yet. */
export function relayServiceState(
  relay: Pick<Relay, "sshPort" | "tlsPort" | "sessions"> | undefined,
): ServiceState {
  if (!relay) return { ready: false, status: "Waiting for certificates" };
  const sessions = relay.sessions();
  const connections = sessions.reduce((sum, { channels }) => sum + channels, 0);
  return {
    ready: true,
    status:
      `Gateways on ${relay.sshPort}: ${sessions.length}; clients on ${relay.tlsPort}: ` +
      `${connections} connection${connections === 1 ? "" : "s"}`,
  };
}
