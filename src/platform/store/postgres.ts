import { SQL } from "bun";
import type { RawSql, Sql, Store } from "./database.ts";

/** Any number; the same in every version of the program, so that two replicas never migrate at once. */
const MIGRATION_LOCK = "7215570221";

/** A small pool; READ COMMITTED, so each statement that decides has to be one conditional write. */
export async function openPostgres(url: string): Promise<Store> {
  const pool = new SQL({ url, adapter: "postgres", max: 10, connectionTimeout: 10, idleTimeout: 60 });
  await pool`SELECT 1`;
  return {
    dialect: "postgres",
    read: bind(pool),
    transaction: async (work) => await pool.begin((transaction) => work(bind(transaction))),
    migrate: async (work) => {
      await pool.begin(async (transaction) => {
        await transaction.unsafe(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
        await work(bindRaw(transaction), bind(transaction));
      });
    },
    snapshot: async (work) =>
      await pool.begin("isolation level repeatable read read only", (transaction) =>
        work(bindRaw(transaction)),
      ),
    close: async () => await pool.close({ timeout: 5 }),
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
