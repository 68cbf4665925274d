import type { Sql } from "./database.ts";

/** Counts one more, in one step for all replicas. `since` before `windowStart` begins anew. @returns how many by now */
export async function countLoginFailure(
  sql: Sql,
  key: string,
  { now, windowStart }: { now: string; windowStart: string },
): Promise<number> {
  const [row] = await sql<{ count: number }>`
    INSERT INTO login_failures (key, count, since) VALUES (${key}, 1, ${now})
    ON CONFLICT (key) DO UPDATE SET
      count = CASE WHEN login_failures.since <= ${windowStart} THEN 1 ELSE login_failures.count + 1 END,
      since = CASE WHEN login_failures.since <= ${windowStart} THEN excluded.since ELSE login_failures.since END
    RETURNING count`;
  return row?.count ?? 1;
}

export async function forgetLoginFailures(sql: Sql, key: string): Promise<void> {
  await sql`DELETE FROM login_failures WHERE key = ${key}`;
}

export async function deleteLoginFailuresBefore(sql: Sql, time: string): Promise<void> {
  await sql`DELETE FROM login_failures WHERE since <= ${time}`;
}
