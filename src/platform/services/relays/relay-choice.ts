import { SallyportError } from "../../../telemetry/error.ts";
import type { Sql } from "../../store/database.ts";
import { findRelayByName, listRelays, type RelayRow } from "../../store/relays.ts";
import { isRelayFresh } from "../gateways/presence.ts";

/**
 * The relays with these names, in this order: of the organisation first, then of the instance (PROTOCOL A.1).
 * @throws SallyportError NOT_FOUND
 */
export async function relaysByName(sql: Sql, orgId: string, names: string[]): Promise<RelayRow[]> {
  const relays: RelayRow[] = [];
  for (const name of new Set(names)) {
    const relay = await findRelayByName(sql, orgId, name);
    if (!relay) {
      throw new SallyportError(
        "NOT_FOUND",
        `There is no relay named ${JSON.stringify(name)}: create it first.`,
      );
    }
    relays.push(relay);
  }
  return relays;
}

/**
 * The best `count` relays for a gateway that does not care, of those that may be chosen: those it has already, so that its tunnels stay; relays
 * with a fresh heartbeat before others; the organisation's before the instance's; the freshest first.
 * @throws SallyportError NOT_FOUND when there is none at all
 */
export async function chooseRelays(
  sql: Sql,
  orgId: string,
  wish: { count: number; present: RelayRow[]; now: Date },
): Promise<RelayRow[]> {
  const present = new Set(wish.present.map((relay) => relay.id));
  const ranked = (await listRelays(sql, orgId))
    .filter((relay) => relay.auto_select === 1)
    .map((relay) => ({ relay, rank: rank(relay, present.has(relay.id), wish.now) }))
    .sort((a, b) => a.rank - b.rank || (b.relay.heartbeat ?? "").localeCompare(a.relay.heartbeat ?? ""));
  if (ranked.length === 0) {
    throw new SallyportError("NOT_FOUND", "There is no relay yet: create and start one first.");
  }
  return ranked.slice(0, wish.count).map(({ relay }) => relay);
}

function rank(relay: RelayRow, isPresent: boolean, now: Date): number {
  return (isRelayFresh(relay, now) ? 0 : 4) + (isPresent ? 0 : 2) + (relay.org_id === null ? 1 : 0);
}
