import type { RelayRow } from "../store/relays.ts";

/** PROTOCOL E: a relay's heartbeat older than this is stale. */
const RELAY_STALE_MS = 60 * 60 * 1000;

export function isRelayFresh(relay: Pick<RelayRow, "heartbeat">, now: Date): boolean {
  return relay.heartbeat !== null && Date.parse(relay.heartbeat) + RELAY_STALE_MS > now.getTime();
}
