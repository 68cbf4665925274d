import { processReads, type ReadBudget } from "./read-budget.ts";
import { release } from "./release.ts";
import type { ByteStream, ByteStreamHandler } from "./stream.ts";

/** Reading pauses above this many bytes while nobody is attached. A pause costs more than it holds a request. */
const EARLY_WINDOW = 16 * 1024;
/** Plaintext of one full TLS record (RFC 8446, 5.1): a longer write becomes several, the last one holds the rest. */
const FULL_RECORD = 16 * 1024;

/** What we need of a Bun socket (TCP, unix or TLS); tests implement it in memory. */
export interface RawSocket {
  /** Bytes the kernel (or the TLS layer) took; the rest waits for `drain`. Negative: the socket is gone. */
  write(data: Uint8Array): number;
  /** Half-close: ends our direction. */
  shutdown(): void;
  /** Closes both directions after what was written. */
  end(): void;
  /** Closes now, without ceremony. */
  terminate(): void;
  pause(): void;
  resume(): void;
}

export interface SocketStreamOptions {
  /**
   * For TLS between our own ends: says what is wrong with the end of the peer's direction, or null. Given, the peer
   * must say close_notify (RFC 8446, 6.1), and the stream never sends a record with two bytes of data: on the wire
   * such a record looks like close_notify (see RecordWatch).
   */
  checkEnd?: () => Error | null;
  /**
   * Calls back once the kernel surely has room for close_notify. Bun 1.4.5 drops it when the send buffer is full and
   * sends the FIN alone, which looks like a cut to the peer.
   */
  beforeEnd?: (proceed: () => void) => void;
  /** Shared by all sockets of the process unless told. */
  reads?: ReadBudget;
}

interface Queued {
  chunk: Buffer;
  offset: number;
}

/**
 * A Bun-native socket as a ByteStream. Bun calls the methods named after its events (`onData`, `onDrain`, `onEnd`,
 * `onClose`), usually through `streamEvents`. The socket must be opened with `allowHalfOpen: true`.
 *
 * After our own FIN, Bun 1.4.5 reports the peer's FIN as a bare close, without `end` and without an error; a reset
 * carries an error. So a bare close then counts as the peer's end, except under `checkEnd`: close_notify always comes
 * as `end`.
 */
export class SocketStream implements ByteStream {
  #socket: RawSocket | null = null;
  #handler: ByteStreamHandler | null = null;
  #early: Buffer[] = [];
  #queue: Queued[] = [];
  #unconsumed = 0;
  /** Written, but nobody was attached to hear of it. */
  #unreported = 0;
  #paused = false;
  #ending = false;
  #endSent = false;
  #peerEnded = false;
  #closed = false;
  #error: Error | null = null;
  #replaying = false;
  #toldEnd = false;
  #toldClosed = false;
  #settling = false;
  /** How often data came: tells a quiet turn of the event loop from a busy one. */
  #reads = 0;
  #whenEmpty: (() => void) | null = null;
  readonly #budget: ReadBudget;

  constructor(private readonly options: SocketStreamOptions = {}) {
    this.#budget = options.reads ?? processReads;
  }

  /** Why the stream failed; null while it runs and after two orderly ends. */
  get error(): Error | null {
    return this.#error;
  }

  /** Joins the stream to its socket, once that can carry data (after the TLS handshake). Until then writes queue. */
  open(socket: RawSocket): void {
    this.#socket = socket;
    if (this.#closed) return socket.terminate();
    this.#flush();
  }

  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    this.#toldEnd = false;
    this.#toldClosed = false;
    this.#replay();
    this.#resumeIfRoom();
  }

  write(chunk: Buffer): void {
    if (this.#closed || this.#ending) return this.#report(chunk.length);
    if (this.options.checkEnd && chunk.length % FULL_RECORD === 2) {
      const last = Buffer.from([chunk[chunk.length - 1] ?? 0]);
      this.#enqueue(chunk.subarray(0, -1));
      this.#enqueue(last);
    } else {
      this.#enqueue(chunk);
    }
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#flush();
  }

  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#error ??= error ?? new Error("destroyed");
    this.#early = [];
    this.#socket?.terminate();
    this.onClose();
  }

