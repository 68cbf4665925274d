import { randomUUID } from "node:crypto";
import { SQL } from "bun";
import { openDatabase } from "../../src/platform/store/database.ts";
import { migrate } from "../../src/platform/store/migrate.ts";
import { type Postgres, startPostgres } from "./postgres.ts";

/** Names the port of a server that `startSharedServer` has started for a whole run. */
const SHARED_PORT = "SALLYPORT_TEST_POSTGRES_PORT";
/** At this program's schema, without data. To copy it takes a fraction of bringing an empty one forward. */
const TEMPLATE = "migrated";

export interface SharedServer {
  /** Test runs that get this use the server. */
  env: Record<string, string>;
  close(): Promise<void>;
}

export async function startSharedServer(): Promise<SharedServer> {
  const postgres = await startWithTemplate();
  return { env: { [SHARED_PORT]: String(postgres.port) }, close: () => postgres.close() };
}

/** Databases on PostgreSQL: on the server of the whole run where there is one, else on a server of their own. */
export class DatabaseServer {
  readonly #admin: SQL;
  readonly #made: string[] = [];

  private constructor(
    private readonly port: number,
    private readonly own: Postgres | undefined,
  ) {
    this.#admin = new SQL(this.#url("postgres"), { max: 1 });
  }

  static async open(): Promise<DatabaseServer> {
    const shared = Number(process.env[SHARED_PORT]);
    if (shared > 0) return new DatabaseServer(shared, undefined);
    const own = await startWithTemplate();
    return new DatabaseServer(own.port, own);
  }

  /** The URL of a new database with nothing in it, or with this program's tables. */
  async create(content: "nothing" | "tables"): Promise<string> {
    const name = `test-${randomUUID()}`;
    this.#made.push(name);
    const template = content === "tables" ? TEMPLATE : "template1";
    await this.#admin.unsafe(`CREATE DATABASE "${name}" TEMPLATE "${template}"`);
    return this.#url(name);
  }

  async close(): Promise<void> {
    // One that is the whole run's goes on, and its disk would fill.
    const left = this.own ? [] : this.#made.splice(0);
    for (const name of left) await this.#admin.unsafe(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    await this.#admin.close();
    await this.own?.close();
  }

  #url(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }
}

async function startWithTemplate(): Promise<Postgres> {
  const postgres = await startPostgres();
  try {
    const databaseUrl = await postgres.createDatabase(TEMPLATE);
    const store = await openDatabase({ databaseUrl, file: "" });
    await migrate(store);
    await store.close();
    return postgres;
  } catch (error) {
    await postgres.close();
    throw error;
  }
}
