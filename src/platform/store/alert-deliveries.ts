import type { Sql } from "./database.ts";

export type AlertEvent = "raised" | "recovered";

export interface DeliveryRow {
  id: string;
  alert_id: string;
  destination_id: string;
  event: AlertEvent;
  created_at: string;
  /** Begun so far. */
  attempts: number;
  /** null = it is over. */
  next_at: string | null;
  delivered_at: string | null;
  /** When it was given up. */
  failed_at: string | null;
  last_error: string | null;
}

/** Once for each alert, destination and event, however many replicas ask for it. */
export async function insertDelivery(
  sql: Sql,
  row: { id: string; alertId: string; destinationId: string; event: AlertEvent },
  now: string,
): Promise<void> {
  await sql`
    INSERT INTO alert_deliveries (id, alert_id, destination_id, event, created_at, next_at)
    VALUES (${row.id}, ${row.alertId}, ${row.destinationId}, ${row.event}, ${now}, ${now})
    ON CONFLICT (alert_id, destination_id, event) DO NOTHING`;
}

/** Who was told of alerts that are not over. */
export async function listTold(sql: Sql): Promise<{ alert_id: string; destination_id: string }[]> {
  return await sql<{ alert_id: string; destination_id: string }>`
    SELECT d.alert_id, d.destination_id FROM alert_deliveries d JOIN alerts a ON a.id = d.alert_id
    WHERE a.closed_at IS NULL AND d.event = 'raised'`;
}

export async function listDeliveries(sql: Sql, alertId: string): Promise<(DeliveryRow & { name: string })[]> {
  return await sql<DeliveryRow & { name: string }>`
    SELECT d.*, t.name FROM alert_deliveries d JOIN alert_destinations t ON t.id = d.destination_id
    WHERE d.alert_id = ${alertId} ORDER BY d.created_at, t.name, d.event`;
}

/**
 * Deliveries whose time has come, each for one caller only: its turn comes again at `again`, should the caller not
 * live to say how it went.
 */
export async function takeDeliveries(
  sql: Sql,
  { now, again, limit }: { now: string; again: string; limit: number },
): Promise<DeliveryRow[]> {
  return await sql<DeliveryRow>`
    UPDATE alert_deliveries SET next_at = ${again}, attempts = attempts + 1
    WHERE next_at <= ${now} AND id IN (
      SELECT id FROM alert_deliveries WHERE next_at <= ${now} ORDER BY next_at, id LIMIT ${limit})
    RETURNING *`;
}

export async function hasDeliveriesDue(sql: Sql, now: string): Promise<boolean> {
  const rows = await sql`SELECT id FROM alert_deliveries WHERE next_at <= ${now} LIMIT 1`;
  return rows.length === 1;
}

export async function storeDelivered(sql: Sql, id: string, now: string): Promise<void> {
  await sql`
    UPDATE alert_deliveries SET delivered_at = ${now}, next_at = NULL, last_error = NULL WHERE id = ${id}`;
}

/** `nextAt` null = it is given up. */
export async function storeFailedAttempt(
  sql: Sql,
  row: { id: string; error: string; nextAt: string | null },
  now: string,
): Promise<void> {
  await sql`
    UPDATE alert_deliveries SET last_error = ${row.error}, next_at = ${row.nextAt},
      failed_at = CASE WHEN CAST(${row.nextAt} AS TEXT) IS NULL THEN CAST(${now} AS TEXT) ELSE NULL END
    WHERE id = ${row.id}`;
}
