import type { Sql } from "./database.ts";

export interface GrantRow {
  id: string;
  org_id: string;
  resource_id: string;
  user_id: string;
  email: string;
  /** null = until it is taken back. */
  ends_at: string | null;
  created_by: string | null;
  created_at: string;
  last_used_at: string | null;
}

/** Oldest first. At most as many as a resource may have. */
export async function listGrants(sql: Sql, resourceId: string): Promise<GrantRow[]> {
  return await sql<GrantRow>`
    SELECT g.*, u.email FROM grants g JOIN users u ON u.id = g.user_id
    WHERE g.resource_id = ${resourceId} ORDER BY g.created_at, u.email`;
}

export async function findGrant(sql: Sql, resourceId: string, userId: string): Promise<GrantRow | undefined> {
  const [row] = await sql<GrantRow>`
    SELECT g.*, u.email FROM grants g JOIN users u ON u.id = g.user_id
    WHERE g.resource_id = ${resourceId} AND g.user_id = ${userId}`;
  return row;
}

export async function countGrants(sql: Sql, resourceId: string): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM grants WHERE resource_id = ${resourceId}`;
  return row?.n ?? 0;
}

/** A second grant of the same resource to the same person changes the end of the first. */
export async function upsertGrant(
  sql: Sql,
  row: {
    id: string;
    orgId: string;
    resourceId: string;
    userId: string;
    endsAt: string | null;
    createdBy: string;
    now: string;
  },
): Promise<void> {
  await sql`
    INSERT INTO grants (id, org_id, resource_id, user_id, ends_at, created_by, created_at)
    VALUES (${row.id}, ${row.orgId}, ${row.resourceId}, ${row.userId}, ${row.endsAt}, ${row.createdBy}, ${row.now})
    ON CONFLICT (resource_id, user_id) DO UPDATE SET ends_at = excluded.ends_at`;
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
