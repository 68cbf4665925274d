import { z } from "zod";
import { SallyportError } from "../../telemetry/error.ts";
import { type CoreOptions, openDataDirectory, openRootKey } from "../open-core.ts";
import { verifyRootKey } from "../services/keys/keyring.ts";
import { deleteSessions } from "../store/api-tokens.ts";
import type { RawSql, Sql, Store, Value } from "../store/database.ts";
import { findInstance } from "../store/instance.ts";
import { takeSteps, tooNew } from "../store/migrate.ts";
import { MIGRATIONS } from "../store/migrations/index.ts";
import { deleteReplicas } from "../store/replicas.ts";
import { insertRows, listTables, quote } from "../store/tables.ts";
import { Checksums, damaged, FORMAT, type Header, header, line } from "./format.ts";
import { readLines } from "./lines.ts";

export interface RestoreOptions extends Pick<CoreOptions, "dataDir" | "databaseUrl" | "env" | "log"> {
  /** The backup. */
  from: string;
  /** Called after every batch of rows. */
  onRows?: (rows: number) => void;
  now?: Date;
}

export interface Restored {
  rows: number;
  madeAt: string;
  /** Steps of the schema that the backup did not have yet. */
  steps: string[];
}

/** Rows inserted at a time. */
const BATCH = 200;
/**
 * Events that the backup does not know of have been told under the next ids. After a jump that no replay spans everybody
 * who heard them is told the whole state instead (EXTENSIONS X4).
 */
const EVENT_ID_JUMP = 1_000_000;

/**
 * Fills an empty database of either kind from a backup of either kind: all of it or nothing.
 * @throws SallyportError CONFLICT when the database is not empty, BACKUP_INVALID, DATABASE_TOO_NEW, ROOT_KEY_MISMATCH
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const store = await openDataDirectory(options);
  try {
    const present = await store.snapshot((run) => listTables(run, store.dialect));
    if (present.length > 0) {
      throw new SallyportError(
        "CONFLICT",
        "The database is not empty: restore into a new data directory, or into a new PostgreSQL database.",
      );
    }
    const rootKey = await openRootKey(store, options, true);
    let restored: Restored | undefined;
    await store.migrate(async (run, sql) => {
      restored = await fill(store, run, sql, rootKey, options);
    });
    if (!restored) throw new SallyportError("INTERNAL", "Nothing was restored.");
    return restored;
  } finally {
    await store.close();
  }
}

async function fill(
  store: Store,
  run: RawSql,
  sql: Sql,
  rootKey: Uint8Array,
  options: RestoreOptions,
): Promise<Restored> {
  const input = new Input(options.from, rootKey);
  try {
    return await fillFrom(input, store, run, sql, rootKey, options);
  } finally {
    await input.close();
  }
}

async function fillFrom(
  input: Input,
  { dialect }: Store,
  run: RawSql,
  sql: Sql,
  rootKey: Uint8Array,
  { onRows, now = new Date() }: RestoreOptions,
): Promise<Restored> {
  const { schema, madeAt } = await input.header();
  await takeSteps(run, sql, schema.length, now);
  if (dialect === "sqlite") await run("PRAGMA defer_foreign_keys = ON");
  const tables = new Map(
    (await listTables(run, dialect)).map(({ name, columns }) => [name, columns.map((one) => one.name)]),
  );
  tables.delete("schema_migrations");
  // Steps of the schema put rows in; the backup has them, too.
  for (const name of [...tables.keys()].toReversed()) await run(`DELETE FROM ${quote(name)}`);
  let rows = 0;
  for await (const { table, columns, batch } of input.batches()) {
    const known = tables.get(table);
    if (!known || known.join() !== columns.toSorted().join())
      throw damaged(`it has an unknown table ${table}`);
    await insertRows(run, table, columns, batch);
    rows += batch.length;
    onRows?.(rows);
  }
  const instance = await findInstance(sql);
  if (!instance) throw damaged("there is no platform in it");
  verifyRootKey(rootKey, instance);
  input.requireUnaltered();
  const steps = await takeSteps(run, sql, MIGRATIONS.length, now);
  await makeCurrent(sql);
  return { rows, madeAt, steps };
}

/**
 * A token that was spent since the backup must not open anything again, nor a login that was ended, an event id must not mean another event, and the
 * platforms that ran on the other database do not run on this one.
 */
async function makeCurrent(sql: Sql): Promise<void> {
  await sql`DELETE FROM enrollment_tokens`;
  await sql`DELETE FROM invitations`;
  await sql`DELETE FROM password_resets`;
  await deleteSessions(sql);
  await deleteReplicas(sql);
  await sql`UPDATE event_counter SET last_id = last_id + ${EVENT_ID_JUMP}`;
}

/** A backup as it is read, judged at its end. */
class Input {
  readonly #lines: AsyncGenerator<string>;
  readonly #checksums: Checksums;
  #altered: boolean | undefined;

  constructor(path: string, rootKey: Uint8Array) {
    this.#lines = readLines(path);
    this.#checksums = new Checksums(rootKey);
  }

  /** @throws SallyportError BACKUP_INVALID, DATABASE_TOO_NEW */
  async header(): Promise<Header> {
    const { value: text } = await this.#lines.next();
    if (text === undefined) throw damaged("it is empty");
    const parsed = header.safeParse(parse(text));
    if (!parsed.success) throw damaged("it does not begin as one");
    const { format, schema } = parsed.data;
    if (format > FORMAT || schema.length > MIGRATIONS.length) throw tooNew("The backup", schema.length);
    const odd = schema.find((name, index) => MIGRATIONS[index]?.name !== name);
    if (odd !== undefined) throw damaged(`its schema has a step ${odd} that this program does not know`);
    this.#checksums.update(text);
    return parsed.data;
  }

  /** To the end, which says whether all of it came. */
  async *batches(): AsyncGenerator<{ table: string; columns: string[]; batch: Value[][] }> {
    let at: { table: string; columns: string[] } | undefined;
    let batch: Value[][] = [];
    let rows = 0;
    for await (const text of this.#lines) {
      if (this.#altered !== undefined) throw damaged("something follows its end");
      const parsed = line.safeParse(parse(text));
      if (!parsed.success) throw damaged("it has a line that is none of its kinds");
      const entry = parsed.data;
      if ("end" in entry) {
        if (at && batch.length > 0) yield { ...at, batch };
        this.#judge(entry.end, rows);
        continue;
      }
      this.#checksums.update(text);
      if (Array.isArray(entry)) {
        if (at?.columns.length !== entry.length) throw damaged("a row does not fit its table");
        batch.push(entry);
        rows++;
        if (batch.length < BATCH) continue;
      }
      if (at && batch.length > 0) yield { ...at, batch };
      batch = [];
      if (!Array.isArray(entry)) at = entry;
    }
    if (this.#altered === undefined) throw damaged("it is cut off");
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }

  /** Whoever changed it can't have made the second checksum. */
  requireUnaltered(): void {
    if (this.#altered !== false) throw damaged("it was altered");
  }

  #judge(end: { rows: number; sha256: string; mac: string }, rows: number): void {
    const { sha256, mac } = this.#checksums.digest();
    if (end.sha256 !== sha256 || end.rows !== rows) throw damaged("its checksum is wrong");
    this.#altered = end.mac !== mac;
  }
}

function parse(text: string): unknown {
  try {
    return z.json().parse(JSON.parse(text));
  } catch {
    throw damaged("it has a line that is no JSON");
  }
}
