import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import { VERSION } from "../../version.ts";
import type { CoreOptions } from "../open-core.ts";
import { openPresentDatabase, openRootKey } from "../open-core.ts";
import { Keyring } from "../services/keys/keyring.ts";
import type { Store } from "../store/database.ts";
import { findInstance } from "../store/instance.ts";
import { listTables, readRows } from "../store/tables.ts";
import { Checksums, FORMAT, type Header, type Line } from "./format.ts";

export interface BackupOptions extends Pick<CoreOptions, "dataDir" | "databaseUrl" | "env" | "log"> {
  /** A new file. */
  out: string;
  /** Called after every page of rows. */
  onRows?: (rows: number) => void;
  now?: Date;
}

/** Bytes of lines that are written together. */
const BLOCK = 256 * 1024;

/**
 * Writes everything that the database holds at one moment to a new file (0600), while the platform goes on. The file
 * appears when it is whole.
 * @throws SallyportError ALREADY_EXISTS, NOT_FOUND when there is no platform, ROOT_KEY_MISMATCH, FILE_UNWRITABLE
 */
export async function backup(options: BackupOptions): Promise<{ tables: number; rows: number }> {
  if (existsSync(options.out)) {
    throw new SallyportError("ALREADY_EXISTS", `${options.out} is there already: name a new file.`);
  }
  const store = await openPresentDatabase(options);
  try {
    if (!(await hasInstance(store))) {
      throw new SallyportError(
        "NOT_FOUND",
        "There is no platform in this database: name the one to back up.",
      );
    }
    // A backup that no key at hand opens is none: better to know now.
    const rootKey = await openRootKey(store, options);
    await Keyring.open(store, rootKey, options.now ?? new Date());
    return await writeWhole(options.out, (file) => dump(store, new Output(file, rootKey), options));
  } finally {
    await store.close();
  }
}

async function hasInstance(store: Store): Promise<boolean> {
  const tables = await store.snapshot((run) => listTables(run, store.dialect));
  return tables.some(({ name }) => name === "instance") && (await findInstance(store.read)) !== undefined;
}

async function dump(
  store: Store,
  output: Output,
  { onRows, now = new Date() }: BackupOptions,
): Promise<{ tables: number; rows: number }> {
  return await store.snapshot(async (run) => {
    const steps = await run<{ name: string }>("SELECT name FROM schema_migrations ORDER BY id");
    const schema = steps.map(({ name }) => name);
    const first: Header = {
      sallyport: "backup",
      format: FORMAT,
      schema,
      madeAt: now.toISOString(),
      version: VERSION,
    };
    await output.write(first);
    const tables = (await listTables(run, store.dialect)).filter(({ name }) => name !== "schema_migrations");
    let rows = 0;
    for (const table of tables) {
      await output.write({ table: table.name, columns: table.columns.map(({ name }) => name) });
      for await (const page of readRows(run, store.dialect, table)) {
        for (const row of page) await output.write(row);
        rows += page.length;
        onRows?.(rows);
      }
    }
    await output.end(rows);
    return { tables: tables.length, rows };
  });
}

/** Lines to a file, with checksums. */
class Output {
  readonly #file: FileHandle;
  readonly #checksums: Checksums;
  #pending = "";

  constructor(file: FileHandle, rootKey: Uint8Array) {
    this.#file = file;
    this.#checksums = new Checksums(rootKey);
  }

  async write(entry: Header | Line): Promise<void> {
    const text = `${JSON.stringify(entry)}\n`;
    this.#checksums.update(text);
    this.#pending += text;
    if (this.#pending.length >= BLOCK) await this.#flush();
  }

  async end(rows: number): Promise<void> {
    const last: Line = { end: { rows, ...this.#checksums.digest() } };
    this.#pending += `${JSON.stringify(last)}\n`;
    await this.#flush();
  }

  async #flush(): Promise<void> {
    await this.#file.writeFile(this.#pending);
    this.#pending = "";
  }
}

/** Under another name until it is whole and on the disk. */
async function writeWhole<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      const result = await work(file);
      await file.sync();
      await rename(temporary, path);
      return result;
    } catch (error) {
      await unlink(temporary);
      throw error;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new SallyportError("FILE_UNWRITABLE", `Cannot write ${path}: ${describe(error)}.`, {
      cause: error,
    });
  }
}
