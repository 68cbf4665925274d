import type { ByteStream, ByteStreamHandler } from "../../src/tunnel/stream.ts";

export interface StreamPairOptions {
  /** Unconsumed bytes that one direction holds before the writer waits. */
  window?: number;
}

/** Two ends of one stream in memory: what one writes the other is given, in later turns of the event loop. */
export function streamPair(options: StreamPairOptions = {}): [MemoryStream, MemoryStream] {
  const window = options.window ?? 256 * 1024;
  const a = new MemoryStream(window);
  const b = new MemoryStream(window);
  a.join(b);
  b.join(a);
  return [a, b];
}

/** One end of a `streamPair`. */
export class MemoryStream implements ByteStream {
  #peer: MemoryStream | undefined;
  #handler: ByteStreamHandler | undefined;
  #queue: Buffer[] = [];
  #credit: number;
  #ending = false;
  #endSent = false;
  #peerEnded = false;
  #closed = false;
  #closeUntold: (() => void) | undefined;
  #scheduled = false;
  /** Bytes written that the peer has not been given yet. */
  queued = 0;

  constructor(window: number) {
    this.#credit = window;
  }

  join(peer: MemoryStream): void {
    this.#peer = peer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    this.#wakePeer();
    if (this.#closeUntold) setImmediate(() => this.#tellClose());
  }

  write(chunk: Buffer): void {
    if (this.#closed || this.#ending) return this.#handler?.written(chunk.length);
    this.queued += chunk.length;
    this.#queue.push(Buffer.from(chunk));
    this.#schedule();
  }

  end(): void {
    this.#ending = true;
    this.#schedule();
  }

  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#close(error ?? new Error("destroyed"));
    const peer = this.#peer;
    if (peer) peer.#close(new Error("connection reset"));
  }

  consumed(bytes: number): void {
    const peer = this.#peer;
    if (!peer) return;
    peer.#credit += bytes;
    peer.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const peer = this.#peer;
    if (this.#closed || !peer || peer.#closed || !peer.#handler) return;
    for (let head = this.#queue[0]; head && this.#credit > 0; head = this.#queue[0]) {
      const part = head.subarray(0, this.#credit);
      if (part.length === head.length) this.#queue.shift();
      else this.#queue[0] = head.subarray(part.length);
      this.#credit -= part.length;
      this.queued -= part.length;
      peer.#handler?.data(Buffer.from(part));
      this.#handler?.written(part.length);
    }
    if (!this.#ending || this.#endSent || this.#queue.length > 0) return;
    this.#endSent = true;
    peer.#receiveEnd();
  }

  #wakePeer(): void {
    const peer = this.#peer;
    if (peer) peer.#schedule();
  }

  #receiveEnd(): void {
    this.#peerEnded = true;
    this.#handler?.end();
    const peer = this.#peer;
    if (!peer || !this.#endSent || !peer.#peerEnded) return;
    this.#close(null);
    peer.#close(null);
  }

  #close(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeUntold = () => {
      if (this.queued > 0) this.#handler?.written(this.queued);
      this.#handler?.closed(error);
    };
    setImmediate(() => this.#tellClose());
  }

  #tellClose(): void {
    if (!this.#handler) return;
    this.#closeUntold?.();
    this.#closeUntold = undefined;
  }
}
