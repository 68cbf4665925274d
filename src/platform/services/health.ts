import type { GatewayRow } from "../store/gateways.ts";
import type { RelayRow } from "../store/relays.ts";

/** PROTOCOL E: added to a gateway's own interval before it counts as gone. */
const GRACE_MS = 30_000;
/** PROTOCOL E: a relay's heartbeat older than this is stale. */
const RELAY_STALE_MS = 60 * 60 * 1000;

export type GatewayStatus = "unregistered" | "healthy" | "unreachable";

/** PROTOCOL E, "UI status". */
export function gatewayStatus(
  gateway: Pick<GatewayRow, "heartbeat" | "heartbeat_ttl">,
  now: Date,
): GatewayStatus {
  const { heartbeat, heartbeat_ttl: ttl } = gateway;
  if (heartbeat === null && ttl === null) return "unregistered";
  if (heartbeat === null || ttl === null || ttl === 0) return "unreachable";
  return Date.parse(heartbeat) + ttl * 1000 + GRACE_MS > now.getTime() ? "healthy" : "unreachable";
}

export function isRelayFresh(relay: Pick<RelayRow, "heartbeat">, now: Date): boolean {
  return relay.heartbeat !== null && Date.parse(relay.heartbeat) + RELAY_STALE_MS > now.getTime();
}
