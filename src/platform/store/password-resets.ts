import type { Sql } from "./database.ts";

export interface PasswordResetRow {
  user_id: string;
  email: string;
  /** Where it was made. */
  org_id: string;
  /** 1 = by an administrator of the instance: it counts wherever the person belongs. */
  anywhere: number;
  /** A person's or a machine identity's id. */
  created_by: string;
  expires_at: string;
}

/** An earlier link for the same person is worthless then. */
export async function replacePasswordReset(
  sql: Sql,
  row: {
    userId: string;
    orgId: string;
    anywhere: boolean;
    tokenHash: string;
    createdBy: string;
    now: string;
    expiresAt: string;
  },
): Promise<void> {
  await sql`
    INSERT INTO password_resets (user_id, org_id, anywhere, token_hash, created_by, created_at, expires_at)
    VALUES (${row.userId}, ${row.orgId}, ${row.anywhere ? 1 : 0}, ${row.tokenHash}, ${row.createdBy}, ${row.now},
      ${row.expiresAt})
    ON CONFLICT (user_id) DO UPDATE SET org_id = excluded.org_id, anywhere = excluded.anywhere,
      token_hash = excluded.token_hash, created_by = excluded.created_by, created_at = excluded.created_at,
      expires_at = excluded.expires_at`;
}

/** Unless it has expired. */
export async function findPasswordReset(
  sql: Sql,
  tokenHash: string,
  now: string,
): Promise<PasswordResetRow | undefined> {
  const [row] = await sql<PasswordResetRow>`
    SELECT p.user_id, u.email, p.org_id, p.anywhere, p.created_by, p.expires_at
    FROM password_resets p JOIN users u ON u.id = p.user_id
    WHERE p.token_hash = ${tokenHash} AND p.expires_at > ${now}`;
  return row;
}

/** Spends it: of several that try at once, one gets it. */
export async function takePasswordReset(sql: Sql, tokenHash: string): Promise<boolean> {
  const rows = await sql`DELETE FROM password_resets WHERE token_hash = ${tokenHash} RETURNING user_id`;
  return rows.length === 1;
}

/** The one for this person. */
export async function deletePasswordReset(sql: Sql, userId: string): Promise<void> {
  await sql`DELETE FROM password_resets WHERE user_id = ${userId}`;
}

/** Those that somebody made in an organisation and nobody has used. */
export async function deletePasswordResetsBy(sql: Sql, orgId: string, createdBy: string): Promise<void> {
  await sql`DELETE FROM password_resets WHERE org_id = ${orgId} AND created_by = ${createdBy}`;
}

export async function deleteExpiredPasswordResets(sql: Sql, now: string): Promise<void> {
  await sql`DELETE FROM password_resets WHERE expires_at <= ${now}`;
}
