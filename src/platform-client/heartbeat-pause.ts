import { type Clock, sleepFor } from "../host/clock.ts";
import type { ConditionCode } from "../telemetry/condition-codes.ts";
import type { Condition } from "../telemetry/conditions.ts";

/** How often a waiting daemon looks whether there is something to tell. */
const LOOK_MS = 10_000;

/**
 * What nobody but the daemon itself can know, so that it is told before its time. Whatever may befall many at once (a
 * lost relay, a platform that was away) waits for the regular heartbeat, or all would call in the same moment.
 */
const WORTH_TELLING: ReadonlySet<ConditionCode> = new Set<ConditionCode>([
  "GATEWAY_DUPLICATE",
  "CLOCK_WRONG",
  "CERTIFICATE_EXPIRED",
  "CERTIFICATE_EXPIRES",
  "RELAY_REFUSED",
  "WINDOW_BUDGET_SHORT",
]);

/** Waits that long until the next heartbeat, less when such a condition has come or gone. Returns early when aborted. */
export async function heartbeatPause(
  clock: Clock,
  milliseconds: number,
  { signal, conditions }: { signal: AbortSignal; conditions: () => Condition[] },
): Promise<void> {
  const told = newsIn(conditions());
  // As `sleepFor`: whichever is first, the wall clock (over a suspend) or what was waited.
  const due = clock.now() + milliseconds;
  for (let left = milliseconds; left > 0 && clock.now() < due && !signal.aborted; left -= LOOK_MS) {
    await sleepFor(clock, Math.min(left, LOOK_MS), signal);
    if (newsIn(conditions()) !== told) return;
  }
}

function newsIn(conditions: Condition[]): string {
  return conditions
    .filter(({ code }) => WORTH_TELLING.has(code))
    .map(({ code, about = "" }) => `${code} ${about}`)
    .sort((a, b) => a.localeCompare(b))
    .join(", ");
}
