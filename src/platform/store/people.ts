import type { Sql } from "./database.ts";

export interface OrganisationRow {
  id: string;
  name: string;
  sealed_key: string;
}

/** A person as one of their tokens shows them: in one organisation. */
export interface TokenOwner {
  token_id: string;
  user_id: string;
  email: string;
  instance_admin: number;
  org_id: string;
  org_name: string;
  role: string;
  /** JSON, of a role of the organisation's own. */
  rights: string | null;
  expires_at: string | null;
}

export interface LoginRow {
  user_id: string;
  password_hash: string | null;
  org_id: string;
}

export async function findOrganisation(sql: Sql, id: string): Promise<OrganisationRow | undefined> {
  const [row] = await sql<OrganisationRow>`SELECT id, name, sealed_key FROM organisations WHERE id = ${id}`;
  return row;
}

export async function countUsers(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }>`SELECT CAST(count(*) AS INTEGER) AS n FROM users`;
  return row?.n ?? 0;
}

/** False when the name is taken. */
export async function insertOrganisation(
  sql: Sql,
  row: { id: string; name: string; sealedKey: string; now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO organisations (id, name, sealed_key, created_at, updated_at)
    VALUES (${row.id}, ${row.name}, ${row.sealedKey}, ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

/**
 * Makes other transactions that do the same wait until this one ends, so that counting and inserting are one step.
 * False when there is no such organisation.
 */
export async function lockOrganisation(sql: Sql, id: string, now: string): Promise<boolean> {
  const rows = await sql`UPDATE organisations SET updated_at = ${now} WHERE id = ${id} RETURNING id`;
  return rows.length === 1;
}

/** False when the address is taken. */
export async function insertUser(
  sql: Sql,
  row: { id: string; email: string; passwordHash: string | null; instanceAdmin: boolean; now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO users (id, email, password_hash, instance_admin, created_at, updated_at)
    VALUES (${row.id}, ${row.email}, ${row.passwordHash}, ${row.instanceAdmin ? 1 : 0}, ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

export async function insertMembership(
  sql: Sql,
  row: { userId: string; orgId: string; role: "admin" | "member"; now: string },
): Promise<void> {
  await sql`
    INSERT INTO memberships (user_id, org_id, role, created_at)
    VALUES (${row.userId}, ${row.orgId}, ${row.role}, ${row.now})`;
}

export async function insertApiToken(
  sql: Sql,
  row: {
    id: string;
    userId: string;
    orgId: string;
    name: string;
    tokenHash: string;
    now: string;
    expiresAt: string | null;
  },
): Promise<void> {
  await sql`
    INSERT INTO api_tokens (id, user_id, org_id, name, token_hash, created_at, expires_at)
    VALUES (${row.id}, ${row.userId}, ${row.orgId}, ${row.name}, ${row.tokenHash}, ${row.now}, ${row.expiresAt})`;
}

export async function findTokenOwner(sql: Sql, tokenHash: string): Promise<TokenOwner | undefined> {
  const [row] = await sql<TokenOwner>`
    SELECT t.id AS token_id, t.user_id, u.email, u.instance_admin, t.org_id, o.name AS org_name, m.role,
      r.rights, t.expires_at
    FROM api_tokens t
    JOIN memberships m ON m.user_id = t.user_id AND m.org_id = t.org_id
    JOIN users u ON u.id = t.user_id
    JOIN organisations o ON o.id = t.org_id
    LEFT JOIN roles r ON r.id = m.role AND r.org_id = m.org_id
    WHERE t.token_hash = ${tokenHash}`;
  return row;
}

/** Of a login; a token made to last stays. */
export async function deleteLoginToken(sql: Sql, id: string): Promise<void> {
  await sql`DELETE FROM api_tokens WHERE id = ${id} AND expires_at IS NOT NULL`;
}

export async function deleteExpiredApiTokens(sql: Sql, now: string): Promise<void> {
  await sql`DELETE FROM api_tokens WHERE expires_at <= ${now}`;
}

/** The person with this address, in the organisation joined first. */
export async function findLogin(sql: Sql, email: string): Promise<LoginRow | undefined> {
  const [row] = await sql<LoginRow>`
    SELECT u.id AS user_id, u.password_hash, m.org_id
    FROM users u JOIN memberships m ON m.user_id = u.id
    WHERE u.email = ${email} ORDER BY m.created_at, m.org_id LIMIT 1`;
  return row;
}
