import type { ResourceKind } from "../../platform-client/resource-kinds.ts";
import type { Sql } from "./database.ts";

/** A named target behind a gateway or behind a pool: exactly one of the two. */
export interface ResourceRow {
  id: string;
  org_id: string;
  gateway_id: string | null;
  gateway_name: string | null;
  pool_id: string | null;
  pool_name: string | null;
  name: string;
  host: string;
  port: number;
  kind: ResourceKind;
  created_at: string;
  updated_at: string;
}

type StoredResource = Omit<ResourceRow, "gateway_name" | "pool_name" | "created_at" | "updated_at">;

/** By name. At most as many as an organisation may have. */
export async function listResources(sql: Sql, orgId: string): Promise<ResourceRow[]> {
  return await sql<ResourceRow>`
    SELECT r.*, g.name AS gateway_name, p.name AS pool_name FROM resources r
    LEFT JOIN gateways g ON g.id = r.gateway_id LEFT JOIN gateway_pools p ON p.id = r.pool_id
    WHERE r.org_id = ${orgId} ORDER BY r.name`;
}

export async function findResource(
  sql: Sql,
  orgId: string,
  idOrName: string,
): Promise<ResourceRow | undefined> {
  const [row] = await sql<ResourceRow>`
    SELECT r.*, g.name AS gateway_name, p.name AS pool_name FROM resources r
    LEFT JOIN gateways g ON g.id = r.gateway_id LEFT JOIN gateway_pools p ON p.id = r.pool_id
    WHERE r.org_id = ${orgId} AND (r.id = ${idOrName} OR r.name = ${idOrName})
    ORDER BY CASE WHEN r.id = ${idOrName} THEN 0 ELSE 1 END LIMIT 1`;
  return row;
}

export async function countResources(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM resources WHERE org_id = ${orgId}`;
  return row?.n ?? 0;
}

export async function countGatewayResources(sql: Sql, gatewayId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM resources WHERE gateway_id = ${gatewayId}`;
  return row?.n ?? 0;
}

export async function listGatewayResources(
  sql: Sql,
  gatewayId: string,
): Promise<{ id: string; name: string; kind: ResourceKind }[]> {
  return await sql<{ id: string; name: string; kind: ResourceKind }>`
    SELECT id, name, kind FROM resources WHERE gateway_id = ${gatewayId} ORDER BY name`;
}

/** False when the name is taken. */
export async function insertResource(sql: Sql, row: StoredResource & { now: string }): Promise<boolean> {
  const made = await sql`
    INSERT INTO resources (id, org_id, gateway_id, pool_id, name, host, port, kind, created_at, updated_at)
    VALUES (${row.id}, ${row.org_id}, ${row.gateway_id}, ${row.pool_id}, ${row.name}, ${row.host}, ${row.port},
      ${row.kind}, ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

/** False when another resource of the organisation has that name. */
export async function updateResourceRow(sql: Sql, row: StoredResource & { now: string }): Promise<boolean> {
  const changed = await sql`
    UPDATE resources SET gateway_id = ${row.gateway_id}, pool_id = ${row.pool_id}, name = ${row.name},
      host = ${row.host}, port = ${row.port}, kind = ${row.kind}, updated_at = ${row.now}
    WHERE id = ${row.id} AND NOT EXISTS (
      SELECT 1 FROM resources o WHERE o.org_id = ${row.org_id} AND o.name = ${row.name} AND o.id <> ${row.id})
    RETURNING id`;
  return changed.length === 1;
}

export async function deleteResource(sql: Sql, id: string): Promise<boolean> {
  const gone = await sql`DELETE FROM resources WHERE id = ${id} RETURNING id`;
  return gone.length === 1;
}
