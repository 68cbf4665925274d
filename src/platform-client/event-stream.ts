import { type Clock, settlesWithin, systemClock } from "../host/clock.ts";
import { describe, SallyportError } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import {
  isPlatformEventType,
  type PlatformEvent,
  type PlatformSnapshot,
  platformEvent,
  platformSnapshot,
} from "./events.ts";
import { parseJson } from "./json.ts";
import { EventStreamParser, type ServerSentEvent } from "./sse.ts";
import type { AnswerStream } from "./transport.ts";

/** What a follower does with what it hears. Neither may throw. */
export interface EventHandler {
  event(event: PlatformEvent): void;
  /** The whole state. `asked` = wall-clock milliseconds: what began later may be newer than the snapshot. */
  snapshot(snapshot: PlatformSnapshot, asked: number): void;
}

export interface FollowOptions {
  /** Opens the stream after that event; `PlatformClient.events`. */
  open: (ask: { lastEventId: string | undefined; signal: AbortSignal }) => Promise<AnswerStream>;
  handler: EventHandler;
  /** Waits between attempts, with jitter. */
  backoff: { next(): number; reset(): void };
  signal: AbortSignal;
  log: Logger;
  clock?: Clock;
}

/** Relays and gateways that follow: given to them by whoever knows their platform. */
export type Follow = (handler: EventHandler, signal: AbortSignal) => Promise<void>;

/** EXTENSIONS X4: comments come every 15 s. */
const SILENCE_MS = 40_000;
/** A stream that lasted was a success. */
const LASTED_MS = 30_000;
/** The platform said no, in so many words: no use in asking often. */
const REFUSED_MS = 60_000;

/**
 * Follows a platform's events until `signal` aborts; comes back by itself, with what it missed. Its absence means
 * nothing. Returns early, after one line in the log, where the platform has no such stream. Never rejects.
 */
export async function followEvents(options: FollowOptions): Promise<void> {
  const { signal, log, backoff, clock = systemClock } = options;
  const follower = new Follower(options, clock);
  let complained = false;
  while (!signal.aborted) {
    const since = clock.now();
    const error = await follower.read(() => {
      if (complained) log.info("The platform's event stream is back");
      complained = false;
    });
    if (signal.aborted) return;
    if (error?.code === "NOT_FOUND") {
      log.info("This platform has no event stream: changes arrive with the next renewal of certificates");
      return;
    }
    const refused = error?.code === "UNAUTHENTICATED" || error?.code === "FORBIDDEN";
    if (!complained && error) {
      log.warn("The platform's event stream is down; connections go on", { reason: error.message });
      complained = true;
    }
    if (clock.now() - since >= LASTED_MS) backoff.reset();
    const askedMs = 1000 * (error?.retryAfter ?? 0);
    await clock.sleep(Math.max(refused ? REFUSED_MS : backoff.next(), askedMs), signal);
  }
}

class Follower {
  #lastEventId: string | undefined;

  constructor(
    private readonly options: FollowOptions,
    private readonly clock: Clock,
  ) {}

  /** One stream from its opening to its end. @returns why it ended; null when the platform ended it */
  async read(onUp: () => void): Promise<SallyportError | null> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.options.signal]);
    const asked = this.clock.now();
    try {
      const body = await this.options.open({ lastEventId: this.#lastEventId, signal });
      onUp();
      await this.#consume(body, asked);
      return null;
    } catch (error) {
      if (error instanceof SallyportError) return error;
      return new SallyportError("PLATFORM_UNREACHABLE", describe(error), { cause: error });
    } finally {
      over.abort();
    }
  }

  async #consume(body: AnswerStream, asked: number): Promise<void> {
    const reader = body.getReader();
    const parser = new EventStreamParser();
    for (;;) {
      const next = reader.read();
      if (!(await settlesWithin(this.clock, next, SILENCE_MS, this.options.signal))) {
        throw new SallyportError("PLATFORM_UNREACHABLE", "The event stream has gone silent.");
      }
      const { value, done } = await next;
      if (done) return;
      for (const event of parser.push(value)) this.#handle(event, asked);
    }
  }

  #handle({ id, type, data }: ServerSentEvent, asked: number): void {
    const { handler, log } = this.options;
    const body = parseJson(data);
    if (type === "snapshot") {
      const snapshot = platformSnapshot.safeParse(body);
      // Half a state must not decide: without it the stream is of no use.
      if (!snapshot.success) throw unreadable(type, snapshot.error);
      handler.snapshot(snapshot.data, asked);
    } else if (isPlatformEventType(type)) {
      const event = platformEvent.safeParse({ ...Object(body), type });
      if (!event.success) {
        // The next stream begins with a snapshot, so that this one event does not hide those after it.
        this.#lastEventId = undefined;
        throw unreadable(type, event.error);
      }
      handler.event(event.data);
    } else {
      log.debug("An event of a newer platform was skipped", { type: type.slice(0, 64) });
    }
    this.#lastEventId = id === "" ? undefined : id;
  }
}

function unreadable(type: string, cause: unknown): SallyportError {
  return new SallyportError("PLATFORM_ERROR", `The platform sent a ${type} that this version can't read.`, {
    cause,
  });
}
