import { SallyportError } from "../../telemetry/error.ts";
import type { RawSql, Sql, Store } from "./database.ts";
import { MIGRATIONS } from "./migrations/index.ts";

/**
 * Brings the schema forward to this program's version, all steps or none. Two processes that start at once do it one
 * after the other.
 * @returns the names of the steps taken
 * @throws SallyportError DATABASE_TOO_NEW when a newer program has been here
 */
export async function migrate(store: Store, now = new Date()): Promise<string[]> {
  let taken: string[] = [];
  await store.migrate(async (run, sql) => {
    taken = await takeSteps(run, sql, MIGRATIONS.length, now);
  });
  return taken;
}

/** The same inside a transaction, and no further than so many steps. */
export async function takeSteps(run: RawSql, sql: Sql, upTo: number, now: Date): Promise<string[]> {
  await run(
    "CREATE TABLE IF NOT EXISTS schema_migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)",
  );
  const [{ version } = { version: 0 }] = await sql<{ version: number }>`
    SELECT CAST(COALESCE(MAX(id), 0) AS INTEGER) AS version FROM schema_migrations`;
  if (version > MIGRATIONS.length) throw tooNew("The database", version);
  const taken: string[] = [];
  for (const [index, step] of MIGRATIONS.slice(0, upTo).entries()) {
    const id = index + 1;
    if (id <= version) continue;
    for (const statement of step.statements) await run(statement);
    await sql`INSERT INTO schema_migrations (id, name, applied_at) VALUES (${id}, ${step.name}, ${now.toISOString()})`;
    taken.push(step.name);
  }
  return taken;
}

export function tooNew(what: string, version: number): SallyportError {
  return new SallyportError(
    "DATABASE_TOO_NEW",
    `${what} is at schema ${version}, this program knows ${MIGRATIONS.length}: start the newer program.`,
  );
}
