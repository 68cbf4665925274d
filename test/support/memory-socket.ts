import type { RawSocket } from "../../src/tunnel/socket.ts";

/** What the owner of an end is told; the names are those of Bun's socket events. */
export interface MemoryEvents {
  data(chunk: Buffer): void;
  drain(): void;
  /** The other end is gone, or this one was closed. */
  close(): void;
}

/**
 * One end of a connection in memory. Bytes arrive in a later turn of the event loop, in pieces of at most `piece`; at
 * most `capacity` bytes are on their way, the rest is refused until there is room, as a kernel does.
 */
export class MemorySocket implements RawSocket {
  peer!: MemorySocket;
  events: MemoryEvents | null = null;
  /** Everything this end has sent. */
  sent = 0;
  /** Sees, changes or swallows (by returning null) what this end sends. */
  tap: ((bytes: Buffer) => Buffer | null) | null = null;
  /** The other end reads nothing while this is set. */
  #stalled = false;
  #onItsWay: Buffer[] = [];
  #bytesOnItsWay = 0;
  #scheduled = false;
  #refused = false;
  #ended = false;
  #closed = false;

  constructor(
    private readonly capacity: number,
    private readonly piece: number,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  write(data: Uint8Array): number {
    if (this.#closed || this.#ended) return -1;
    const length = Math.min(data.length, this.capacity - this.#bytesOnItsWay);
    if (length < data.length) this.#refused = true;
    if (length === 0) return 0;
    this.sent += length;
    const bytes = this.tap
      ? this.tap(Buffer.from(data.subarray(0, length)))
      : Buffer.from(data.subarray(0, length));
    if (bytes) {
      this.#onItsWay.push(bytes);
      this.#bytesOnItsWay += bytes.length;
    }
    this.#schedule();
    return length;
  }

  shutdown(): void {
    this.end();
  }

  end(): void {
    this.#ended = true;
    this.#schedule();
  }

  terminate(): void {
    this.#onItsWay = [];
    this.end();
  }

  pause(): void {
    this.peer.stall();
  }

  resume(): void {
    this.peer.flow();
  }

  /** What this end sends stays on its way. */
  stall(): void {
    this.#stalled = true;
  }

  flow(): void {
    this.#stalled = false;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#stalled || this.#closed) return;
    const bytes = this.#onItsWay;
    this.#onItsWay = [];
    this.#bytesOnItsWay = 0;
    for (const chunk of bytes) {
      for (let at = 0; at < chunk.length; at += this.piece) {
        // A copy: the receiver owns what it gets, and may give its memory back.
        if (!this.peer.#closed) this.peer.events?.data(Buffer.from(chunk.subarray(at, at + this.piece)));
      }
    }
    if (this.#ended) return this.#close();
    if (!this.#refused) return;
    this.#refused = false;
    this.events?.drain();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.events?.close();
    if (this.peer.#closed) return;
    this.peer.#closed = true;
    this.peer.events?.close();
  }
}

/** Two ends of one connection. */
export function memoryPair(o: { capacity?: number; piece?: number } = {}): [MemorySocket, MemorySocket] {
  const make = () => new MemorySocket(o.capacity ?? 256 * 1024, o.piece ?? 64 * 1024);
  const [a, b] = [make(), make()];
  a.peer = b;
  b.peer = a;
  return [a, b];
}
