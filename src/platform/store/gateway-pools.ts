import type { ResourceKind } from "../../platform-client/resource-kinds.ts";
import type { Sql } from "./database.ts";
import type { GatewayRow } from "./gateways.ts";

export interface PoolRow {
  id: string;
  org_id: string;
  name: string;
  created_at: string;
  updated_at: string;
}

/** A pool as management shows it. */
export interface PoolView extends PoolRow {
  resource_count: number;
}

export interface MembershipRow {
  id: string;
  pool_id: string;
  gateway_id: string;
  created_at: string;
}

/** All pools of an organisation by name, or the one with `id`. At most as many as an organisation may have. */
export async function listPools(sql: Sql, orgId: string, id: string | null): Promise<PoolView[]> {
  return await sql<PoolView>`
    SELECT p.*, (SELECT CAST(count(*) AS INTEGER) FROM resources r WHERE r.pool_id = p.id) AS resource_count
    FROM gateway_pools p
    WHERE p.org_id = ${orgId} AND (p.id = ${id} OR CAST(${id} AS TEXT) IS NULL)
    ORDER BY p.name`;
}

/** By id or by name, in one organisation. */
export async function findOwnPool(sql: Sql, orgId: string, idOrName: string): Promise<PoolRow | undefined> {
  const [row] = await sql<PoolRow>`
    SELECT * FROM gateway_pools WHERE org_id = ${orgId} AND (id = ${idOrName} OR name = ${idOrName})
    ORDER BY CASE WHEN id = ${idOrName} THEN 0 ELSE 1 END LIMIT 1`;
  return row;
}

export async function countPools(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM gateway_pools WHERE org_id = ${orgId}`;
  return row?.n ?? 0;
}

/** False when the organisation has a pool of that name. */
export async function insertPool(
  sql: Sql,
  row: { id: string; orgId: string; name: string; now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO gateway_pools (id, org_id, name, created_at, updated_at)
    VALUES (${row.id}, ${row.orgId}, ${row.name}, ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

/** False when another pool of the organisation has that name. */
export async function renamePool(sql: Sql, pool: PoolRow, name: string, now: string): Promise<boolean> {
  const named = await sql`
    UPDATE gateway_pools SET name = ${name}, updated_at = ${now}
    WHERE id = ${pool.id} AND NOT EXISTS (
      SELECT 1 FROM gateway_pools o WHERE o.org_id = ${pool.org_id} AND o.name = ${name} AND o.id <> ${pool.id})
    RETURNING id`;
  return named.length === 1;
}

/** False when it is gone already. Its memberships go with it. */
export async function deletePool(sql: Sql, id: string): Promise<boolean> {
  const gone = await sql`DELETE FROM gateway_pools WHERE id = ${id} RETURNING id`;
  return gone.length === 1;
}

/** What is behind a pool. */
export async function listPoolResources(
  sql: Sql,
  poolId: string,
): Promise<{ id: string; name: string; kind: ResourceKind }[]> {
  return await sql<{ id: string; name: string; kind: ResourceKind }>`
    SELECT id, name, kind FROM resources WHERE pool_id = ${poolId} ORDER BY name`;
}

/** Who is in which pool of an organisation; all pools, or the one with `poolId`. */
export async function listMembers(
  sql: Sql,
  orgId: string,
  poolId: string | null,
): Promise<(GatewayRow & { pool_id: string })[]> {
  return await sql<GatewayRow & { pool_id: string }>`
    SELECT g.*, m.pool_id FROM gateway_pool_memberships m
    JOIN gateway_pools p ON p.id = m.pool_id
    JOIN gateways g ON g.id = m.gateway_id
    WHERE p.org_id = ${orgId} AND (p.id = ${poolId} OR CAST(${poolId} AS TEXT) IS NULL)
    ORDER BY g.name`;
}

/** False when the gateway is a member already. */
export async function insertMember(sql: Sql, row: MembershipRow): Promise<boolean> {
  const made = await sql`
    INSERT INTO gateway_pool_memberships (id, pool_id, gateway_id, created_at)
    VALUES (${row.id}, ${row.pool_id}, ${row.gateway_id}, ${row.created_at})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

/** Undefined when the gateway is no member. */
export async function deleteMember(
  sql: Sql,
  poolId: string,
  gatewayId: string,
): Promise<MembershipRow | undefined> {
  const [gone] = await sql<MembershipRow>`
    DELETE FROM gateway_pool_memberships WHERE pool_id = ${poolId} AND gateway_id = ${gatewayId} RETURNING *`;
  return gone;
}

/** Takes a gateway out of every pool: which those were. */
export async function deleteMembershipsOf(
  sql: Sql,
  gatewayId: string,
): Promise<{ id: string; name: string }[]> {
  const pools = await sql<{ id: string; name: string }>`
    SELECT p.id, p.name FROM gateway_pool_memberships m JOIN gateway_pools p ON p.id = m.pool_id
    WHERE m.gateway_id = ${gatewayId} ORDER BY p.name`;
  await sql`DELETE FROM gateway_pool_memberships WHERE gateway_id = ${gatewayId}`;
  return pools;
}

export async function isPoolMember(sql: Sql, gatewayId: string): Promise<boolean> {
  const rows = await sql`
    SELECT id FROM gateway_pool_memberships WHERE gateway_id = ${gatewayId} LIMIT 1`;
  return rows.length === 1;
}
