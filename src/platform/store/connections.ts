import type { Sql } from "./database.ts";

export interface ConnectionRow {
  id: string;
  org_id: string;
  gateway_id: string;
  gateway_name: string;
  resource_id: string | null;
  resource_name: string | null;
  grant_id: string | null;
  access_id: string | null;
  serial: string;
  mode: string;
  actor_type: string;
  actor_id: string | null;
  actor_name: string | null;
  target: string;
  instance: string | null;
  opened_at: string;
  closed_at: string | null;
  bytes_up: number | null;
  bytes_down: number | null;
  duration_ms: number | null;
  cause: string | null;
}

/** The end of a connection whose gateway never told it. */
const GATEWAY_RESTARTED = "GATEWAY_RESTARTED";

/**
 * A connection as its gateway tells it, opened or over. The same again changes nothing, and what is over stays so, but
 * for an end that was only concluded. Another gateway's is left alone.
 */
export async function storeConnection(sql: Sql, row: ConnectionRow): Promise<void> {
  await sql`
    INSERT INTO connections (id, org_id, gateway_id, gateway_name, resource_id, resource_name, grant_id, access_id,
      serial, mode, actor_type, actor_id, actor_name, target, instance, opened_at, closed_at, bytes_up, bytes_down,
      duration_ms, cause)
    VALUES (${row.id}, ${row.org_id}, ${row.gateway_id}, ${row.gateway_name}, ${row.resource_id},
      ${row.resource_name}, ${row.grant_id}, ${row.access_id}, ${row.serial}, ${row.mode}, ${row.actor_type},
      ${row.actor_id}, ${row.actor_name}, ${row.target}, ${row.instance}, ${row.opened_at}, ${row.closed_at},
      ${row.bytes_up}, ${row.bytes_down}, ${row.duration_ms}, ${row.cause})
    ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at, bytes_up = excluded.bytes_up,
      bytes_down = excluded.bytes_down, duration_ms = excluded.duration_ms, cause = excluded.cause
    WHERE connections.gateway_id = excluded.gateway_id AND excluded.closed_at IS NOT NULL
      AND (connections.closed_at IS NULL OR connections.cause = ${GATEWAY_RESTARTED})`;
}

/** What other processes of a gateway than this one left open is over. @param instance null = all of them */
export async function closeAbandoned(
  sql: Sql,
  gatewayId: string,
  instance: string | null,
  now: string,
): Promise<void> {
  await sql`
    UPDATE connections SET closed_at = ${now}, cause = ${GATEWAY_RESTARTED}
    WHERE gateway_id = ${gatewayId} AND closed_at IS NULL
      AND COALESCE(instance, '') <> ${instance ?? "none"}`;
}

/** What an access was issued for, by the certificate that the gateway saw. */
export async function findIssuedAccess(
  sql: Sql,
  gatewayId: string,
  serial: string,
): Promise<IssuedAccess | undefined> {
  const [row] = await sql<IssuedAccess>`
    SELECT i.actor_type, i.actor_id, COALESCE(u.email, m.name) AS actor_name, i.resource_id,
      r.name AS resource_name, i.grant_id, i.access_id
    FROM issued_certificates i
    LEFT JOIN users u ON u.id = i.actor_id
    LEFT JOIN identities m ON m.id = i.actor_id
    LEFT JOIN resources r ON r.id = i.resource_id
    WHERE i.serial = ${serial} AND i.profile = 'gateway-client' AND i.gateway_id = ${gatewayId}`;
  return row;
}

/** Who got a certificate, and what for. */
export interface IssuedAccess {
  actor_type: string;
  actor_id: string | null;
  /** Null when they are gone. */
  actor_name: string | null;
  resource_id: string | null;
  resource_name: string | null;
  grant_id: string | null;
  access_id: string | null;
}

export interface ConnectionFilter {
  orgId: string;
  since: string | null;
  until: string | null;
  gatewayId: string | null;
  resourceId: string | null;
  /** A user id or an e-mail address. */
  actor: string | null;
  open: boolean;
  /** Only what comes after this one, in the order of the list. */
  after: { time: string; id: string } | null;
  limit: number;
}

/** Newest first. */
export async function listConnections(sql: Sql, filter: ConnectionFilter): Promise<ConnectionRow[]> {
  const { orgId, since, until, gatewayId, resourceId, actor, open, after, limit } = filter;
  const time = after?.time ?? null;
  const id = after?.id ?? null;
  return await sql<ConnectionRow>`
    SELECT * FROM connections
    WHERE org_id = ${orgId}
      AND (opened_at >= ${since} OR CAST(${since} AS TEXT) IS NULL)
      AND (opened_at < ${until} OR CAST(${until} AS TEXT) IS NULL)
      AND (gateway_id = ${gatewayId} OR CAST(${gatewayId} AS TEXT) IS NULL)
      AND (resource_id = ${resourceId} OR CAST(${resourceId} AS TEXT) IS NULL)
      AND (actor_id = ${actor} OR actor_name = ${actor} OR CAST(${actor} AS TEXT) IS NULL)
      AND (closed_at IS NULL OR ${open ? 1 : 0} = 0)
      AND (opened_at < ${time} OR (opened_at = ${time} AND id < ${id}) OR CAST(${time} AS TEXT) IS NULL)
    ORDER BY opened_at DESC, id DESC LIMIT ${limit}`;
}

export async function deleteConnectionsBefore(sql: Sql, time: string): Promise<void> {
  await sql`DELETE FROM connections WHERE opened_at < ${time} AND closed_at IS NOT NULL AND closed_at < ${time}`;
}
