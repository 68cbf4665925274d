import type { RawSql, Store, Value } from "./database.ts";

export interface Table {
  name: string;
  columns: Column[];
}

interface Column {
  name: string;
  /** PostgreSQL gives 64-bit integers as texts. */
  isNumber: boolean;
}

type Dialect = Store["dialect"];
type Row = Record<string, Value>;

/** Rows read at a time. */
const PAGE = 500;
/** Values bound in one statement; SQLite allows 32 766. */
const VALUES_AT_ONCE = 8000;

/** Every table, those first that others refer to. */
export async function listTables(run: RawSql, dialect: Dialect): Promise<Table[]> {
  const names =
    dialect === "sqlite"
      ? await run<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        )
      : await run<{ name: string }>(
          "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name",
        );
  const parents = new Map<string, string[]>();
  for (const { name } of names) parents.set(name, await parentsOf(run, dialect, name));
  const tables: Table[] = [];
  for (const name of inOrder(parents)) tables.push({ name, columns: await columnsOf(run, dialect, name) });
  return tables;
}

/** All rows in pages, each row as its values in the order of the columns. Memory holds one page. */
export async function* readRows(run: RawSql, dialect: Dialect, table: Table): AsyncGenerator<Value[][]> {
  const columns = table.columns.map(({ name }) => quote(name)).join(", ");
  const values = (rows: Row[]) =>
    rows.map((row) => table.columns.map((column) => asValue(column, row[column.name] ?? null)));
  if (dialect === "postgres") {
    await run(`DECLARE pages NO SCROLL CURSOR FOR SELECT ${columns} FROM ${quote(table.name)}`);
    for (;;) {
      const rows = await run<Row>(`FETCH ${PAGE} FROM pages`);
      if (rows.length === 0) break;
      yield values(rows);
    }
    await run("CLOSE pages");
    return;
  }
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const page = `SELECT rowid AS "the rowid", ${columns} FROM ${quote(table.name)} WHERE rowid > $1 ORDER BY rowid LIMIT ${PAGE}`;
    const rows = await run<Row>(page, [after]);
    const last = rows.at(-1);
    if (!last) return;
    yield values(rows);
    after = Number(last["the rowid"]);
  }
}

/** Each row has a value for each of these columns. */
export async function insertRows(
  run: RawSql,
  table: string,
  columns: string[],
  rows: Value[][],
): Promise<void> {
  const atOnce = Math.max(1, Math.floor(VALUES_AT_ONCE / columns.length));
  for (let from = 0; from < rows.length; from += atOnce) {
    const part = rows.slice(from, from + atOnce);
    let place = 0;
    const places = part.map((row) => `(${row.map(() => `$${++place}`).join(", ")})`).join(", ");
    const names = columns.map(quote).join(", ");
    await run(`INSERT INTO ${quote(table)} (${names}) VALUES ${places}`, part.flat());
  }
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function columnsOf(run: RawSql, dialect: Dialect, table: string): Promise<Column[]> {
  const rows =
    dialect === "sqlite"
      ? await run<{ name: string; type: string }>("SELECT name, type FROM pragma_table_info($1)", [table])
      : await run<{ name: string; type: string }>(
          "SELECT column_name AS name, data_type AS type FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1",
          [table],
        );
  return rows
    .map(({ name, type }) => ({ name, isNumber: /int|double|real/i.test(type) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function parentsOf(run: RawSql, dialect: Dialect, table: string): Promise<string[]> {
  const rows =
    dialect === "sqlite"
      ? await run<{ parent: string }>('SELECT DISTINCT "table" AS parent FROM pragma_foreign_key_list($1)', [
          table,
        ])
      : await run<{ parent: string }>(
          "SELECT DISTINCT p.relname AS parent FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class p ON p.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace WHERE c.contype = 'f' AND n.nspname = current_schema() AND t.relname = $1",
          [table],
        );
  return rows.map(({ parent }) => parent);
}

/** Parents before children; a table may refer to itself. */
function inOrder(parents: Map<string, string[]>): string[] {
  const ordered = new Set<string>();
  const visit = (name: string, below: string[]) => {
    if (ordered.has(name)) return;
    if (below.includes(name))
      throw new Error(`The tables ${below.join(", ")} refer to each other in a circle`);
    for (const parent of parents.get(name) ?? []) if (parent !== name) visit(parent, [...below, name]);
    ordered.add(name);
  };
  for (const name of parents.keys()) visit(name, []);
  return [...ordered];
}

function asValue({ isNumber }: Column, value: Value): Value {
  return isNumber && typeof value === "string" ? Number(value) : value;
}
