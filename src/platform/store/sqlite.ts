import { chmod } from "node:fs/promises";
import { SQL } from "bun";
import type { RawSql, Sql, Store } from "./database.ts";
import { WriterQueue } from "./writer-queue.ts";

/**
 * One writing connection behind a queue, because a statement issued while another transaction awaits would join it, and
 * one connection that only reads, so that reads neither wait for a writer nor see what is not committed.
 */
export async function openSqlite(file: string): Promise<Store> {
  const writer = new SQL({ adapter: "sqlite", filename: file, create: true });
  await chmod(file, 0o600);
  // First of all: another process may write as well, `platform bootstrap` while the platform runs.
  await writer`PRAGMA busy_timeout = 10000`;
  await writer`PRAGMA journal_mode = WAL`;
  await writer`PRAGMA synchronous = FULL`;
  await writer`PRAGMA foreign_keys = ON`;
  const reader = new SQL({ adapter: "sqlite", filename: file, readonly: true });
  await reader`PRAGMA busy_timeout = 10000`;
  const queue = new WriterQueue();
  const immediate = <T>(work: (transaction: SQL) => Promise<T>) =>
    queue.run(async () => await writer.begin("immediate", work));
  return {
    dialect: "sqlite",
    read: bind(reader),
    transaction: (work) => immediate((transaction) => work(bind(transaction))),
    migrate: (work) => immediate((transaction) => work(bindRaw(transaction), bind(transaction))),
    snapshot: async (work) => {
      // A connection of its own: the first statement of its transaction decides what it sees until it ends.
      const still = new SQL({ adapter: "sqlite", filename: file, readonly: true });
      try {
        await still`PRAGMA busy_timeout = 10000`;
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

function bind(connection: SQL): Sql {
  return async <Row>(text: TemplateStringsArray, ...values: (string | number | null)[]) =>
    await connection<Row[]>(text, ...values);
}

function bindRaw(connection: SQL): RawSql {
  return async <Row>(text: string, values: (string | number | null)[] = []) =>
    await connection.unsafe<Row[]>(text, values);
}
