import type { PlatformEvent } from "../../../platform-client/events.ts";
import { SERIALS_PER_EVENT } from "../../../platform-client/events.ts";
import { atOnce } from "../../store/at-once.ts";
import type { Sql } from "../../store/database.ts";
import { insertEvents, type NewEvent } from "../../store/events.ts";
import { listAudience } from "../../store/gateways.ts";

/** Who may hear of an event: see `mayHear`. */
export interface About {
  /** null = the whole instance. */
  orgId: string | null;
  gatewayId?: string;
  relayId?: string;
}

/**
 * Says what happened to all who follow. Goes last in a transaction (see `insertEvents`); when the transaction fails,
 * nothing was said. An instance relay hears of a gateway if that gateway may still log in there.
 */
export async function emit(sql: Sql, about: About, events: PlatformEvent[], now: string): Promise<void> {
  await emitAll(
    sql,
    events.map((event) => ({ about, event })),
    now,
  );
}

/** The same for events about several things, in one go. */
export async function emitAll(
  sql: Sql,
  said: { about: About; event: PlatformEvent }[],
  now: string,
): Promise<void> {
  const gateways = new Set(said.flatMap(({ about }) => about.gatewayId ?? []));
  const audiences = new Map(
    await atOnce([...gateways].map(async (id) => [id, await listAudience(sql, id, now)] as const)),
  );
  const rows: NewEvent[] = [];
  for (const { about, event } of said) {
    const { type, ...data } = event;
    const gatewayId = about.gatewayId ?? null;
    const relayAudience = gatewayId === null ? [] : (audiences.get(gatewayId) ?? []);
    rows.push({ type, orgId: about.orgId, gatewayId, relayId: about.relayId ?? null, relayAudience, data });
  }
  await insertEvents(sql, rows, now);
}

/** As many events as so many serials need. */
export function accessEnded(serials: string[]): PlatformEvent[] {
  const events: PlatformEvent[] = [];
  for (let i = 0; i < serials.length; i += SERIALS_PER_EVENT) {
    events.push({ type: "access.ended", serials: serials.slice(i, i + SERIALS_PER_EVENT) });
  }
  return events;
}
