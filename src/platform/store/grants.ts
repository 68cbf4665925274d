import type { Sql } from "./database.ts";

export interface GrantRow {
  id: string;
  org_id: string;
  resource_id: string;
  /** Of the person, or of the machine identity: two of the four are null. */
  user_id: string | null;
  email: string | null;
  identity_id: string | null;
  identity_name: string | null;
  /** null = until it is taken back. */
  ends_at: string | null;
  created_by: string | null;
  created_at: string;
  last_used_at: string | null;
}

/** Oldest first. At most as many as a resource may have. */
export async function listGrants(sql: Sql, resourceId: string): Promise<GrantRow[]> {
  return await sql<GrantRow>`
    SELECT g.*, u.email, i.name AS identity_name
    FROM grants g LEFT JOIN users u ON u.id = g.user_id LEFT JOIN identities i ON i.id = g.identity_id
    WHERE g.resource_id = ${resourceId} ORDER BY g.created_at, u.email, i.name`;
}

/** @param holderId of a person or a machine identity */
export async function findGrant(
  sql: Sql,
  resourceId: string,
  holderId: string,
): Promise<GrantRow | undefined> {
  const [row] = await sql<GrantRow>`
    SELECT g.*, u.email, i.name AS identity_name
    FROM grants g LEFT JOIN users u ON u.id = g.user_id LEFT JOIN identities i ON i.id = g.identity_id
    WHERE g.resource_id = ${resourceId} AND (g.user_id = ${holderId} OR g.identity_id = ${holderId})`;
  return row;
}

export async function countGrants(sql: Sql, resourceId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM grants WHERE resource_id = ${resourceId}`;
  return row?.n ?? 0;
}

/** With the id of a grant that is there, it changes its end. */
export async function upsertGrant(
  sql: Sql,
  row: {
    id: string;
    orgId: string;
    resourceId: string;
    userId: string | null;
    identityId: string | null;
    endsAt: string | null;
    createdBy: string;
    now: string;
  },
): Promise<void> {
  await sql`
    INSERT INTO grants (id, org_id, resource_id, user_id, identity_id, ends_at, created_by, created_at)
    VALUES (${row.id}, ${row.orgId}, ${row.resourceId}, ${row.userId}, ${row.identityId}, ${row.endsAt},
      ${row.createdBy}, ${row.now})
    ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at`;
}

/**
 * Uses a grant, if it still counts: whoever takes it back meanwhile waits for this transaction, and finds what it has
 * issued.
 */
export async function useGrant(sql: Sql, id: string, now: string): Promise<boolean> {
  const rows = await sql`
    UPDATE grants SET last_used_at = ${now}
    WHERE id = ${id} AND (ends_at IS NULL OR ends_at > ${now}) RETURNING id`;
  return rows.length === 1;
}

/** False when it is gone already. */
export async function deleteGrant(sql: Sql, id: string): Promise<boolean> {
  const gone = await sql`DELETE FROM grants WHERE id = ${id} RETURNING id`;
  return gone.length === 1;
}

/** Grants whose time is over; a few at a time. */
export async function listOverdueGrants(
  sql: Sql,
  now: string,
): Promise<{ id: string; org_id: string; resource_id: string }[]> {
  return await sql<{ id: string; org_id: string; resource_id: string }>`
    SELECT id, org_id, resource_id FROM grants WHERE ends_at IS NOT NULL AND ends_at <= ${now}
    ORDER BY ends_at LIMIT 100`;
}

/** Takes a grant whose time is over away, for one replica only. */
export async function deleteOverdueGrant(sql: Sql, id: string, now: string): Promise<boolean> {
  const gone = await sql`
    DELETE FROM grants WHERE id = ${id} AND ends_at IS NOT NULL AND ends_at <= ${now} RETURNING id`;
  return gone.length === 1;
}

/** A person of this organisation. */
export async function findMember(
  sql: Sql,
  orgId: string,
  who: { userId: string | null; email: string | null },
): Promise<{ id: string; email: string } | undefined> {
  const [row] = await sql<{ id: string; email: string }>`
    SELECT u.id, u.email FROM users u JOIN memberships m ON m.user_id = u.id
    WHERE m.org_id = ${orgId} AND (u.id = ${who.userId} OR u.email = ${who.email}) LIMIT 1`;
  return row;
}

/** A machine identity of this organisation. */
export async function findIdentityMember(
  sql: Sql,
  orgId: string,
  who: { identityId: string | null; identityName: string | null },
): Promise<{ id: string; name: string } | undefined> {
  const [row] = await sql<{ id: string; name: string }>`
    SELECT id, name FROM identities
    WHERE org_id = ${orgId} AND (id = ${who.identityId} OR name = ${who.identityName}) LIMIT 1`;
  return row;
}
