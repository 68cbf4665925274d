import type { Store } from "../store/database.ts";
import { storeGatewayHealth } from "../store/gateways.ts";
import { storeRelayHeartbeat } from "../store/relays.ts";
import { emitGatewayHealth } from "./health-events.ts";

export type HealthWrite =
  | { kind: "gateway"; id: string; heartbeat: string | null; ttlSeconds: number }
  | { kind: "relay"; id: string; heartbeat: string };

const INTERVAL_MS = 1000;

/**
 * Stores outcomes of probes, at most one transaction a second: the first at once, those that follow together. Probes
 * are limited in number, so at most that many wait here.
 */
export class HealthWrites {
  readonly #store: Store;
  readonly #now: () => Date;
  #pending: HealthWrite[] = [];
  #flushing: Promise<void> | undefined;
  #lastFlush = 0;

  constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** Resolves when it is stored. */
  async add(write: HealthWrite): Promise<void> {
    this.#pending.push(write);
    this.#flushing ??= this.#flushSoon();
    await this.#flushing;
  }

  async #flushSoon(): Promise<void> {
    const wait = this.#lastFlush + INTERVAL_MS - Date.now();
    await Bun.sleep(Math.max(0, Math.min(wait, INTERVAL_MS)));
    const writes = this.#pending;
    this.#pending = [];
    this.#flushing = undefined;
    this.#lastFlush = Date.now();
    await this.#store.transaction(async (sql) => {
      const changed: string[] = [];
      for (const write of writes) {
        if (write.kind === "relay") await storeRelayHeartbeat(sql, write.id, write.heartbeat);
        else if (await storeGatewayHealth(sql, write)) changed.push(write.id);
      }
      await emitGatewayHealth(sql, changed, this.#now());
    });
  }
}
