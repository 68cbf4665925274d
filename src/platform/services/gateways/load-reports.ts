import { SallyportError } from "../../../telemetry/error.ts";
import { type LoadReport, storeLoad } from "../../store/gateway-loads.ts";
import { isPoolMember } from "../../store/gateway-pools.ts";
import type { Core } from "../core.ts";

const INTERVAL_MS = 1000;
/** From the certificates that a client gets to the connection that it opens with them. */
const OPENING_MS = 2000;
/** Gateways wait here for one transaction; more are sent away, to report again later. */
const MOST_PENDING = 20_000;
/** PROTOCOL A.1, 6; of a gateway in no pool nobody wants to know it so precisely. */
const IN_POOL_SECONDS = 10;
const OTHERWISE_SECONDS = 60;

/**
 * How busy gateways are, as they say themselves, for every replica to see. Stored for those in a pool, at most one
 * transaction a second: the first at once, those that follow together.
 */
export class LoadReports {
  readonly #core: Pick<Core, "store" | "now">;
  #pending: LoadReport[] = [];
  #flushing: Promise<void> | undefined;
  #lastFlush = 0;

  constructor(core: Pick<Core, "store" | "now">) {
    this.#core = core;
  }

  /**
   * Resolves when it is stored.
   * @returns in how many seconds to report again
   * @throws SallyportError RESOURCE_SHORTAGE
   */
  async add(gatewayId: string, activeChannels: number): Promise<number> {
    const { store, now } = this.#core;
    if (!(await isPoolMember(store.read, gatewayId))) return OTHERWISE_SECONDS;
    if (this.#pending.length >= MOST_PENDING) {
      throw new SallyportError("RESOURCE_SHORTAGE", "The platform is busy: try again in a moment.");
    }
    const time = now();
    const coversUntil = new Date(time.getTime() - OPENING_MS).toISOString();
    this.#pending.push({ gatewayId, activeChannels, reportedAt: time.toISOString(), coversUntil });
    this.#flushing ??= this.#flushSoon();
    await this.#flushing;
    return IN_POOL_SECONDS;
  }

  async #flushSoon(): Promise<void> {
    const wait = this.#lastFlush + INTERVAL_MS - Date.now();
    await Bun.sleep(Math.max(0, Math.min(wait, INTERVAL_MS)));
    const reports = this.#pending;
    this.#pending = [];
    this.#flushing = undefined;
    this.#lastFlush = Date.now();
    await this.#core.store.transaction(async (sql) => {
      for (const report of reports) await storeLoad(sql, report);
    });
  }
}
