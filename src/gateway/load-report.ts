import { type Clock, sleepFor } from "../host/clock.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";

interface LoadReportOptions {
  /** Connections at present. */
  count: () => number;
  /** Tells the platform. @returns in how many seconds it wants to know again; null where it does not say */
  report(activeChannels: number, signal: AbortSignal): Promise<number | null>;
  signal: AbortSignal;
  log: Logger;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** PROTOCOL A.1, 6. */
const REGULAR_MS = 10_000;
/** After a failure: the platform has better things to do when it comes back (ACCEPTANCE F15). */
const FAILED_MS = 60_000;
const LONGEST_SECONDS = 600;

/**
 * Tells the platform how busy this gateway is, so that a pool sends new connections to the least busy member. Returns
 * when `signal` aborts, or when the platform has no use for it.
 */
export async function keepLoadReports(options: LoadReportOptions): Promise<void> {
  const { count, report, signal, log, clock, random } = options;
  while (!signal.aborted) {
    let wait = REGULAR_MS;
    try {
      const seconds = await report(count(), signal);
      if (seconds !== null) wait = Math.min(seconds, LONGEST_SECONDS) * 1000;
    } catch (error) {
      if (error instanceof SallyportError && error.code === "NOT_FOUND") {
        log.debug("This platform does not ask how busy gateways are");
        return;
      }
      log.debug("How busy this gateway is could not be reported", { reason: describe(error) });
      wait = FAILED_MS;
    }
    await sleepFor(clock, wait * (0.9 + 0.2 * random()), signal);
  }
}
