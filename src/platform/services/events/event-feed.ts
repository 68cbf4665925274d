import type { PlatformSnapshot } from "../../../platform-client/events.ts";
import { describe, SallyportError } from "../../../telemetry/error.ts";
import { type EventRow, eventRange, listEvents } from "../../store/events.ts";
import type { Core } from "../core.ts";
import { type EventScope, isShakenBy, mayHear } from "./event-scope.ts";
import { snapshotFor } from "./event-snapshot.ts";

/** What a subscriber gets, in this order and without a gap. */
export type Told =
  | { kind: "event"; row: EventRow }
  /** Instead of all events up to `id`. */
  | { kind: "snapshot"; id: number; snapshot: PlatformSnapshot };

/** Where a subscriber is told. */
export interface Listener {
  /** Must not block. */
  tell(told: Told): void;
  /** Resolves when there is room for another batch, or nobody listens any more. */
  ready(): Promise<void>;
  /** Whether it may still be told anything is to be found out again, now. Must not block. */
  doubt(): void;
  /** Nothing more will be told. */
  end(): void;
}

export interface Subscription {
  close(): void;
}

interface Subscriber {
  scope: EventScope;
  /** Events up to here are known already, or come out of the past. */
  after: number;
  /** What happens while the past is being told; undefined once it is. */
  held: EventRow[] | undefined;
  listener: Listener;
}

/** EXTENSIONS X4. */
const POLL_MS = 250;
/** Of the largest events these are 2 MB, which a subscriber has room for. */
const BATCH = 100;
/** More missed events than this are told as a snapshot. */
const REPLAY_LIMIT = 5000;
const SUBSCRIBERS = 5000;
/** Of one gateway, relay or person: enough for restarts, copies and a few browser windows. */
const SUBSCRIBERS_EACH = 16;
/** Events that may come while the past is being told. */
const HELD_LIMIT = 5000;

/**
 * Follows the events of all replicas: one query every 250 ms whatever the number of subscribers, each of which is told
 * what is in its scope. Nothing runs while nobody follows.
 */
export class EventFeed {
  readonly #core: Pick<Core, "store" | "log" | "now">;
  readonly #subscribers = new Set<Subscriber>();
  readonly #closed = new AbortController();
  /** Of the last event that subscribers were offered. */
  #position = 0;
  #started: Promise<void> | undefined;
  #troubled = false;

  constructor(core: Pick<Core, "store" | "log" | "now">) {
    this.#core = core;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /**
   * Tells what happened after event `since`, then what happens.
   * @param since id of the last event known; undefined, unknown or no longer kept = a snapshot comes first
   * @throws SallyportError RESOURCE_SHORTAGE
   */
  subscribe(scope: EventScope, since: number | undefined, listener: Listener): Subscription {
    this.#requireRoom(scope);
    // Until the past is told nothing counts as new, so that each event is told once.
    const subscriber: Subscriber = { scope, after: Number.POSITIVE_INFINITY, held: [], listener };
    this.#subscribers.add(subscriber);
    void this.#begin(subscriber, since);
    return { close: () => void this.#subscribers.delete(subscriber) };
  }

  /** Safe to call twice. */
  close(): void {
    this.#closed.abort();
    for (const { listener } of this.#subscribers) listener.end();
    this.#subscribers.clear();
  }

  #requireRoom(scope: EventScope): void {
    const name = nameOf(scope);
    const same = [...this.#subscribers].filter((other) => nameOf(other.scope) === name).length;
    const closed = this.#closed.signal.aborted;
    if (!closed && this.#subscribers.size < SUBSCRIBERS && same < SUBSCRIBERS_EACH) return;
    throw new SallyportError("RESOURCE_SHORTAGE", "Too many follow the events: try again in a moment.");
  }

  /** Never rejects: who can't be told the past has to come again. */
  async #begin(subscriber: Subscriber, since: number | undefined): Promise<void> {
    try {
      // Before the past is read: an event between the two would be told by neither.
      await this.#start();
      await this.#tellPast(subscriber, since);
    } catch (error) {
      this.#core.log.warn("Could not tell past events", { reason: describe(error) });
      this.#cut(subscriber);
    }
  }

  #cut(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    subscriber.listener.end();
  }

  async #tellPast(subscriber: Subscriber, since: number | undefined): Promise<void> {
    const { read } = this.#core.store;
    const { listener } = subscriber;
    const { last, keptAfter } = await eventRange(read);
    const known = since !== undefined && since >= keptAfter && since <= last && last - since <= REPLAY_LIMIT;
    if (known) {
      for (let after = since; after < last; after += BATCH) {
        const rows = await listEvents(read, { after, limit: Math.min(BATCH, last - after) });
        for (const row of rows) if (mayHear(subscriber.scope, row)) listener.tell({ kind: "event", row });
        await listener.ready();
      }
    } else {
      const snapshot = await snapshotFor(read, subscriber.scope, this.#core.now().toISOString());
      listener.tell({ kind: "snapshot", id: last, snapshot });
      await listener.ready();
    }
    const held = subscriber.held ?? [];
    subscriber.after = last;
    subscriber.held = undefined;
    for (const row of held) this.#offer(subscriber, row);
  }

  #offer(subscriber: Subscriber, row: EventRow): void {
    if (isShakenBy(subscriber.scope, row)) subscriber.listener.doubt();
    if (!mayHear(subscriber.scope, row)) return;
    if (!subscriber.held) {
      if (row.id > subscriber.after) subscriber.listener.tell({ kind: "event", row });
    } else if (subscriber.held.length < HELD_LIMIT) {
      subscriber.held.push(row);
    } else {
      this.#cut(subscriber);
    }
  }

  #start(): Promise<void> {
    this.#started ??= this.#openEyes().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  async #openEyes(): Promise<void> {
    this.#position = (await eventRange(this.#core.store.read)).last;
    void this.#run();
  }

  /** Never rejects: a database that is away is asked again. */
  async #run(): Promise<void> {
    while (this.#subscribers.size > 0 && !this.#closed.signal.aborted) {
      try {
        await this.#poll();
        this.#troubled = false;
      } catch (error) {
        const { log } = this.#core;
        if (!this.#troubled) log.warn("Cannot read the events; still trying", { reason: describe(error) });
        this.#troubled = true;
      }
      await Bun.sleep(POLL_MS);
    }
    this.#started = undefined;
  }

  async #poll(): Promise<void> {
    const { read } = this.#core.store;
    for (;;) {
      const rows = await listEvents(read, { after: this.#position, limit: BATCH });
      for (const row of rows) {
        this.#position = row.id;
        for (const subscriber of this.#subscribers) this.#offer(subscriber, row);
      }
      if (rows.length < BATCH) return;
      // Lets subscribers write what they have before the next batch.
      await Bun.sleep(1);
    }
  }
}

function nameOf(scope: EventScope): string {
  if (scope.kind === "gateway") return scope.gatewayId;
  return scope.kind === "relay" ? scope.relayId : scope.holderId;
}
