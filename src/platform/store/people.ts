import type { Sql } from "./database.ts";

export interface OrganisationRow {
  id: string;
  name: string;
  sealed_key: string;
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

export async function countOrganisations(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }>`SELECT CAST(count(*) AS INTEGER) AS n FROM organisations`;
  return row?.n ?? 0;
}

/** False when another organisation has the name. */
export async function renameOrganisation(sql: Sql, id: string, name: string, now: string): Promise<boolean> {
  const rows = await sql`
    UPDATE organisations SET name = ${name}, updated_at = ${now}
    WHERE id = ${id} AND NOT EXISTS (SELECT 1 FROM organisations WHERE name = ${name} AND id <> ${id})
    RETURNING id`;
  return rows.length === 1;
}

/** False when the address is taken. */
export async function insertUser(
  sql: Sql,
  row: {
    id: string;
    email: string;
    name?: string;
    passwordHash: string | null;
    instanceAdmin: boolean;
    now: string;
  },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO users (id, email, name, password_hash, instance_admin, created_at, updated_at)
    VALUES (${row.id}, ${row.email}, ${row.name ?? null}, ${row.passwordHash}, ${row.instanceAdmin ? 1 : 0},
      ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

/** False when the person is a member already. */
export async function insertMembership(
  sql: Sql,
  row: { userId: string; orgId: string; role: string; now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO memberships (user_id, org_id, role, created_at)
    VALUES (${row.userId}, ${row.orgId}, ${row.role}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING user_id`;
  return made.length === 1;
}

/** The person with this address, in the organisation joined first. */
export async function findLogin(sql: Sql, email: string): Promise<LoginRow | undefined> {
  const [row] = await sql<LoginRow>`
    SELECT u.id AS user_id, u.password_hash, m.org_id
    FROM users u JOIN memberships m ON m.user_id = u.id
    WHERE u.email = ${email} ORDER BY m.created_at, m.org_id LIMIT 1`;
  return row;
}

/** The person with this address, whether they belong to an organisation or to none. */
export async function findUser(
  sql: Sql,
  email: string,
): Promise<{ id: string; name: string | null; password_hash: string | null } | undefined> {
  const [row] = await sql<{ id: string; name: string | null; password_hash: string | null }>`
    SELECT id, name, password_hash FROM users WHERE email = ${email}`;
  return row;
}

export interface PersonRow {
  id: string;
  email: string;
  instance_admin: number;
}

/** By id or address, wherever they belong. */
export async function findPerson(sql: Sql, who: string): Promise<PersonRow | undefined> {
  const [row] = await sql<PersonRow>`
    SELECT id, email, instance_admin FROM users WHERE id = ${who} OR email = ${who}`;
  return row;
}

export async function storePassword(
  sql: Sql,
  userId: string,
  passwordHash: string,
  now: string,
): Promise<void> {
  await sql`UPDATE users SET password_hash = ${passwordHash}, updated_at = ${now} WHERE id = ${userId}`;
}
