import { type Clock, systemClock } from "../host/clock.ts";
import type { TunnelReport, TunnelReportAnswer } from "../platform-client/calls/relay-agent.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";

/** `PlatformClient.relayAgent.reportTunnels`. */
export type SendReport = (report: TunnelReport, ask: { signal: AbortSignal }) => Promise<TunnelReportAnswer>;

interface ReporterOptions {
  /** Undefined without a platform: then nobody is told. */
  send: SendReport | undefined;
  /** The gateways that are served now, with the generation of their credentials. */
  sessions: () => { gatewayId: string; generation: number }[];
  /** The platform does not accept that session: below this generation, or at all. */
  refuse: (gatewayId: string, generation: number | null) => void;
  clock?: Clock;
  log: Logger;
}

/** EXTENSIONS X7; renewed at half of it. */
const LEASE_SECONDS = 20;
/** Changes that come together are told together. */
const SETTLE_MS = 200;
const MOST = 500;
/** A platform that does not answer is asked again after this, so that a lease that runs is not lost by one failure. */
const RETRY_MS = 3000;
const FAREWELL_MS = 2000;

/**
 * Tells the platform which tunnels this relay holds: changes at once, and that it is there at half the lease. What the
 * platform knows is compared with what there is, so nothing piles up while it is away.
 */
export class TunnelReporter {
  readonly #options: ReporterOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  /** Undefined where nobody wants to know. */
  #send: SendReport | undefined;
  /** What the platform has been told; undefined = nothing, or who knows. */
  #told: Map<string, number> | undefined;
  #nap = new AbortController();
  #changed = true;
  #troubled = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#send = options.send;
  }

  /** A gateway came or went. */
  changed(): void {
    this.#changed = true;
    this.#nap.abort();
  }

  /** Until `close`, or until the platform says that it asks for no reports. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && this.#send) {
      if (this.#changed) await this.#clock.sleep(SETTLE_MS, signal);
      if (signal.aborted) return;
      this.#changed = false;
      this.#nap = new AbortController();
      const settled = await this.#report();
      if (!this.#changed) {
        const pause = settled ? (LEASE_SECONDS / 2) * 1000 : RETRY_MS;
        await this.#clock.sleep(pause, AbortSignal.any([signal, this.#nap.signal]));
      }
    }
  }

  /** Gives the lease up, so that nobody is sent here any more. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    if (this.#told === undefined) return;
    const signal = AbortSignal.timeout(FAREWELL_MS);
    await this.#send?.({ opened: [], closed: [], leaseSeconds: 0 }, { signal }).catch((error: unknown) =>
      this.#options.log.debug("The platform was not told that the relay stops", {
        reason: describe(error),
      }),
    );
  }

  /** @returns false when it has to be tried again */
  async #report(): Promise<boolean> {
    try {
      do await this.#tell(this.#next());
      while (this.#hasMore());
      this.#troubled = false;
      return true;
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      // Told or not told: only the whole list is sure.
      this.#told = undefined;
      this.#complain(error);
      return false;
    }
  }

  #next(): TunnelReport {
    const complete = this.#told === undefined;
    const told = this.#told ?? new Map<string, number>();
    const { opened, closed } = this.#difference(told);
    return {
      opened: opened.slice(0, MOST),
      closed: closed.slice(0, MOST),
      leaseSeconds: LEASE_SECONDS,
      ...(complete && { complete }),
    };
  }

  async #tell(report: TunnelReport): Promise<void> {
    const answer = await this.#send?.(report, { signal: this.#stop.signal });
    if (!answer) return;
    const told = report.complete ? new Map<string, number>() : (this.#told ?? new Map<string, number>());
    for (const gatewayId of report.closed) told.delete(gatewayId);
    for (const { gatewayId, generation } of report.opened) told.set(gatewayId, generation);
    this.#told = answer.complete && !report.complete ? undefined : told;
    for (const { gatewayId, generation } of answer.refused) this.#options.refuse(gatewayId, generation);
  }

  #hasMore(): boolean {
    if (this.#told === undefined) return true;
    const { opened, closed } = this.#difference(this.#told);
    return opened.length + closed.length > 0;
  }

  #difference(told: ReadonlyMap<string, number>) {
    const present = new Map(this.#options.sessions().map((s) => [s.gatewayId, s.generation]));
    const opened = [...present]
      .filter(([gatewayId, generation]) => told.get(gatewayId) !== generation)
      .map(([gatewayId, generation]) => ({ gatewayId, generation }));
    return { opened, closed: [...told.keys()].filter((gatewayId) => !present.has(gatewayId)) };
  }

  #complain(error: unknown): void {
    const { log } = this.#options;
    if (error instanceof SallyportError && error.code === "NOT_FOUND") {
      this.#send = undefined;
      log.info("This platform asks for no reports about tunnels");
    } else if (!this.#troubled) {
      log.warn("The platform can't be told about tunnels; still trying", { reason: describe(error) });
      this.#troubled = true;
    }
  }
}
