import { SallyportError } from "../telemetry/error.ts";
import type { ByteStream, ByteStreamHandler } from "./stream.ts";

/** `write` waits while more than this is on its way; bytes. */
const HIGH_WATER = 128 * 1024;

/**
 * A ByteStream for protocols in which the two sides take turns: it is read when the reader wants to. What nobody has
 * read stays within the stream's window, since only `consumed` gives credit.
 */
export class PulledStream {
  readonly #stream: ByteStream;
  readonly #gone = new AbortController();
  readonly #room: PromiseWithResolvers<void>[] = [];
  /** Bytes that the peer has sent. */
  received = 0;
  #unread: Buffer[] = [];
  #ended = false;
  #closed: { error: Error | null } | null = null;
  /** Why we dropped it ourselves. */
  #reason: Error | null = null;
  #reader: { deliver(): void; fail(error: unknown): void } | null = null;
  /** Bytes that we wrote and that have not left. */
  #unwritten = 0;
  #successor: ByteStreamHandler | null = null;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    stream.attach({
      data: (chunk) => this.#data(chunk),
      end: () => this.#end(),
      written: (bytes) => this.#written(bytes),
      closed: (error) => this.#close(error),
    });
  }

  /** Fires when both directions are over, with the stream's error or none. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Nothing waits to be read, and the peer may still send. */
  get quiet(): boolean {
    return this.#unread.length === 0 && !this.#ended && !this.#closed;
  }

  /**
   * The next bytes; null where the peer has ended its direction. One reader at a time, who says `consumed`.
   * @throws SallyportError TIMEOUT after `timeoutMs`, which may be Infinity; the stream's error
   */
  async read(timeoutMs = Number.POSITIVE_INFINITY): Promise<Buffer | null> {
    if (this.#idle) await this.#wait(timeoutMs);
    const chunk = this.#unread.shift();
    if (chunk) return chunk;
    if (this.#reason) throw this.#reason;
    if (this.#closed?.error && !this.#ended) throw this.#closed.error;
    return null;
  }

  /** Puts bytes back that the next reader is to have first. They are not consumed. */
  unread(rest: Buffer): void {
    if (rest.length > 0) this.#unread.unshift(rest);
  }

  consumed(bytes: number): void {
    if (!this.#closed) this.#stream.consumed(bytes);
  }

  /** Takes the chunks over (see `ByteStream`); resolves when there is room for more. @throws why the stream is over */
  async write(...chunks: Buffer[]): Promise<void> {
    this.#requireOpen();
    for (const chunk of chunks) {
      this.#unwritten += chunk.length;
      this.#stream.write(chunk);
    }
    if (this.#unwritten <= HIGH_WATER) return;
    const room = Promise.withResolvers<void>();
    this.#room.push(room);
    await room.promise;
  }

  end(): void {
    this.#stream.end();
  }

  /** Drops the stream; readers and writers get this error. Safe to call twice. */
  destroy(reason: Error): void {
    this.#reason ??= reason;
    this.#stream.destroy(reason);
  }

  /** The stream for whoever carries on with it, from the first unread byte. This one is not to be used any more. */
  handOver(): ByteStream {
    this.#reader?.fail(new Error("the stream was handed over"));
    const stream = this.#stream;
    return {
      attach: (handler) => this.#succeed(handler),
      write: (chunk) => stream.write(chunk),
      end: () => stream.end(),
      destroy: (error) => stream.destroy(error),
      consumed: (bytes) => stream.consumed(bytes),
    };
  }

  get #idle(): boolean {
    return this.quiet && !this.#reason;
  }

  async #wait(timeoutMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = () => this.#reader?.fail(new SallyportError("TIMEOUT", "Nothing came in time."));
    const timer = Number.isFinite(timeoutMs) ? setTimeout(late, Math.max(0, timeoutMs)) : undefined;
    this.#reader = { deliver: resolve, fail: reject };
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#reader = null;
    }
  }

  #requireOpen(): void {
    if (this.#reason) throw this.#reason;
    if (this.#closed) throw this.#closed.error ?? new Error("the connection is closed");
  }

  #data(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.#successor) return this.#successor.data(chunk);
    this.#unread.push(chunk);
    this.#reader?.deliver();
  }

  #end(): void {
    this.#ended = true;
    this.#successor?.end();
    this.#reader?.deliver();
  }

  /** What we wrote ourselves is nothing that the successor could give credit for. */
  #written(bytes: number): void {
    const own = Math.min(bytes, this.#unwritten);
    this.#unwritten -= own;
    if (this.#unwritten <= HIGH_WATER / 2) for (const room of this.#room.splice(0)) room.resolve();
    if (bytes > own) this.#successor?.written(bytes - own);
  }

  #close(error: Error | null): void {
    this.#closed = { error };
    this.#successor?.closed(error);
    this.#reader?.deliver();
    const reason = this.#reason ?? error ?? new Error("the connection is closed");
    for (const room of this.#room.splice(0)) room.reject(reason);
    this.#gone.abort(reason);
  }

  #succeed(handler: ByteStreamHandler): void {
    for (let chunk = this.#unread.shift(); chunk; chunk = this.#unread.shift()) handler.data(chunk);
    this.#successor = handler;
    if (this.#ended) handler.end();
    if (this.#closed) handler.closed(this.#closed.error);
  }
}
