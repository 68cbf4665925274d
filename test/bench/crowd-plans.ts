import type { Sql, Store, Value } from "../../src/platform/store/database.ts";

export interface Statement {
  text: string;
  values: Value[];
}

/** Counts what a store is asked from now on, and keeps one example of each statement. */
export function watchStatements(store: Store) {
  const seen = new Map<string, Statement>();
  const counts = { transactions: 0, written: 0, read: 0 };
  const watched =
    (sql: Sql, count: () => void): Sql =>
    (text, ...values) => {
      count();
      const whole = text.reduce((joined, part, i) => `${joined}$${i}${part}`);
      if (!seen.has(whole)) seen.set(whole, { text: whole, values });
      return sql(text, ...values);
    };
  const { read, transaction } = store;
  Object.assign(store, {
    read: watched(read, () => counts.read++),
    transaction: <T>(work: (sql: Sql) => Promise<T>): Promise<T> => {
      counts.transactions++;
      return transaction((sql) => work(watched(sql, () => counts.written++)));
    },
  });
  return { counts: () => ({ ...counts }), seen: () => [...seen.values()] };
}

/** Tables of as many rows as there are gateways, or more. */
const LARGE =
  /\b(gateways|gateway_relays|relay_tunnels|auth_methods|health|probe_outcomes|agent_reports|resources|audit_log|issued_certificates|events|connections)\b/;

/** Those statements that the database would answer by reading a large table from one end to the other. */
export async function fullScans(store: Store, statements: Statement[]): Promise<string[]> {
  const scans: string[] = [];
  for (const { text, values } of statements) {
    if (!/^\s*(SELECT|UPDATE|DELETE|INSERT)/i.test(text)) continue;
    for (const line of await planOf(store, text, values)) {
      const isScan = store.dialect === "sqlite" ? /^SCAN (?!.*USING)/.test(line) : /Seq Scan/.test(line);
      if (isScan && LARGE.test(line)) scans.push(`${line.trim()} in: ${text.replace(/\s+/g, " ").trim()}`);
    }
  }
  return scans;
}

async function planOf(store: Store, text: string, values: Value[]): Promise<string[]> {
  return await store.snapshot(async (run) => {
    if (store.dialect === "postgres") {
      const rows = await run<Record<string, string>>(`EXPLAIN ${text}`, values);
      return rows.map((row) => row["QUERY PLAN"] ?? "");
    }
    return (await run<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`, values)).map(({ detail }) => detail);
  });
}
