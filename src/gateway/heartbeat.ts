import type { Clock } from "../host/clock.ts";
import { heartbeatPause } from "../platform-client/heartbeat-pause.ts";
import type { Condition } from "../telemetry/conditions.ts";
import { describe } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { RepeatedWarning } from "./repeated-warning.ts";

/** PROTOCOL E. */
const FIRST_MS = 10_000;
const REGULAR_MS = 180_000;

interface HeartbeatOptions {
  /** Asks the platform to reach this gateway; settles with the answer. */
  beat(signal: AbortSignal): Promise<void>;
  /** Null after each success. */
  onOutcome?: (error: unknown) => void;
  /** What it says of itself: some of that is told before its time. */
  conditions: () => Condition[];
  signal: AbortSignal;
  log: Logger;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
}

/**
 * Asks for a probe 10 s after the first tunnel, every 10 s until one succeeds, then every 3 minutes with jitter, also
 * while no tunnel is up (PROTOCOL 0.2). Returns when `signal` aborts; a failing platform never ends it.
 */
export async function keepHeartbeat(options: HeartbeatOptions): Promise<void> {
  const { beat, conditions, signal, log, clock, random } = options;
  const warning = new RepeatedWarning(log, clock);
  let succeeded = false;
  while (!signal.aborted) {
    const wait = succeeded ? REGULAR_MS * (0.9 + 0.2 * random()) : FIRST_MS;
    await heartbeatPause(clock, wait, { signal, conditions });
    if (signal.aborted) return;
    try {
      await beat(signal);
      if (!succeeded) log.info("Gateway is reachable by Infisical");
      succeeded = true;
      warning.over();
      options.onOutcome?.(null);
    } catch (error) {
      if (signal.aborted) return;
      warning.warn(`The platform cannot reach this gateway: ${describe(error)}`);
      options.onOutcome?.(error);
    }
  }
}
