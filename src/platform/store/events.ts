import type { Sql } from "./database.ts";

/** What happened, and who may hear of it (EXTENSIONS X4, "Scope"). */
export interface NewEvent {
  type: string;
  /** null = the whole instance. */
  orgId: string | null;
  gatewayId: string | null;
  relayId: string | null;
  /** Instance relays that may hear of it although they belong to no organisation. */
  relayAudience: string[];
  /** What subscribers get, as JSON. */
  data: object;
}

export interface EventRow {
  /** Ascending in commit order, without gaps. */
  id: number;
  type: string;
  org_id: string | null;
  gateway_id: string | null;
  relay_id: string | null;
  relay_audience: string;
  data: string;
}

/**
 * Writes events as the LAST statements of a transaction. The counter's row stays locked until the commit, so ids ascend
 * in commit order: whoever has seen an id has seen all below it. What is locked afterwards could wait for a transaction
 * that waits for the counter.
 */
export async function insertEvents(sql: Sql, events: NewEvent[], now: string): Promise<void> {
  if (events.length === 0) return;
  const [row] = await sql<{ last_id: number | string }>`
    UPDATE event_counter SET last_id = last_id + ${events.length} RETURNING last_id`;
  let id = Number(row?.last_id) - events.length;
  for (const event of events) {
    const { type, orgId, gatewayId, relayId, relayAudience, data } = event;
    await sql`
      INSERT INTO events (id, created_at, type, org_id, gateway_id, relay_id, relay_audience, data)
      VALUES (${++id}, ${now}, ${type}, ${orgId}, ${gatewayId}, ${relayId}, ${JSON.stringify(relayAudience)},
        ${JSON.stringify(data)})`;
  }
}

/** Oldest first. */
export async function listEvents(sql: Sql, range: { after: number; limit: number }): Promise<EventRow[]> {
  const rows = await sql<Omit<EventRow, "id"> & { id: number | string }>`
    SELECT id, type, org_id, gateway_id, relay_id, relay_audience, data FROM events
    WHERE id > ${range.after} ORDER BY id LIMIT ${range.limit}`;
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

/** The newest id ever given, and the id before the oldest event that is kept. */
export async function eventRange(sql: Sql): Promise<{ last: number; keptAfter: number }> {
  const [row] = await sql<{ last_id: number | string; first_id: number | string | null }>`
    SELECT last_id, (SELECT MIN(id) FROM events) AS first_id FROM event_counter`;
  const last = Number(row?.last_id ?? 0);
  const first = row?.first_id ?? null;
  return { last, keptAfter: first === null ? last : Number(first) - 1 };
}

/** Whether a revocation is among the events that are kept. */
export async function wasRevoked(
  sql: Sql,
  { gatewayId, relayId }: { gatewayId: string | null; relayId: string | null },
): Promise<boolean> {
  const rows = await sql`
    SELECT id FROM events
    WHERE (type = 'gateway.revoked' AND gateway_id = ${gatewayId})
      OR (type = 'relay.revoked' AND relay_id = ${relayId})
    LIMIT 1`;
  return rows.length === 1;
}

/** And everything before those, whatever the clocks of the replicas said: no hole is left between two that are kept. */
export async function deleteEventsBefore(sql: Sql, time: string): Promise<void> {
  await sql`DELETE FROM events WHERE id <= (SELECT MAX(id) FROM events WHERE created_at < ${time})`;
}
