import { createHash, createHmac, type Hash, type Hmac, hkdfSync } from "node:crypto";
import { z } from "zod";
import { SallyportError } from "../../telemetry/error.ts";

/**
 * A backup is lines of JSON: what it is, then of each table its name and columns and its rows, then the end with
 * checksums over all lines before. Nothing in it belongs to one kind of database. What is sealed in the database is
 * sealed in here: the root key is in neither.
 */
export const FORMAT = 1;
/** Of one line: far more than the largest row. */
export const LINE_LIMIT = 8 * 1024 * 1024;

const name = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/);
const value = z.union([z.string(), z.number(), z.null()]);

export const header = z.object({
  sallyport: z.literal("backup"),
  format: z.number().int(),
  /** Names of the steps of the schema, in order. */
  schema: z.array(z.string().max(64)).max(10_000),
  madeAt: z.string().max(64),
  version: z.string().max(64),
});
export type Header = z.infer<typeof header>;

export const line = z.union([
  z.array(value).max(1000),
  z.object({ table: name, columns: z.array(name).min(1).max(1000) }),
  z.object({
    end: z.object({
      rows: z.number().int().nonnegative(),
      sha256: z.string().max(64),
      mac: z.string().max(64),
    }),
  }),
]);
export type Line = z.infer<typeof line>;

/** What tells a whole backup from a part of one, and ours from one that somebody has changed. */
export class Checksums {
  readonly #hash: Hash = createHash("sha256");
  readonly #mac: Hmac;

  constructor(rootKey: Uint8Array) {
    this.#mac = createHmac("sha256", new Uint8Array(hkdfSync("sha256", rootKey, "", "sallyport backup", 32)));
  }

  update(text: string): void {
    this.#hash.update(text);
    this.#mac.update(text);
  }

  /** Ends it. */
  digest(): { sha256: string; mac: string } {
    return { sha256: this.#hash.digest("hex"), mac: this.#mac.digest("hex") };
  }
}

export function damaged(why: string): SallyportError {
  return new SallyportError(
    "BACKUP_INVALID",
    `The backup can't be used: ${why}. Nothing was changed; take another copy of it.`,
  );
}
