import type { Sql } from "./database.ts";

export interface DestinationRow {
  id: string;
  org_id: string;
  name: string;
  kind: "webhook" | "log";
  /** Of a webhook. */
  url: string | null;
  /** PEM of the only authorities to trust; null = the public ones. */
  ca_certificate: string | null;
  sealed_secret: string | null;
  /** JSON: names of rules. */
  rules: string;
  /** Trouble of gateways and relays is told when it has lasted so long. */
  after_seconds: number;
  created_at: string;
  updated_at: string;
}

export async function listDestinations(sql: Sql, orgId: string): Promise<DestinationRow[]> {
  return await sql<DestinationRow>`SELECT * FROM alert_destinations WHERE org_id = ${orgId} ORDER BY name`;
}

export async function listAllDestinations(sql: Sql): Promise<DestinationRow[]> {
  return await sql<DestinationRow>`SELECT * FROM alert_destinations`;
}

export async function findDestination(sql: Sql, id: string): Promise<DestinationRow | undefined> {
  const [row] = await sql<DestinationRow>`SELECT * FROM alert_destinations WHERE id = ${id}`;
  return row;
}

/** By id or by name, in one organisation. */
export async function findOwnDestination(
  sql: Sql,
  orgId: string,
  idOrName: string,
): Promise<DestinationRow | undefined> {
  const [row] = await sql<DestinationRow>`
    SELECT * FROM alert_destinations WHERE org_id = ${orgId} AND (id = ${idOrName} OR name = ${idOrName})
    ORDER BY CASE WHEN id = ${idOrName} THEN 0 ELSE 1 END LIMIT 1`;
  return row;
}

export async function countDestinations(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM alert_destinations WHERE org_id = ${orgId}`;
  return row?.n ?? 0;
}

/** False when the name is taken. */
export async function insertDestination(sql: Sql, row: DestinationRow): Promise<boolean> {
  const made = await sql`
    INSERT INTO alert_destinations (id, org_id, name, kind, url, ca_certificate, sealed_secret, rules, after_seconds,
      created_at, updated_at)
    VALUES (${row.id}, ${row.org_id}, ${row.name}, ${row.kind}, ${row.url}, ${row.ca_certificate},
      ${row.sealed_secret}, ${row.rules}, ${row.after_seconds}, ${row.created_at}, ${row.updated_at})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

export async function deleteDestination(sql: Sql, orgId: string, id: string): Promise<boolean> {
  const gone = await sql`DELETE FROM alert_destinations WHERE id = ${id} AND org_id = ${orgId} RETURNING id`;
  return gone.length === 1;
}
