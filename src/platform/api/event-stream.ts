import type { EventFeed, Listener, Subscription, Told } from "../services/events/event-feed.ts";
import { type EventScope, isLastFor } from "../services/events/event-scope.ts";

interface Following {
  feed: EventFeed;
  scope: EventScope;
  since: number | undefined;
  /** Whether the token that opened the stream still counts; asked when in doubt, and with every comment. */
  isStillHolder: () => Promise<boolean>;
}

/** EXTENSIONS X4. */
const COMMENT_MS = 15_000;
/** Waiting for a slow reader, besides what the kernel holds. More than that, and it is cut: it can come back. */
const QUEUE_BYTES = 4 * 1024 * 1024;

const encoder = new TextEncoder();

/**
 * One subscriber's answer: server-sent events until the subscriber goes, reads too slowly, or may no longer follow. It
 * loses nothing by being cut: it comes back with the id of the last event it has.
 */
export class EventStream implements Listener {
  /** For the response. */
  readonly readable: ReadableStream<Uint8Array>;
  readonly #following: Following;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #ending = false;
  #over = false;
  #wake: (() => void) | undefined;
  #drained: (() => void) | undefined;
  #subscription: Subscription | undefined;
  #timer: Timer | undefined;

  /** @throws SallyportError RESOURCE_SHORTAGE */
  constructor(following: Following) {
    this.#following = following;
    this.readable = new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.#gone() },
      { highWaterMark: 0 },
    );
    this.#say(": hello\n\n");
    this.#subscription = following.feed.subscribe(following.scope, following.since, this);
    this.#timer = setInterval(() => this.#beat(), COMMENT_MS);
  }

  tell(told: Told): void {
    if (told.kind === "snapshot") {
      return this.#say(message(told.id, "snapshot", JSON.stringify(told.snapshot)));
    }
    const { row } = told;
    this.#say(message(row.id, row.type, row.data));
    if (isLastFor(this.#following.scope, row)) this.end();
  }

  async ready(): Promise<void> {
    while (this.#queued > QUEUE_BYTES / 4 && !this.#ending) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
  }

  doubt(): void {
    void this.#endUnlessHolder();
  }

  /** What was said before still goes out. Safe to call twice. */
  end(): void {
    this.#ending = true;
    clearInterval(this.#timer);
    this.#subscription?.close();
    this.#wake?.();
    this.#drained?.();
  }

  #say(text: string): void {
    if (this.#ending) return;
    const bytes = encoder.encode(text);
    this.#queued += bytes.length;
    if (this.#queued > QUEUE_BYTES) {
      this.#queue = [];
      return this.end();
    }
    this.#queue.push(bytes);
    this.#wake?.();
  }

  #beat(): void {
    this.#say(": still here\n\n");
    this.doubt();
  }

  async #endUnlessHolder(): Promise<void> {
    try {
      if (!(await this.#following.isStillHolder())) this.end();
    } catch {
      // The database does not answer: that says nothing about the token, and no event comes either.
    }
  }

  /** The reader has left: nothing is to be written any more. */
  #gone(): void {
    this.#over = true;
    this.end();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#queue.length === 0 && !this.#ending) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#over) return;
    const chunks = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    this.#drained?.();
    if (chunks.length > 0) controller.enqueue(Buffer.concat(chunks));
    else if (this.#ending) {
      this.#over = true;
      controller.close();
    }
  }
}

/** `data` is JSON without line breaks. */
function message(id: number, type: string, data: string): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}
