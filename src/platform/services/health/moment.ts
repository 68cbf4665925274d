import type { Sql } from "../../store/database.ts";
import { findLeaseSince } from "../../store/leases.ts";

/** Held by the replica that watches over health. */
export const WATCH_LEASE = "health";

/** When something is judged. */
export interface Moment {
  now: Date;
  /**
   * Since when the platform has been there without a gap, RFC 3339: whoever could not call it before that is not late.
   * Empty = nobody watches.
   */
  watchedSince: string;
}

export async function momentOf(sql: Sql, now: Date): Promise<Moment> {
  return { now, watchedSince: (await findLeaseSince(sql, WATCH_LEASE)) ?? "" };
}
