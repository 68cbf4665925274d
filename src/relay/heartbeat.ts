import type { Clock } from "../host/clock.ts";
import { heartbeatPause } from "../platform-client/heartbeat-pause.ts";
import type { Condition } from "../telemetry/conditions.ts";
import { describe } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { fullJitter } from "../tunnel/backoff.ts";

const UNTIL_FIRST_MS = 10_000;
const LATER_MS = 30 * 60_000;
/** After an outage of the platform its relays do not come back in step (ACCEPTANCE F15). */
const LONGEST_RETRY_MS = 180_000;

interface HeartbeatOptions {
  /** Asks the platform to dial this relay; resolves when it could. */
  call: (signal: AbortSignal) => Promise<void>;
  clock: Clock;
  random?: () => number;
  /** Null after each success. */
  onOutcome?: (error: unknown) => void;
  /** What it says of itself: some of that is told before its time. */
  conditions: () => Condition[];
  signal: AbortSignal;
  log: Logger;
}

/**
 * Tells the platform that the relay is there: every 10 s until it could be reached, then every 30 min, both with 10 %
 * jitter (PROTOCOL A.2); after a later failure again within 10 s to 3 min. Only changes are logged. Never rejects.
 */
export async function sendHeartbeats(options: HeartbeatOptions): Promise<void> {
  const { call, clock, random = Math.random, onOutcome, conditions, signal, log } = options;
  const backoff = fullJitter({ baseMs: UNTIL_FIRST_MS, capMs: LONGEST_RETRY_MS, random });
  const around = (milliseconds: number) => milliseconds * (0.9 + random() * 0.2);
  let everReachable = false;
  let reachable: boolean | undefined;
  while (!signal.aborted) {
    try {
      await call(signal);
      if (!reachable) log.info("Relay is reachable by Infisical");
      reachable = true;
      everReachable = true;
      backoff.reset();
      onOutcome?.(null);
    } catch (error) {
      if (signal.aborted) return;
      if (reachable !== false) log.warn("The heartbeat failed", { reason: describe(error) });
      reachable = false;
      onOutcome?.(error);
    }
    const retryMs = () => (everReachable ? backoff.next() : around(UNTIL_FIRST_MS));
    const pause = reachable ? around(LATER_MS) : retryMs();
    await heartbeatPause(clock, pause, { signal, conditions });
  }
}
