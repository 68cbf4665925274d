import { chmod } from "node:fs/promises";
import { SQL } from "bun";
import type { RawSql, Sql, Store } from "./database.ts";
import { SQLITE_BUSY, sqliteCode, untilUnavailable } from "./unavailable.ts";
import { WriterQueue } from "./writer-queue.ts";

/** For the writer of another process: `platform bootstrap` or `restore` while the platform runs. */
const PATIENCE_MS = 10_000;
/** SQLite's own waiting would hold up everything in this process, reads and event streams too. */
const ASK_AGAIN_MS = 10;

/**
 * One writing connection behind a queue, because a statement issued while another transaction awaits would join it, and
 * one connection that only reads, so that reads neither wait for a writer nor see what is not committed.
 */
export async function openSqlite(file: string): Promise<Store> {
  const writer = new SQL({ adapter: "sqlite", filename: file, create: true });
  await chmod(file, 0o600);
  // For these first statements, which another process may be in the way of as well.
  await writer.unsafe(`PRAGMA busy_timeout = ${PATIENCE_MS}`);
  await writer`PRAGMA journal_mode = WAL`;
  await writer`PRAGMA synchronous = FULL`;
  await writer`PRAGMA foreign_keys = ON`;
  await writer`PRAGMA busy_timeout = 0`;
  const reader = new SQL({ adapter: "sqlite", filename: file, readonly: true });
  await reader.unsafe(`PRAGMA busy_timeout = ${PATIENCE_MS}`);
  const queue = new WriterQueue();
  const immediate = <T>(work: (transaction: SQL) => Promise<T>) =>
    queue.run(() => untilUnavailable(() => whenFree(writer, work)));
  return {
    dialect: "sqlite",
    read: bind(reader),
    transaction: (work) => immediate((transaction) => work(bind(transaction))),
    migrate: (work) => immediate((transaction) => work(bindRaw(transaction), bind(transaction))),
    snapshot: async (work) => {
      // A connection of its own: the first statement of its transaction decides what it sees until it ends.
      const still = new SQL({ adapter: "sqlite", filename: file, readonly: true });
      try {
        await still.unsafe(`PRAGMA busy_timeout = ${PATIENCE_MS}`);
        return await still.begin((transaction) => work(bindRaw(transaction)));
      } finally {
        await still.close();
      }
    },
    close: async () => {
      await queue.idle();
      await reader.close();
      await writer.close();
    },
  };
}

/** Begins as soon as no other process writes; from then on nobody is in the way. */
async function whenFree<T>(writer: SQL, work: (transaction: SQL) => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    let begun = false;
    try {
      return await writer.begin("immediate", (transaction) => {
        begun = true;
        return work(transaction);
      });
    } catch (error) {
      if (begun || sqliteCode(error) !== SQLITE_BUSY || Date.now() > deadline) throw error;
    }
    await Bun.sleep(ASK_AGAIN_MS);
  }
}

function bind(connection: SQL): Sql {
  return async <Row>(text: TemplateStringsArray, ...values: (string | number | null)[]) =>
    await untilUnavailable(() => connection<Row[]>(text, ...values));
}

function bindRaw(connection: SQL): RawSql {
  return async <Row>(text: string, values: (string | number | null)[] = []) =>
    await connection.unsafe<Row[]>(text, values);
}
