import type { Sql } from "./database.ts";

export interface InvitationRow {
  id: string;
  org_id: string;
  org_name: string;
  email: string;
  role: string;
  /** Of a role of the organisation's own: its name, and its rights as JSON. */
  role_name: string | null;
  rights: string | null;
  created_at: string;
  expires_at: string;
}

/** Newest first. */
export async function listInvitations(sql: Sql, orgId: string): Promise<InvitationRow[]> {
  return await sql<InvitationRow>`
    SELECT i.id, i.org_id, o.name AS org_name, i.email, i.role, r.name AS role_name, r.rights, i.created_at,
      i.expires_at
    FROM invitations i
    JOIN organisations o ON o.id = i.org_id
    LEFT JOIN roles r ON r.id = i.role AND r.org_id = i.org_id
    WHERE i.org_id = ${orgId} ORDER BY i.created_at DESC, i.email`;
}

export async function findInvitation(sql: Sql, tokenHash: string): Promise<InvitationRow | undefined> {
  const [row] = await sql<InvitationRow>`
    SELECT i.id, i.org_id, o.name AS org_name, i.email, i.role, r.name AS role_name, r.rights, i.created_at,
      i.expires_at
    FROM invitations i
    JOIN organisations o ON o.id = i.org_id
    LEFT JOIN roles r ON r.id = i.role AND r.org_id = i.org_id
    WHERE i.token_hash = ${tokenHash}`;
  return row;
}

export async function countInvitations(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM invitations WHERE org_id = ${orgId}`;
  return row?.n ?? 0;
}

/** A second invitation of the same person takes the place of the first, whose link is worthless then. */
export async function replaceInvitation(
  sql: Sql,
  row: {
    id: string;
    orgId: string;
    email: string;
    role: string;
    tokenHash: string;
    createdBy: string;
    now: string;
    expiresAt: string;
  },
): Promise<void> {
  await sql`DELETE FROM invitations WHERE org_id = ${row.orgId} AND email = ${row.email}`;
  await sql`
    INSERT INTO invitations (id, org_id, email, role, token_hash, created_by, created_at, expires_at)
    VALUES (${row.id}, ${row.orgId}, ${row.email}, ${row.role}, ${row.tokenHash}, ${row.createdBy}, ${row.now},
      ${row.expiresAt})`;
}

/** Spends it: of several that try at once, one gets it. */
export async function takeInvitation(
  sql: Sql,
  tokenHash: string,
  now: string,
): Promise<{ org_id: string; email: string; role: string; created_by: string } | undefined> {
  const [row] = await sql<{ org_id: string; email: string; role: string; created_by: string }>`
    DELETE FROM invitations WHERE token_hash = ${tokenHash} AND expires_at > ${now}
    RETURNING org_id, email, role, created_by`;
  return row;
}

/** The address that was invited; undefined when there is no such invitation. */
export async function deleteInvitation(sql: Sql, orgId: string, id: string): Promise<string | undefined> {
  const [row] = await sql<{ email: string }>`
    DELETE FROM invitations WHERE org_id = ${orgId} AND id = ${id} RETURNING email`;
  return row?.email;
}

/** The open ones that somebody made. */
export async function deleteInvitationsBy(sql: Sql, orgId: string, createdBy: string): Promise<void> {
  await sql`DELETE FROM invitations WHERE org_id = ${orgId} AND created_by = ${createdBy}`;
}

export async function deleteExpiredInvitations(sql: Sql, now: string): Promise<void> {
  await sql`DELETE FROM invitations WHERE expires_at <= ${now}`;
}
