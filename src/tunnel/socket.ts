import { release } from "./release.ts";
import type { ByteStream, ByteStreamHandler } from "./stream.ts";

/** Reading pauses above this many unconsumed bytes and goes on below half of it. One read may add 512 KiB on top. */
const READ_WINDOW = 512 * 1024;

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

interface Queued {
  chunk: Buffer;
  offset: number;
}

/**
 * How a close without an error is read once our own direction has ended. Plain sockets: Bun 1.4.5 then reports the
 * peer's FIN as a bare close, a reset still carries an error. TLS: the peer must have said close_notify, otherwise the
 * stream may have been cut short on its way (RFC 8446, 6.1).
 */
export type EndSignal = "fin" | "close-notify";

/**
 * A Bun-native socket as a ByteStream. Bun calls the methods named after its events (`onData`, `onDrain`, `onEnd`,
 * `onClose`), usually through `streamEvents`. The socket must be opened with `allowHalfOpen: true`.
 */
export class SocketStream implements ByteStream {
  #socket: RawSocket | null = null;
  #handler: ByteStreamHandler | null = null;
  #early: Buffer[] = [];
  #queue: Queued[] = [];
  #unconsumed = 0;
  #paused = false;
  #ending = false;
  #endSent = false;
  #peerEnded = false;
  #closed = false;
  #error: Error | null = null;

  constructor(private readonly endSignal: EndSignal = "fin") {}

  /** Joins the stream to its socket, once that can carry data (after the TLS handshake). Until then writes queue. */
  open(socket: RawSocket): void {
    this.#socket = socket;
    if (this.#closed) return socket.terminate();
    if (!this.#handler) this.#pause();
    this.#flush();
  }

  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.#deliver(chunk);
    if (this.#peerEnded) handler.end();
    if (this.#closed) return handler.closed(this.#error);
    this.#resumeIfRoom();
  }

  write(chunk: Buffer): void {
    if (this.#closed || this.#ending) return this.#handler?.written(chunk.length);
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
    if (this.#socket) this.#socket.terminate();
    this.onClose();
  }

  consumed(bytes: number): void {
    this.#unconsumed -= bytes;
    this.#resumeIfRoom();
  }

  onData(chunk: Buffer): void {
    if (this.#closed) return;
    if (this.#handler) return this.#deliver(chunk);
    this.#early.push(chunk);
    this.#pause();
  }

  onDrain(): void {
    this.#flush();
  }

  onEnd(): void {
    if (this.#peerEnded || this.#closed) return;
    this.#peerEnded = true;
    this.#handler?.end();
    this.#closeIfDone();
  }

  onClose(error?: Error): void {
    if (this.#closed) return;
    if (this.endSignal === "fin" && this.#endSent && !error && !this.#error) this.onEnd();
    const orderly = this.#peerEnded && this.#endSent && !error;
    this.#closed = true;
    if (!orderly) this.#error ??= error ?? new Error("connection closed");
    const dropped = this.#queue;
    this.#queue = [];
    const handler = this.#handler;
    if (!handler) return;
    for (const { chunk, offset } of dropped) handler.written(chunk.length - offset);
    handler.closed(this.#error);
  }

  #deliver(chunk: Buffer): void {
    this.#unconsumed += chunk.length;
    if (this.#unconsumed >= READ_WINDOW) this.#pause();
    this.#handler?.data(chunk);
  }

  #pause(): void {
    if (this.#paused || this.#closed || !this.#socket) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resumeIfRoom(): void {
    if (!this.#paused || this.#closed || !this.#handler || this.#unconsumed >= READ_WINDOW / 2) return;
    this.#paused = false;
    this.#socket?.resume();
  }

  #flush(): void {
    const socket = this.#socket;
    if (!socket || this.#closed) return;
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const { chunk, offset } = head;
      const sent = socket.write(offset === 0 ? chunk : chunk.subarray(offset));
      if (sent < 0) return;
      head.offset += sent;
      const whole = head.offset === chunk.length;
      if (whole) {
        this.#queue.shift();
        release(chunk);
      }
      if (sent > 0) this.#handler?.written(sent);
      if (!whole || this.#closed) return;
    }
    if (this.#ending && !this.#endSent) {
      this.#endSent = true;
      socket.shutdown();
      this.#closeIfDone();
    }
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
    socket.data?.onClose(error);
  },
};
