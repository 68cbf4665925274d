import { describe, SallyportError } from "../../telemetry/error.ts";
import { openPostgres } from "./postgres.ts";
import { openSqlite } from "./sqlite.ts";
import { isDamaged } from "./unavailable.ts";

/** What both databases bind and give back alike: no Date, no object, no bigint, no boolean. */
export type Value = string | number | null;

/**
 * Runs one statement: sql<Row>`SELECT * FROM gateways WHERE id = ${id}`. Values are bound, never pasted.
 * Times are RFC 3339 texts in UTC with milliseconds, so that they sort as texts.
 */
export type Sql = <Row = unknown>(text: TemplateStringsArray, ...values: Value[]) => Promise<Row[]>;

/** The same for a statement that is put together by the program; values stand where it says $1, $2, in this order. */
export type RawSql = <Row = unknown>(text: string, values?: Value[]) => Promise<Row[]>;

export interface Store {
  readonly dialect: "sqlite" | "postgres";
  /** Outside of any transaction; on SQLite a second connection that can't write. */
  readonly read: Sql;
  /**
   * All of `work` or nothing of it. Only SQL may happen inside: no HTTP, no dialing, no signing, no hashing of
   * passwords, and no second transaction. On SQLite one runs at a time, in the order of the calls.
   * @throws SallyportError DATABASE_UNAVAILABLE when too many wait already
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Statements in words of one's own, for migrations. Held under a lock that other processes respect. */
  migrate(work: (run: RawSql, sql: Sql) => Promise<void>): Promise<void>;
  /** Everything as it is at one moment, for reading only; others go on writing meanwhile. */
  snapshot<T>(work: (run: RawSql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `postgres://...`; without it SQLite. */
  databaseUrl?: string | undefined;
  /** The SQLite file; its directory exists. */
  file: string;
}

/** @throws SallyportError CONFIG_INVALID, DATABASE_UNAVAILABLE */
export async function openDatabase(options: DatabaseOptions): Promise<Store> {
  const { databaseUrl, file } = options;
  try {
    if (databaseUrl === undefined) return await openSqlite(file);
    return await openPostgres(requirePostgresUrl(databaseUrl));
  } catch (error) {
    if (error instanceof SallyportError && error.code !== "DATABASE_UNAVAILABLE") throw error;
    const cause = error instanceof SallyportError ? (error.cause ?? error) : error;
    const message =
      databaseUrl === undefined ? whySqlite(file, cause) : whyPostgres(URL.parse(databaseUrl), cause);
    throw new SallyportError("DATABASE_UNAVAILABLE", message, { cause });
  }
}

/** Without the password. */
function whyPostgres(url: URL | null, error: unknown): string {
  const name = url?.pathname.slice(1);
  const called = name ? ` ${name}` : "";
  const at = url?.host ? ` at ${url.host}` : "";
  const as = url?.username ? ` as ${url.username}` : "";
  return `Cannot open the PostgreSQL database${called}${at}${as} (${describe(error)}): is it running, and is --database-url right?`;
}

function whySqlite(file: string, error: unknown): string {
  return isDamaged(error)
    ? `The database file ${file} is damaged (${describe(error)}): restore a backup into a new --data-dir with "sallyport platform restore".`
    : `Cannot open the database file ${file}: ${describe(error)}. It and its directory have to be writable for the user that the platform runs as.`;
}

/** @throws SallyportError CONFIG_INVALID */
export function requirePostgresUrl(url: string): string {
  if (/^postgres(ql)?:\/\//.test(url)) return url;
  throw new SallyportError(
    "CONFIG_INVALID",
    "--database-url has to look like postgres://user@host/database; leave it out to use SQLite.",
  );
}
