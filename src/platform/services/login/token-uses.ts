import { describe } from "../../../telemetry/error.ts";
import type { Logger } from "../../../telemetry/log.ts";
import { storeTokenUses } from "../../store/api-tokens.ts";
import type { Store } from "../../store/database.ts";

/** A token that is used all the time is noted once in so long. */
const PRECISION_MS = 60_000;
const INTERVAL_MS = 1000;
/** Waiting to be written; more are left out, and noted with their next use. */
const MOST_WAITING = 5000;

/**
 * When sessions and API tokens were used last, to the minute: so that people see which ones nobody needs. At most one
 * write a second, and no request waits for it.
 */
export class TokenUses {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #log: Logger;
  readonly #waiting = new Set<string>();
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;
  /** It is said once, not every second until the database is back. */
  #failing = false;

  constructor({ store, now, log }: { store: Store; now: () => Date; log: Logger }) {
    this.#store = store;
    this.#now = now;
    this.#log = log;
  }

  /** @param before when it was used last, as far as is known */
  note(token: { id: string; before: string | null }): void {
    const recent = new Date(this.#now().getTime() - PRECISION_MS).toISOString();
    if (this.#closed || (token.before !== null && token.before > recent)) return;
    if (this.#waiting.size >= MOST_WAITING) return;
    this.#waiting.add(token.id);
    this.#timer ??= setTimeout(() => void this.flush(), INTERVAL_MS);
  }

  /** Writes what is left. Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  /** Writes now what waits. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const ids = [...this.#waiting];
    this.#waiting.clear();
    if (ids.length === 0) return;
    const now = this.#now().toISOString();
    try {
      await this.#store.transaction((sql) => storeTokenUses(sql, ids, now));
      this.#failing = false;
    } catch (error) {
      // They are noted with their next use.
      if (this.#failing) return;
      this.#failing = true;
      this.#log.warn("Could not note which tokens were used", { reason: describe(error) });
    }
  }
}
