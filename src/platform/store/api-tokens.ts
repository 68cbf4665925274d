import type { Sql } from "./database.ts";
import { inChunks, withLists } from "./lists.ts";

/** A session is a login: it ends after hours or with a log-out. A token is made to last. */
export type TokenKind = "session" | "token";

/** A person as one of their tokens shows them: in one organisation. */
export interface TokenOwner {
  token_id: string;
  kind: TokenKind;
  user_id: string;
  email: string;
  instance_admin: number;
  org_id: string;
  org_name: string;
  role: string;
  /** JSON, of a role of the organisation's own. */
  rights: string | null;
  expires_at: string | null;
  last_used_at: string | null;
}

export interface ApiTokenRow {
  id: string;
  kind: TokenKind;
  name: string;
  created_at: string;
  expires_at: string | null;
  /** To the minute. */
  last_used_at: string | null;
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
    /** A token unless told. */
    kind?: TokenKind;
  },
): Promise<void> {
  await sql`
    INSERT INTO api_tokens (id, user_id, org_id, name, token_hash, created_at, expires_at, kind)
    VALUES (${row.id}, ${row.userId}, ${row.orgId}, ${row.name}, ${row.tokenHash}, ${row.now}, ${row.expiresAt},
      ${row.kind ?? "token"})`;
}

export async function findTokenOwner(sql: Sql, tokenHash: string): Promise<TokenOwner | undefined> {
  const [row] = await sql<TokenOwner>`
    SELECT t.id AS token_id, t.kind, t.user_id, u.email, u.instance_admin, t.org_id, o.name AS org_name, m.role,
      r.rights, t.expires_at, t.last_used_at
    FROM api_tokens t
    JOIN memberships m ON m.user_id = t.user_id AND m.org_id = t.org_id
    JOIN users u ON u.id = t.user_id
    JOIN organisations o ON o.id = t.org_id
    LEFT JOIN roles r ON r.id = m.role AND r.org_id = m.org_id
    WHERE t.token_hash = ${tokenHash}`;
  return row;
}

/** What a person has for one organisation and what still counts, newest first. */
export async function listApiTokens(
  sql: Sql,
  whose: { userId: string; orgId: string },
  now: string,
): Promise<ApiTokenRow[]> {
  return await sql<ApiTokenRow>`
    SELECT id, kind, name, created_at, expires_at, last_used_at FROM api_tokens
    WHERE user_id = ${whose.userId} AND org_id = ${whose.orgId} AND (expires_at IS NULL OR expires_at > ${now})
    ORDER BY created_at DESC, id`;
}

export async function countApiTokens(sql: Sql, whose: { userId: string; orgId: string }): Promise<number> {
  const [row] = await sql<{ n: number }>`
    SELECT CAST(count(*) AS INTEGER) AS n FROM api_tokens
    WHERE user_id = ${whose.userId} AND org_id = ${whose.orgId} AND kind = 'token'`;
  return row?.n ?? 0;
}

/** The row that was; undefined when there is none. */
export async function deleteApiToken(
  sql: Sql,
  whose: { userId: string; orgId: string },
  id: string,
): Promise<ApiTokenRow | undefined> {
  const [row] = await sql<ApiTokenRow>`
    DELETE FROM api_tokens WHERE id = ${id} AND user_id = ${whose.userId} AND org_id = ${whose.orgId}
    RETURNING id, kind, name, created_at, expires_at, last_used_at`;
  return row;
}

export async function storeTokenUses(sql: Sql, ids: string[], now: string): Promise<void> {
  await inChunks(
    ids,
    (chunk) => withLists(sql)`UPDATE api_tokens SET last_used_at = ${now} WHERE id IN (${chunk})`,
  );
}

/** Of a login; a token made to last stays. */
export async function deleteSession(sql: Sql, id: string): Promise<void> {
  await sql`DELETE FROM api_tokens WHERE id = ${id} AND kind = 'session'`;
}

/** Every login of everybody. */
export async function deleteSessions(sql: Sql): Promise<void> {
  await sql`DELETE FROM api_tokens WHERE kind = 'session'`;
}

/** Everywhere, but for the one with this id. */
export async function deleteOtherSessions(sql: Sql, userId: string, id: string): Promise<void> {
  await sql`DELETE FROM api_tokens WHERE user_id = ${userId} AND kind = 'session' AND id <> ${id}`;
}

/** Only the newest so many stay, so that somebody who logs in all day leaves no pile. */
export async function deleteOldSessions(
  sql: Sql,
  whose: { userId: string; orgId: string },
  keep: number,
): Promise<void> {
  await sql`
    DELETE FROM api_tokens WHERE kind = 'session' AND user_id = ${whose.userId} AND org_id = ${whose.orgId}
      AND id NOT IN (
        SELECT id FROM api_tokens
        WHERE kind = 'session' AND user_id = ${whose.userId} AND org_id = ${whose.orgId}
        ORDER BY created_at DESC, id LIMIT ${keep})`;
}

/** A session goes on in another organisation of the same person. False when it is no session. */
export async function moveSession(sql: Sql, id: string, orgId: string): Promise<boolean> {
  const rows = await sql`
    UPDATE api_tokens SET org_id = ${orgId} WHERE id = ${id} AND kind = 'session' RETURNING id`;
  return rows.length === 1;
}

export async function deleteExpiredApiTokens(sql: Sql, now: string): Promise<void> {
  await sql`DELETE FROM api_tokens WHERE expires_at <= ${now}`;
}
