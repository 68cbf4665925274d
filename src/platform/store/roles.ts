import type { Sql } from "./database.ts";

/** A role of an organisation's own. */
export interface RoleRow {
  id: string;
  org_id: string;
  name: string;
  /** JSON array of names of rights. */
  rights: string;
  created_at: string;
  updated_at: string;
}

/** By name. At most as many as an organisation may have. */
export async function listRoles(sql: Sql, orgId: string): Promise<RoleRow[]> {
  return await sql<RoleRow>`SELECT * FROM roles WHERE org_id = ${orgId} ORDER BY name`;
}

export async function findRole(sql: Sql, orgId: string, idOrName: string): Promise<RoleRow | undefined> {
  const [row] = await sql<RoleRow>`
    SELECT * FROM roles WHERE org_id = ${orgId} AND (id = ${idOrName} OR name = ${idOrName})
    ORDER BY CASE WHEN id = ${idOrName} THEN 0 ELSE 1 END LIMIT 1`;
  return row;
}

/** False when the name is taken. */
export async function insertRole(
  sql: Sql,
  row: { id: string; orgId: string; name: string; rights: string; now: string },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO roles (id, org_id, name, rights, created_at, updated_at)
    VALUES (${row.id}, ${row.orgId}, ${row.name}, ${row.rights}, ${row.now}, ${row.now})
    ON CONFLICT DO NOTHING RETURNING id`;
  return made.length === 1;
}

export async function updateRole(
  sql: Sql,
  row: { id: string; name: string; rights: string; now: string },
): Promise<void> {
  await sql`
    UPDATE roles SET name = ${row.name}, rights = ${row.rights}, updated_at = ${row.now} WHERE id = ${row.id}`;
}

export async function deleteRole(sql: Sql, id: string): Promise<void> {
  await sql`DELETE FROM roles WHERE id = ${id}`;
}

/** Everybody and everything that has this role or is about to: people, machine identities, invitations. */
export async function countRoleUses(sql: Sql, orgId: string, role: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST((SELECT count(*) FROM memberships WHERE org_id = ${orgId} AND role = ${role})
      + (SELECT count(*) FROM identities WHERE org_id = ${orgId} AND role = ${role})
      + (SELECT count(*) FROM invitations WHERE org_id = ${orgId} AND role = ${role}) AS INTEGER) AS n`;
  return row?.n ?? 0;
}

/** The people and machine identities that have this role. */
export async function listRoleHolders(sql: Sql, orgId: string, role: string): Promise<string[]> {
  const rows = await sql<{ id: string }>`
    SELECT user_id AS id FROM memberships WHERE org_id = ${orgId} AND role = ${role}
    UNION ALL SELECT id FROM identities WHERE org_id = ${orgId} AND role = ${role}`;
  return rows.map(({ id }) => id);
}

/** The role of a person, held until the transaction ends; undefined when they are no member any more. */
export async function holdMemberRole(sql: Sql, orgId: string, userId: string): Promise<string | undefined> {
  const [row] = await sql<{ role: string }>`
    UPDATE memberships SET role = role WHERE org_id = ${orgId} AND user_id = ${userId} RETURNING role`;
  return row?.role;
}

/** The same of a machine identity. */
export async function holdIdentityRole(sql: Sql, orgId: string, id: string): Promise<string | undefined> {
  const [row] = await sql<{ role: string }>`
    UPDATE identities SET role = role WHERE org_id = ${orgId} AND id = ${id} RETURNING role`;
  return row?.role;
}

/** The rights of a role of the organisation's own as JSON, held likewise. */
export async function holdRoleRights(sql: Sql, id: string): Promise<string | null> {
  const [row] = await sql<{ rights: string }>`
    UPDATE roles SET rights = rights WHERE id = ${id} RETURNING rights`;
  return row?.rights ?? null;
}
