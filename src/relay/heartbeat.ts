import { type Clock, sleepFor } from "../host/clock.ts";
import { describe } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";

const UNTIL_FIRST_MS = 10_000;
const LATER_MS = 30 * 60_000;

interface HeartbeatOptions {
  /** Asks the platform to dial this relay; resolves when it could. */
  call: (signal: AbortSignal) => Promise<void>;
  clock: Clock;
  random?: () => number;
  /** Null after each success. */
  onOutcome?: (error: unknown) => void;
  signal: AbortSignal;
  log: Logger;
}

/**
 * Tells the platform that the relay is there: every 10 s until it could be reached, then every 30 min with 10 % jitter,
 * and every 10 s again after a failure (PROTOCOL A.2). Only changes are logged. Never rejects.
 */
export async function sendHeartbeats(options: HeartbeatOptions): Promise<void> {
  const { call, clock, random = Math.random, onOutcome, signal, log } = options;
  let reachable: boolean | undefined;
  while (!signal.aborted) {
    try {
      await call(signal);
      if (!reachable) log.info("Relay is reachable by Infisical");
      reachable = true;
      onOutcome?.(null);
    } catch (error) {
      if (signal.aborted) return;
      if (reachable !== false) log.warn("The heartbeat failed", { reason: describe(error) });
      reachable = false;
      onOutcome?.(error);
    }
    await sleepFor(clock, reachable ? LATER_MS * (0.9 + random() * 0.2) : UNTIL_FIRST_MS, signal);
  }
}
