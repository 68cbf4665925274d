import type { Sql } from "./database.ts";

export interface AuthorityRow {
  name: string;
  chain_pem: string | null;
  sealed_key: string;
}

/** The authorities of an organisation, or of the instance; none = not made yet. */
export async function listAuthorities(sql: Sql, ownerId: string): Promise<AuthorityRow[]> {
  return await sql<AuthorityRow>`
    SELECT name, chain_pem, sealed_key FROM authorities WHERE owner_id = ${ownerId} ORDER BY name`;
}

export async function listAuthorityOwners(sql: Sql): Promise<string[]> {
  const rows = await sql<{ owner_id: string }>`SELECT owner_id FROM authority_sets`;
  return rows.map((row) => row.owner_id);
}

/** False, and nothing written, when the owner has authorities already: the first set made is the only one. */
export async function insertAuthorities(
  sql: Sql,
  ownerId: string,
  rows: AuthorityRow[],
  now: string,
): Promise<boolean> {
  const made = await sql`
    INSERT INTO authority_sets (owner_id, created_at) VALUES (${ownerId}, ${now})
    ON CONFLICT DO NOTHING RETURNING owner_id`;
  if (made.length === 0) return false;
  for (const row of rows) {
    await sql`
      INSERT INTO authorities (owner_id, name, chain_pem, sealed_key)
      VALUES (${ownerId}, ${row.name}, ${row.chain_pem}, ${row.sealed_key})`;
  }
  return true;
}
