import type { Sql } from "./database.ts";
import type { GatewayRow } from "./gateways.ts";

/** A member of a pool with everything that choosing one of them looks at. */
export interface CandidateRow extends GatewayRow {
  /** Connections that it last reported; null = none reported yet. */
  active_channels: number | null;
  reported_at: string | null;
  /** Handed out since, and not in that report. */
  reserved: number;
  /** When a client last failed to get through it. */
  failed_at: string | null;
}

/** What a gateway says about its connections. */
export interface LoadReport {
  gatewayId: string;
  activeChannels: number;
  reportedAt: string;
  /** What was handed out before this time is in the count. */
  coversUntil: string;
}

/** Unless the gateway was deleted meanwhile. */
export async function storeLoad(sql: Sql, report: LoadReport): Promise<void> {
  await sql`
    INSERT INTO gateway_loads (gateway_id, active_channels, reported_at, covers_until)
    SELECT id, CAST(${report.activeChannels} AS INTEGER), CAST(${report.reportedAt} AS TEXT),
      CAST(${report.coversUntil} AS TEXT)
    FROM gateways WHERE id = ${report.gatewayId}
    ON CONFLICT (gateway_id) DO UPDATE SET active_channels = excluded.active_channels,
      reported_at = excluded.reported_at, covers_until = excluded.covers_until`;
}

/** Makes other transactions that choose from this pool wait until this one ends. False = there is no such pool. */
export async function lockPool(sql: Sql, poolId: string): Promise<boolean> {
  const rows = await sql`UPDATE gateway_pools SET name = name WHERE id = ${poolId} RETURNING id`;
  return rows.length === 1;
}

/** @param since reservations made before this time are forgotten */
export async function listCandidates(sql: Sql, poolId: string, since: string): Promise<CandidateRow[]> {
  return await sql<CandidateRow>`
    SELECT g.*, l.active_channels, l.reported_at, s.failed_at,
      (SELECT CAST(count(*) AS INTEGER) FROM gateway_reservations v
        WHERE v.gateway_id = g.id AND v.claimed_at > ${since}
          AND v.claimed_at >= COALESCE(l.covers_until, '')) AS reserved
    FROM gateway_pool_memberships m
    JOIN gateways g ON g.id = m.gateway_id
    LEFT JOIN gateway_loads l ON l.gateway_id = g.id
    LEFT JOIN gateway_suspicions s ON s.gateway_id = g.id
    WHERE m.pool_id = ${poolId} ORDER BY g.name`;
}

/** Counts a connection that is about to be opened; forgets those of before `since`. */
export async function reserve(sql: Sql, gatewayId: string, now: string, since: string): Promise<void> {
  await sql`DELETE FROM gateway_reservations WHERE gateway_id = ${gatewayId} AND claimed_at <= ${since}`;
  await sql`
    INSERT INTO gateway_reservations (id, gateway_id, claimed_at)
    VALUES (${crypto.randomUUID()}, ${gatewayId}, ${now})`;
}

/** A client did not get through. @param since suspicions of before are over. @returns whether it was none until now */
export async function suspect(sql: Sql, gatewayId: string, now: string, since: string): Promise<boolean> {
  const [before] = await sql<{ failed_at: string }>`
    SELECT failed_at FROM gateway_suspicions WHERE gateway_id = ${gatewayId}`;
  await sql`
    INSERT INTO gateway_suspicions (gateway_id, failed_at)
    SELECT id, CAST(${now} AS TEXT) FROM gateways WHERE id = ${gatewayId}
    ON CONFLICT (gateway_id) DO UPDATE SET failed_at = excluded.failed_at`;
  return before === undefined || before.failed_at <= since;
}
