import { type Follow, type FollowOptions, followEvents } from "../platform-client/event-stream.ts";
import type { Logger } from "../telemetry/log.ts";
import { fullJitter } from "../tunnel/backoff.ts";

/**
 * How long a daemon waits at most until it asks for the event stream again. Relays enforce what the platform decides, so
 * they are back within half a minute; a gateway lives without for as long as its other calls are spread over, or after an
 * outage all of them would come at once (ACCEPTANCE F15).
 */
export const LONGEST_MS = { relay: 30_000, gateway: 300_000 };

/** How a daemon follows its platform's events (EXTENSIONS X4). */
export function followPlatform(
  role: keyof typeof LONGEST_MS,
  open: FollowOptions["open"],
  log: Logger,
): Follow {
  const capMs = LONGEST_MS[role];
  return (handler, signal) => followEvents({ open, handler, backoff: fullJitter({ capMs }), signal, log });
}
