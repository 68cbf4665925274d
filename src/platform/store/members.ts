import type { Sql } from "./database.ts";

/** A person in one organisation. */
export interface MemberRow {
  user_id: string;
  email: string;
  name: string | null;
  /** A built-in role, or the id of one of the organisation's own. */
  role: string;
  /** Of a role of the organisation's own: its name, and its rights as JSON. */
  role_name: string | null;
  rights: string | null;
  created_at: string;
}

/** By e-mail address; all, or the one with this id or address. */
export async function listMembers(sql: Sql, orgId: string, who: string | null): Promise<MemberRow[]> {
  return await sql<MemberRow>`
    SELECT m.user_id, u.email, u.name, m.role, r.name AS role_name, r.rights, m.created_at
    FROM memberships m
    JOIN users u ON u.id = m.user_id
    LEFT JOIN roles r ON r.id = m.role AND r.org_id = m.org_id
    WHERE m.org_id = ${orgId}
      AND (CAST(${who} AS TEXT) IS NULL OR u.id = ${who} OR u.email = ${who})
    ORDER BY u.email`;
}

export async function countMembers(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM memberships WHERE org_id = ${orgId}`;
  return row?.n ?? 0;
}

export async function countAdministrators(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM memberships WHERE org_id = ${orgId} AND role = 'admin'`;
  return row?.n ?? 0;
}

export async function updateMemberRole(sql: Sql, orgId: string, userId: string, role: string): Promise<void> {
  await sql`UPDATE memberships SET role = ${role} WHERE org_id = ${orgId} AND user_id = ${userId}`;
}

/** Their tokens and sessions for this organisation go with it, and so do their grants. */
export async function deleteMember(sql: Sql, orgId: string, userId: string): Promise<void> {
  // In the order in which an access takes them.
  await sql`DELETE FROM memberships WHERE org_id = ${orgId} AND user_id = ${userId}`;
  await sql`DELETE FROM grants WHERE org_id = ${orgId} AND user_id = ${userId}`;
}

/** Where a person belongs, by name. */
export async function listMemberships(
  sql: Sql,
  userId: string,
): Promise<{ org_id: string; org_name: string; role: string; role_name: string | null }[]> {
  return await sql<{ org_id: string; org_name: string; role: string; role_name: string | null }>`
    SELECT m.org_id, o.name AS org_name, m.role, r.name AS role_name
    FROM memberships m
    JOIN organisations o ON o.id = m.org_id
    LEFT JOIN roles r ON r.id = m.role AND r.org_id = m.org_id
    WHERE m.user_id = ${userId} ORDER BY o.name`;
}
