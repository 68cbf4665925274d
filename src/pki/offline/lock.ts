import { Database } from "bun:sqlite";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { describe, SallyportError } from "../../telemetry/error.ts";

/** Empty; only the lock on it counts. */
export const LOCK_FILE = ".lock";
const PATIENCE_MS = 10_000;

/**
 * Runs `work` while no other `ca` command changes the directory, so that two of them lose none of each other's
 * entries. The lock is SQLite's on an empty database: the kernel lets go of it however a process ends.
 * @throws SallyportError FILE_UNWRITABLE if another command holds it for 10 s, or the directory can't be written
 */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const path = join(directory, LOCK_FILE);
  const database = acquire(directory, path);
  try {
    await chmod(path, 0o600);
    return await work();
  } finally {
    database.close();
  }
}

function acquire(directory: string, path: string): Database {
  let database: Database | undefined;
  try {
    database = new Database(path, { create: true });
    database.run(`PRAGMA busy_timeout = ${PATIENCE_MS}`);
    // Nothing is ever written, and a journal would outlive a killed process.
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("BEGIN EXCLUSIVE");
    return database;
  } catch (cause) {
    database?.close();
    throw new SallyportError(
      "FILE_UNWRITABLE",
      `Cannot lock ${directory} (${describe(cause)}): wait until no other "sallyport ca" command works on it`,
      { cause },
    );
  }
}