  consumed(bytes: number): void {
    if (this.#closed) return;
    this.#hold(-bytes);
    this.#resumeIfRoom();
  }

  /** Calls back once the kernel holds nothing more for us to read, or the stream has closed. One caller at a time. */
  whenEmpty(callback: () => void): void {
    this.#whenEmpty = callback;
    this.#lookIfEmpty();
  }

  onData(chunk: Buffer): void {
    if (this.#closed) return;
    this.#reads++;
    this.#hold(chunk.length);
    if (this.#unconsumed >= (this.#handler ? this.#budget.window : EARLY_WINDOW)) this.#pause();
    if (this.#handler && this.#early.length === 0) this.#handler.data(chunk);
    else this.#early.push(chunk);
  }

  onDrain(): void {
    this.#flush();
  }

  onEnd(): void {
    if (this.#peerEnded || this.#closed) return;
    const flaw = this.options.checkEnd?.();
    if (flaw) return this.destroy(flaw);
    this.#peerEnded = true;
    this.#replay();
    this.#closeIfDone();
  }

  /** A TLS alert or another failure of the connection. */
  onError(error: Error): void {
    this.destroy(error);
  }

  onClose(error?: Error): void {
    if (this.#closed) return;
    if (this.#endSent && !error && !this.#error && !this.options.checkEnd) this.onEnd();
    if (this.#closed) return;
    this.#hold(-this.#unconsumed);
    this.#closed = true;
    const orderly = this.#peerEnded && this.#endSent && !error;
    if (!orderly) this.#error ??= error ?? new Error("connection closed");
    this.#socket = null;
    this.#lookIfEmpty();
    for (const { chunk, offset } of this.#queue.splice(0)) this.#report(chunk.length - offset);
    this.#replay();
  }

  /** Tells the handler what it does not know yet, in order. It may replace itself meanwhile, the rest goes to the next. */
  #replay(): void {
    if (this.#replaying) return;
    this.#replaying = true;
    while (this.#handler && this.#tellNext(this.#handler)) {}
    this.#replaying = false;
  }

  #tellNext(handler: ByteStreamHandler): boolean {
    const chunk = this.#early.shift();
    if (chunk) {
      handler.data(chunk);
    } else if (this.#unreported > 0) {
      const bytes = this.#unreported;
      this.#unreported = 0;
      handler.written(bytes);
    } else if (this.#peerEnded && !this.#toldEnd) {
      this.#toldEnd = true;
      handler.end();
    } else if (this.#closed && !this.#toldClosed) {
      this.#toldClosed = true;
      handler.closed(this.#error);
    } else {
      return false;
    }
    return true;
  }

  /** Counts bytes that have come, or with a minus consumed. */
  #hold(bytes: number): void {
    this.#unconsumed += bytes;
    this.#budget.hold(bytes);
  }

  #report(bytes: number): void {
    if (this.#toldClosed) return;
    if (this.#handler) this.#handler.written(bytes);
    else this.#unreported += bytes;
  }

  #pause(): void {
    if (this.#paused || this.#closed || !this.#socket) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resumeIfRoom(): void {
    if (!this.#paused || this.#closed || !this.#handler || this.#unconsumed >= this.#budget.window / 2)
      return;
    this.#paused = false;
    this.#socket?.resume();
    this.#lookIfEmpty();
  }

  /** Two turns of the event loop, between which sockets are polled: no data then means that there was none. */
  #lookIfEmpty(): void {
    if (!this.#whenEmpty || (this.#paused && !this.#closed)) return;
    const before = this.#reads;
    setImmediate(() => setImmediate(() => this.#empty(before)));
  }

  #empty(before: number): void {
    const callback = this.#whenEmpty;
    if (!callback || (this.#paused && !this.#closed)) return;
    if (this.#reads !== before && !this.#closed) return this.#lookIfEmpty();
    this.#whenEmpty = null;
    callback();
  }

  #enqueue(chunk: Buffer): void {
    this.#queue.push({ chunk, offset: 0 });
    if (this.#queue.length === 1) this.#flush();
  }

  #flush(): void {
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      if (!this.#socket || this.#closed) return;
      const { chunk, offset } = head;
      const { length } = chunk;
      const sent = this.#socket.write(offset === 0 ? chunk : chunk.subarray(offset));
      if (sent < 0 || this.#closed) return;
      head.offset += sent;
      const whole = head.offset === length;
      if (whole) {
        this.#queue.shift();
        release(chunk);
      }
      if (sent > 0) this.#report(sent);
      if (!whole) return;
    }
    if (!this.#ending || this.#settling) return;
    this.#settling = true;
    if (this.options.beforeEnd) this.options.beforeEnd(() => this.#shutdown());
    else this.#shutdown();
  }

  #shutdown(): void {
    if (!this.#socket || this.#closed) return;
    this.#endSent = true;
    this.#socket.shutdown();
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#peerEnded && this.#endSent && !this.#closed) this.#socket?.end();
  }
}

/** Bun socket events for sockets whose `data` is a SocketStream (or undefined before it is made). */
export const streamEvents = {
  data(socket: { data: SocketStream | undefined }, chunk: Buffer) {
    socket.data?.onData(chunk);
  },
  drain(socket: { data: SocketStream | undefined }) {
    socket.data?.onDrain();
  },
  end(socket: { data: SocketStream | undefined }) {
    socket.data?.onEnd();
  },
  close(socket: { data: SocketStream | undefined }, error?: Error) {
    socket.data?.onClose(error);
  },
  error(socket: { data: SocketStream | undefined }, error: Error) {
    socket.data?.onError(error);
  },
};
