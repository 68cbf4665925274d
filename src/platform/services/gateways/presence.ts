import { SallyportError } from "../../../telemetry/error.ts";
import type { GatewayRow } from "../../store/gateways.ts";
import {
  listDeclaredRelays,
  listPresence,
  listRelayLeases,
  type Presence,
  type PresenceRow,
} from "../../store/relay-tunnels.ts";
import type { RelayRow } from "../../store/relays.ts";
import type { Core } from "../core.ts";

/**
 * Whether a gateway has a tunnel at a relay: as the relay says, while its lease runs (EXTENSIONS X7). `silent` = its
 * reports have stopped, `unreported` = it never made any, as Infisical's relays.
 */
export type TunnelState = "up" | "down" | "silent" | "unreported";

export function tunnelState(row: Presence, now: Date): TunnelState {
  if (row.lease_expires_at === null) return "unreported";
  if (row.lease_expires_at <= now.toISOString()) return "silent";
  return row.tunnel_since === null ? "down" : "up";
}

/** By gateway: what its relays say of it, in its order of preference. Of all gateways of an organisation. */
export async function readPresence(core: Core, orgId: string): Promise<(gatewayId: string) => Presence[]> {
  const { read } = core.store;
  const [relays, declared] = await Promise.all([
    listRelayLeases(read, orgId),
    listDeclaredRelays(read, orgId),
  ]);
  const relayOf = new Map(relays.map((relay) => [relay.id, relay]));
  const declaredBy = Map.groupBy(declared, (row) => row.gateway_id);
  return (gatewayId) =>
    (declaredBy.get(gatewayId) ?? [])
      .sort((a, b) => a.position - b.position)
      .flatMap(({ relay_id: id, tunnel_since }) => {
        const relay = relayOf.get(id);
        return relay ? { ...relay, tunnel_since } : [];
      });
}

/** PROTOCOL E: a relay's heartbeat older than this is stale. */
const RELAY_STALE_MS = 60 * 60 * 1000;

export function isRelayFresh(relay: Pick<RelayRow, "heartbeat">, now: Date): boolean {
  return relay.heartbeat !== null && Date.parse(relay.heartbeat) + RELAY_STALE_MS > now.getTime();
}

/** Ways offered to a client. */
const MOST_RELAYS = 4;

/**
 * The relays that may lead to a gateway, best first: one that holds its tunnel, one that can't be known but was heard of
 * within the hour, any other.
 * @throws SallyportError GATEWAY_NOT_CONNECTED when it has declared none
 */
export async function relaysTowards(core: Core, gateway: GatewayRow): Promise<RelayRow[]> {
  const now = core.now();
  const relays = (await listPresence(core.store.read, [gateway.id]))
    .map((relay, position) => ({ relay, position, rank: rank(relay, now) }))
    .sort((a, b) => a.rank - b.rank || a.position - b.position);
  if (relays.length > 0) return relays.slice(0, MOST_RELAYS).map(({ relay }) => relay);
  throw new SallyportError(
    "GATEWAY_NOT_CONNECTED",
    `The gateway ${gateway.name} has never connected: start it first.`,
  );
}

function rank(relay: PresenceRow, now: Date): number {
  const state = tunnelState(relay, now);
  if (state === "up") return 0;
  if (state === "down") return 3;
  return isRelayFresh(relay, now) && state === "unreported" ? 1 : 2;
}
