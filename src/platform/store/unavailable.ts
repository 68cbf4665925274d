import { SQL } from "bun";
import { describe, SallyportError } from "../../telemetry/error.ts";

/** A connection is refused, too slow to open, or lost. */
const LOST = /^ERR_(POSTGRES|SQLITE)_(CONNECTION|IDLE|LIFETIME)_/;
/**
 * SQLSTATE of what passes by itself: connection trouble, too little memory, disk or connections, a server that stops or
 * starts, a standby after a fail-over, a lock that is held too long, a transaction that got in another one's way.
 */
const PASSING = /^(08|53|57P0[1-5]|25006|25P03|55P03|40001|40P01)/;
/** Primary result codes: busy, locked, read-only, I/O error, full, cannot open. */
const PASSING_SQLITE = new Set([5, 6, 8, 10, 13, 14]);
export const SQLITE_BUSY = 5;
/** Primary result codes: malformed, no database. */
const DAMAGED_SQLITE = new Set([11, 26]);
/** A foreign key (RESTRICT too) or a unique index is violated: SQLSTATE, and SQLite's extended result codes. */
const OVERTAKEN = /^(23001|23503|23505)$/;
const OVERTAKEN_SQLITE = new Set([787, 1555, 2067]);

/**
 * What `work` gives.
 * @throws SallyportError DATABASE_UNAVAILABLE for whatever may be gone in a moment, CONFLICT where another request was
 * first; anything else as it is
 */
export async function untilUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isOvertaken(error)) throw overtaken(error);
    throw isPassing(error) ? unavailable(error) : error;
  }
}

export function unavailable(cause: unknown): SallyportError {
  return new SallyportError(
    "DATABASE_UNAVAILABLE",
    `The database cannot be used now: try again in a moment (${describe(cause)}).`,
    { cause },
  );
}

/** What this refers to went away, or its like was made, between a look and the statement that relied on it. */
function overtaken(cause: unknown): SallyportError {
  return new SallyportError(
    "CONFLICT",
    "Something that this is about was changed or deleted at the same moment: look at it again.",
    { cause },
  );
}

export function sqliteCode(error: unknown): number | undefined {
  return error instanceof SQL.SQLiteError ? error.errno & 0xff : undefined;
}

export function isDamaged(error: unknown): boolean {
  return error instanceof SQL.SQLiteError && DAMAGED_SQLITE.has(error.errno & 0xff);
}

function isOvertaken(error: unknown): boolean {
  if (error instanceof SQL.PostgresError) return OVERTAKEN.test(error.errno ?? "");
  return error instanceof SQL.SQLiteError && OVERTAKEN_SQLITE.has(error.errno);
}

function isPassing(error: unknown): boolean {
  if (error instanceof SQL.PostgresError) return LOST.test(error.code) || PASSING.test(error.errno ?? "");
  return error instanceof SQL.SQLiteError
    ? LOST.test(error.code) || PASSING_SQLITE.has(error.errno & 0xff)
    : false;
}
