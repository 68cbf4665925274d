import type { Sql } from "./database.ts";

export interface InstanceRow {
  id: string;
  sealed_root_key_check: string;
  sealed_jwt_secret: string;
  setup_token_hash: string | null;
}

export async function findInstance(sql: Sql): Promise<InstanceRow | undefined> {
  const [row] = await sql<InstanceRow>`SELECT * FROM instance`;
  return row;
}

/** False when another process was first: then its row is the one that counts. */
export async function insertInstance(
  sql: Sql,
  row: { id: string; rootKeyCheck: string; jwtSecret: string; now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO instance (singleton, id, sealed_root_key_check, sealed_jwt_secret, created_at)
    VALUES (1, ${row.id}, ${row.rootKeyCheck}, ${row.jwtSecret}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

export async function storeSetupTokenHash(sql: Sql, hash: string): Promise<void> {
  await sql`UPDATE instance SET setup_token_hash = ${hash}`;
}

/** False when it is another one, or spent. */
export async function spendSetupToken(sql: Sql, hash: string): Promise<boolean> {
  const spent = await sql`
    UPDATE instance SET setup_token_hash = NULL WHERE setup_token_hash = ${hash} RETURNING id`;
  return spent.length === 1;
}

/** Two transactions that do this run one after the other. */
export async function lockInstance(sql: Sql): Promise<void> {
  await sql`UPDATE instance SET created_at = created_at`;
}
