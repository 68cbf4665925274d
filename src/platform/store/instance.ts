import type { Sql } from "./database.ts";

export interface InstanceRow {
  id: string;
  sealed_root_key_check: string;
  sealed_jwt_secret: string;
  setup_token_hash: string | null;
  /** See `rootKeyId`; absent in the schema before it, null for a key that is older than it. */
  root_key_id?: string | null;
  root_key_since?: string | null;
}

export async function findInstance(sql: Sql): Promise<InstanceRow | undefined> {
  const [row] = await sql<InstanceRow>`SELECT * FROM instance`;
  return row;
}

/** False when another process was first: then its row is the one that counts. */
export async function insertInstance(
  sql: Sql,
  row: { id: string; rootKeyCheck: string; rootKeyId: string; jwtSecret: string; now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO instance (singleton, id, sealed_root_key_check, root_key_id, root_key_since, sealed_jwt_secret,
      created_at)
    VALUES (1, ${row.id}, ${row.rootKeyCheck}, ${row.rootKeyId}, ${row.now}, ${row.jwtSecret}, ${row.now})
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

/** What the root key seals directly, under another one. */
export async function storeResealedInstance(
  sql: Sql,
  row: { rootKeyCheck: string; rootKeyId: string; jwtSecret: string; now: string },
): Promise<void> {
  await sql`
    UPDATE instance SET sealed_root_key_check = ${row.rootKeyCheck}, root_key_id = ${row.rootKeyId},
      root_key_since = ${row.now}, sealed_jwt_secret = ${row.jwtSecret}`;
}

export interface SealedRow {
  key: string;
  sealed: string;
}

/** The key of each organisation. */
export async function listSealedOrganisationKeys(sql: Sql): Promise<SealedRow[]> {
  return await sql<SealedRow>`SELECT id AS key, sealed_key AS sealed FROM organisations`;
}

export async function storeSealedOrganisationKey(sql: Sql, { key, sealed }: SealedRow): Promise<void> {
  await sql`UPDATE organisations SET sealed_key = ${sealed} WHERE id = ${key}`;
}
