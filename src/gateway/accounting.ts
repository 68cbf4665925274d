import { type Clock, settlesWithin, systemClock } from "../host/clock.ts";
import { type ConnectionRecord, RECORDS_PER_REPORT } from "../platform-client/connections.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import type { ConnectionSpool } from "./connection-spool.ts";

/** `PlatformClient.gatewayAgent.reportConnections`. */
export type SendRecords = (
  report: { instance: string; records: ConnectionRecord[] },
  ask: { signal: AbortSignal },
) => Promise<void>;

/** Told by every session when it opens and when it is over. */
export interface Accounting {
  /** Of this process, in every record. */
  readonly instance: string;
  add(record: ConnectionRecord): void;
}

interface JournalOptions {
  send: SendRecords;
  spool: ConnectionSpool;
  clock?: Clock;
  log: Logger;
}

/** EXTENSIONS X10. */
const BATCH_MS = 5000;
/** Between two batches; more goes to the spool at once. */
const MOST_PENDING = 5000;
/** While neither the platform nor the disk takes them. */
const MOST_KEPT = MOST_PENDING / 2;
const FAREWELL_MS = 2000;

/**
 * Accounts for every connection: batched at 5 s, spooled while the platform is away. A record that was sent twice counts
 * once, so what may have arrived is simply sent again.
 */
export class ConnectionJournal implements Accounting {
  readonly instance = crypto.randomUUID();
  readonly #options: JournalOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #pending: ConnectionRecord[] = [];
  #running: Promise<void> | undefined;
  /** Whether records wait in the spool; at start nobody knows. */
  #spooled = true;
  #troubled = false;
  #unwanted = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  add(record: ConnectionRecord): void {
    if (this.#unwanted) return;
    if (this.#stop.signal.aborted) return void this.#spool([record]);
    this.#pending.push(record);
    if (this.#pending.length >= MOST_PENDING) void this.#spool(this.#takePending());
  }

  /** Until `close`, or until the platform says that it does not account. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Sends what there is, within 2 s, or leaves it in the spool. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#running;
    if (this.#unwanted) return;
    const records = this.#takePending();
    if (records.length === 0) return;
    const sending = this.#send(records, AbortSignal.timeout(FAREWELL_MS)).then(
      () => true,
      () => false,
    );
    const inTime = await settlesWithin(this.#clock, sending, FAREWELL_MS);
    if (!inTime || !(await sending)) await this.#spool(records);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && !this.#unwanted) {
      await this.#clock.sleep(BATCH_MS, signal);
      if (!signal.aborted) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    const { spool, log } = this.#options;
    const records = this.#takePending();
    try {
      const waiting = this.#spooled ? await spool.read() : undefined;
      if (waiting) {
        await this.#send(waiting, this.#stop.signal);
        await spool.clear();
        this.#spooled = false;
      }
      await this.#send(records, this.#stop.signal);
      this.#troubled = false;
    } catch (error) {
      if (error instanceof SallyportError && error.code === "NOT_FOUND") {
        this.#unwanted = true;
        log.info("This platform keeps no account of connections");
        return;
      }
      await this.#spool(records);
      if (this.#troubled || this.#stop.signal.aborted) return;
      this.#troubled = true;
      log.warn("The account of connections waits for the platform", { reason: describe(error) });
    }
  }

  async #send(records: ConnectionRecord[], signal: AbortSignal): Promise<void> {
    const { instance } = this;
    for (let i = 0; i < records.length; i += RECORDS_PER_REPORT) {
      const batch = records.slice(i, i + RECORDS_PER_REPORT);
      await this.#options.send({ instance, records: batch }, { signal }).catch((error: unknown) => {
        // The same again would be refused for ever, and hold up what comes after it.
        if (!(error instanceof SallyportError) || error.code !== "REQUEST_INVALID") throw error;
        this.#options.log.warn("The platform refuses an account of connections; it is dropped", {
          reason: error.message,
          records: batch.length,
        });
      });
    }
  }

  async #spool(records: ConnectionRecord[]): Promise<void> {
    if (records.length === 0) return;
    const { spool, log } = this.#options;
    this.#spooled = true;
    const kept = await spool.append(records);
    const room = this.#stop.signal.aborted ? 0 : Math.max(0, MOST_KEPT - this.#pending.length);
    // The oldest go first when there is no room for them anywhere.
    this.#pending = [...kept.slice(Math.max(0, kept.length - room)), ...this.#pending];
    const lost = spool.takeLost() + Math.max(0, kept.length - room);
    if (lost > 0) log.warn("Connections are not accounted for: the spool is full", { lost });
  }

  #takePending(): ConnectionRecord[] {
    const records = this.#pending;
    this.#pending = [];
    return records;
  }
}
