import { type Follow, type FollowOptions, followEvents } from "../platform-client/event-stream.ts";
import type { Logger } from "../telemetry/log.ts";
import { fullJitter } from "../tunnel/backoff.ts";

/** How a daemon follows its platform's events (EXTENSIONS X4), with the waits of every other connection. */
export function followPlatform(open: FollowOptions["open"], log: Logger): Follow {
  return (handler, signal) => followEvents({ open, handler, backoff: fullJitter(), signal, log });
}
