import type { Sql } from "./database.ts";

export type ResourceKind = "tcp" | "http";

export interface ResourceRow {
  id: string;
  org_id: string;
  gateway_id: string;
  gateway_name: string;
  name: string;
  host: string;
  port: number;
  kind: ResourceKind;
  created_at: string;
  updated_at: string;
}

/** By name. At most as many as an organisation may have. */
export async function listResources(sql: Sql, orgId: string): Promise<ResourceRow[]> {
  return await sql<ResourceRow>`
    SELECT r.*, g.name AS gateway_name FROM resources r JOIN gateways g ON g.id = r.gateway_id
    WHERE r.org_id = ${orgId} ORDER BY r.name`;
}

export async function findResource(
  sql: Sql,
  orgId: string,
  idOrName: string,
): Promise<ResourceRow | undefined> {
  const [row] = await sql<ResourceRow>`
    SELECT r.*, g.name AS gateway_name FROM resources r JOIN gateways g ON g.id = r.gateway_id
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

/** False when the name is taken. */
export async function insertResource(
  sql: Sql,
  row: Omit<ResourceRow, "gateway_name" | "created_at" | "updated_at"> & { now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO resources (id, org_id, gateway_id, name, host, port, kind, created_at, updated_at)
    VALUES (${row.id}, ${row.org_id}, ${row.gateway_id}, ${row.name}, ${row.host}, ${row.port}, ${row.kind},
      ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

export async function deleteResource(sql: Sql, id: string): Promise<boolean> {
  const gone = await sql`DELETE FROM resources WHERE id = ${id} RETURNING id`;
  return gone.length === 1;
}
