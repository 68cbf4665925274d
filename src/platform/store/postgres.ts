import type { SQL } from "bun";
import type { RawSql, Sql, Store } from "./database.ts";
import { PostgresPool, type Runner } from "./postgres-pool.ts";

/** Any number; the same in every version of the program, so that two replicas never migrate at once. */
const MIGRATION_LOCK = "7215570221";
/**
 * Of each replica. Reads have connections of their own: transactions that wait for each other, or for a slow one, don't
 * keep a list waiting.
 */
const CONNECTIONS = { reads: 8, transactions: 8 };
const PATIENCE_MS = 5000;

/** READ COMMITTED, so each statement that decides has to be one conditional write. */
export async function openPostgres(url: string): Promise<Store> {
  const pulse = { answeredAt: 0 };
  const reads = new PostgresPool({ url, connections: CONNECTIONS.reads, pulse, patienceMs: PATIENCE_MS });
  const writes = new PostgresPool({
    ...{ url, pulse, patienceMs: PATIENCE_MS },
    connections: CONNECTIONS.transactions,
  });
  const close = async () => {
    await Promise.all([reads.close(), writes.close()]);
  };
  try {
    await reads.ask((sql) => sql`SELECT 1`);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    dialect: "postgres",
    read: (text, ...values) => reads.ask((sql) => sql(text, ...values)),
    transaction: (work) => writes.begin((sql, run) => work(bind(sql, run))),
    migrate: (work) =>
      writes.begin(async (sql, run) => {
        // Another replica may be at it for as long as it likes.
        await sql`SET LOCAL lock_timeout = 0`;
        await sql.unsafe(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
        await work(bindRaw(sql), bind(sql, run));
      }),
    snapshot: (work) =>
      writes.begin((sql) => work(bindRaw(sql)), "isolation level repeatable read read only"),
    close,
  };
}

function bind(connection: SQL, run: Runner): Sql {
  return <Row>(text: TemplateStringsArray, ...values: (string | number | null)[]) =>
    run(() => connection<Row[]>(text, ...values));
}

function bindRaw(connection: SQL): RawSql {
  return async <Row>(text: string, values: (string | number | null)[] = []) =>
    await connection.unsafe<Row[]>(text, values);
}
