import type { Sql } from "./database.ts";

interface Lease {
  name: string;
  holder: string;
  expiresAt: string;
}

/**
 * Takes or renews a lease. Undefined while somebody else holds it; otherwise since when it was held by anybody without a
 * gap, which is something that ended before `gapBefore`.
 */
export async function takeLease(
  sql: Sql,
  { name, holder, expiresAt }: Lease,
  { now, gapBefore }: { now: string; gapBefore: string },
): Promise<string | undefined> {
  const [row] = await sql<{ since: string }>`
    INSERT INTO leases (name, holder, expires_at, since) VALUES (${name}, ${holder}, ${expiresAt}, ${now})
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at,
      since = CASE WHEN leases.expires_at < ${gapBefore} THEN excluded.since ELSE leases.since END
      WHERE leases.holder = excluded.holder OR leases.expires_at <= ${now}
    RETURNING since`;
  return row?.since;
}

/** Gives it up, so that nobody has to wait for its end. */
export async function dropLease(
  sql: Sql,
  { name, holder }: Omit<Lease, "expiresAt">,
  now: string,
): Promise<void> {
  await sql`UPDATE leases SET expires_at = ${now} WHERE name = ${name} AND holder = ${holder}`;
}

/** Since when a lease was held without a gap; undefined = never. */
export async function findLeaseSince(sql: Sql, name: string): Promise<string | undefined> {
  const [row] = await sql<{ since: string }>`SELECT since FROM leases WHERE name = ${name}`;
  return row?.since;
}
