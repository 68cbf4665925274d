import { processReads, type ReadBudget } from "./read-budget.ts";
import { release } from "./release.ts";
import type { ByteStream, ByteStreamHandler } from "./stream.ts";

/** Reading pauses above this many bytes while nobody is attached. A pause costs more than it holds a request. */
const EARLY_WINDOW = 16 * 1024;

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
 * carries an error. So a bare close then counts as the peer's end.
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
  readonly #budget: ReadBudget;

  constructor(options: SocketStreamOptions = {}) {
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
    this.#queue.push({ chunk, offset: 0 });
    if (this.#queue.length === 1) this.#flush();
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

  onData(chunk: Buffer): void {
    if (this.#closed) return;
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
    if (this.#endSent && !error && !this.#error) this.onEnd();
    if (this.#closed) return;
    this.#hold(-this.#unconsumed);
    this.#closed = true;
    const orderly = this.#peerEnded && this.#endSent && !error;
    if (!orderly) this.#error ??= error ?? new Error("connection closed");
    this.#socket = null;
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
    if (!this.#ending || this.#endSent || !this.#socket || this.#closed) return;
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
