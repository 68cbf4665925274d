import type { Sql, Value } from "./database.ts";

/** A value; what stands between the brackets of IN (...), at least one; or the rows of VALUES ..., at least one. */
type Listed = Value | readonly Value[] | readonly (readonly Value[])[];

/** Sizes that lists of values are filled up to, so that the database meets few different statements. */
const SIZES = [1, 10, 100];
/** Rows and values that go into one statement: see `inChunks`. */
export const CHUNK = 100;

/**
 * The same statements with lists in them: withLists(sql)`SELECT * FROM gateways WHERE id IN (${ids})`. A list of values is
 * filled up with its last one, rows are taken as they are.
 */
export function withLists(sql: Sql) {
  return async <Row = unknown>(text: TemplateStringsArray, ...listed: Listed[]): Promise<Row[]> => {
    const parts = [text[0] ?? ""];
    const values: Value[] = [];
    const put = (value: Value, after: string) => {
      values.push(value);
      parts.push(after);
    };
    for (const [i, one] of listed.entries()) {
      const after = text[i + 1] ?? "";
      if (!isList(one)) put(one, after);
      else if (isRows(one)) putRows(one, after, parts, put);
      else for (const [k, value] of filledUp(one).entries()) put(value, k + 1 < sizeFor(one) ? ", " : after);
    }
    makeTemplate(parts);
    return await sql<Row>(parts, ...values);
  };
}

/** All of what `work` gives for pieces of at most a hundred. */
export async function inChunks<T, R>(all: readonly T[], work: (chunk: T[]) => Promise<R[]>): Promise<R[]> {
  const found: R[] = [];
  for (let i = 0; i < all.length; i += CHUNK) found.push(...(await work(all.slice(i, i + CHUNK))));
  return found;
}

/** Nothing in these texts is escaped, so their raw form is their form. */
function makeTemplate(parts: string[]): asserts parts is string[] & TemplateStringsArray {
  Object.defineProperty(parts, "raw", { value: parts });
}

function putRows(
  rows: readonly (readonly Value[])[],
  after: string,
  parts: string[],
  put: (value: Value, after: string) => void,
): void {
  parts.push(`${parts.pop() ?? ""}(`);
  for (const [r, row] of rows.entries()) {
    const end = r + 1 < rows.length ? "), (" : `)${after}`;
    for (const [k, value] of row.entries()) put(value, k + 1 < row.length ? ", " : end);
  }
}

function filledUp(list: readonly Value[]): Value[] {
  const last = list.at(-1) ?? null;
  return Array.from({ length: sizeFor(list) }, (_, i) => (i < list.length ? (list[i] ?? null) : last));
}

function sizeFor({ length }: readonly Value[]): number {
  return SIZES.find((size) => size >= length) ?? length;
}

function isList(listed: Listed): listed is readonly Value[] | readonly (readonly Value[])[] {
  return Array.isArray(listed);
}

function isRows(
  list: readonly Value[] | readonly (readonly Value[])[],
): list is readonly (readonly Value[])[] {
  return Array.isArray(list[0]);
}
