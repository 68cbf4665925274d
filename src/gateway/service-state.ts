import type { ServiceState } from "../host/service/service-report.ts";
import type { TunnelStatus } from "./relay-link.ts";

/** What the service manager hears of a gateway: ready with its first tunnel; undefined = no certificates yet. */
export function gatewayServiceState(tunnels: TunnelStatus[] | undefined): ServiceState {
  if (tunnels === undefined) return { ready: false, status: "Waiting for certificates from the platform" };
  if (tunnels.length === 0) return { ready: false, status: "There is no relay to connect to" };
  const up = tunnels.filter(({ state }) => state === "up");
  const down = tunnels.filter(({ state }) => state !== "up");
  const counted =
    up.length === 0
      ? "No tunnel"
      : `${up.length} of ${tunnels.length} tunnels up: ${up.map(({ relay }) => relay).join(", ")}`;
  const reasons = down.map(({ relay, state, reason }) => `${relay} ${reason ?? state}`);
  return { ready: up.length > 0, status: [counted, ...reasons].join("; ") };
}
