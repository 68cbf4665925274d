import type { Sql } from "./database.ts";

/** Whether nothing new may be put behind a single gateway (PROTOCOL H.4). */
export async function requiresGatewayPools(sql: Sql, orgId: string): Promise<boolean> {
  const [row] = await sql<{ require_gateway_pools: number }>`
    SELECT require_gateway_pools FROM organisations WHERE id = ${orgId}`;
  return row?.require_gateway_pools === 1;
}

export async function storeRequireGatewayPools(
  sql: Sql,
  orgId: string,
  required: boolean,
  now: string,
): Promise<void> {
  await sql`
    UPDATE organisations SET require_gateway_pools = ${required ? 1 : 0}, updated_at = ${now} WHERE id = ${orgId}`;
}
