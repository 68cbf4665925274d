import type { Sql } from "./database.ts";

export interface IdentitySecretRow {
  id: string;
  identity_id: string;
  description: string;
  /** Its first characters, to tell it from others. */
  hint: string;
  /** null = as often as wanted. */
  uses_limit: number | null;
  uses: number;
  /** null = until it is revoked. */
  expires_at: string | null;
  created_at: string;
  last_used_at: string | null;
}

/** Newest first. At most as many as an identity may have. */
export async function listSecrets(sql: Sql, identityId: string): Promise<IdentitySecretRow[]> {
  return await sql<IdentitySecretRow>`
    SELECT id, identity_id, description, hint, uses_limit, uses, expires_at, created_at, last_used_at
    FROM identity_secrets WHERE identity_id = ${identityId} ORDER BY created_at DESC, id`;
}

export async function findSecret(
  sql: Sql,
  identityId: string,
  secretHash: string,
): Promise<IdentitySecretRow | undefined> {
  const [row] = await sql<IdentitySecretRow>`
    SELECT id, identity_id, description, hint, uses_limit, uses, expires_at, created_at, last_used_at
    FROM identity_secrets WHERE identity_id = ${identityId} AND secret_hash = ${secretHash}`;
  return row;
}

export async function countSecrets(sql: Sql, identityId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM identity_secrets WHERE identity_id = ${identityId}`;
  return row?.n ?? 0;
}

export async function insertSecret(
  sql: Sql,
  row: {
    id: string;
    identityId: string;
    secretHash: string;
    description: string;
    hint: string;
    usesLimit: number | null;
    expiresAt: string | null;
    createdBy: string;
    now: string;
  },
): Promise<void> {
  await sql`
    INSERT INTO identity_secrets (id, identity_id, secret_hash, description, hint, uses_limit, expires_at,
      created_by, created_at)
    VALUES (${row.id}, ${row.identityId}, ${row.secretHash}, ${row.description}, ${row.hint}, ${row.usesLimit},
      ${row.expiresAt}, ${row.createdBy}, ${row.now})`;
}

/** Counts a use, if the secret still counts: true for no more callers than it has uses, however many try at once. */
export async function useSecret(sql: Sql, id: string, now: string): Promise<boolean> {
  const rows = await sql`
    UPDATE identity_secrets SET uses = uses + 1, last_used_at = ${now}
    WHERE id = ${id} AND (uses_limit IS NULL OR uses < uses_limit)
      AND (expires_at IS NULL OR expires_at > ${now})
    RETURNING id`;
  return rows.length === 1;
}

/** Whether its tokens may be renewed: a secret that is used up still stands behind the tokens that it gave. */
export async function isSecretCurrent(
  sql: Sql,
  secret: { id: string; identityId: string },
  now: string,
): Promise<boolean> {
  const rows = await sql`
    SELECT id FROM identity_secrets
    WHERE id = ${secret.id} AND identity_id = ${secret.identityId} AND (expires_at IS NULL OR expires_at > ${now})`;
  return rows.length === 1;
}

/** Every access token that it gave is worthless from now on. False when it is gone already. */
export async function deleteSecret(sql: Sql, identityId: string, id: string): Promise<boolean> {
  const gone = await sql`
    DELETE FROM identity_secrets WHERE id = ${id} AND identity_id = ${identityId} RETURNING id`;
  return gone.length === 1;
}
