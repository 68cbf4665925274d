import { release } from "./release.ts";
import type { RawSocket } from "./socket.ts";

/** Channels stop adding above this; control messages still go in, ahead of all data that waits. */
export const HIGH_WATER = 1024 * 1024;
/** On a slow line less is staged: about what leaves in one second, so that an answer is not held up for long. */
const LEAST_WATER = 128 * 1024;
const STAGED_MS = 1000;
/** Two of our longest packets fit into a block: one system call carries both. */
const BLOCK = 2 * (128 * 1024 + 64) + 64;
/** Data starts off the page start: copies between two page-aligned addresses are 13 times slower on recent AMD cores. */
const FIRST = 64;
const FLUSH_AT = 224 * 1024;
const POOLED_BLOCKS = 16;
/** Smaller chunks are copied: a system call of their own costs more. */
const LEAST_LENT = 32 * 1024;

const pool: Buffer[] = [];

interface Block {
  bytes: Buffer;
  start: number;
  end: number;
  /** What becomes of the bytes when they have left: null, nothing. */
  retire: ((bytes: Buffer) => void) | null;
}

export interface StagingOptions {
  /** Called when `pending` has fallen below half of the high-water mark. */
  room: () => void;
  /** Milliseconds. */
  now: () => number;
}

/**
 * The output of one socket: small writes are gathered into blocks, in order, and written once per microtask or at
 * 224 KiB. It never refuses bytes: whoever fills it looks at `pending` first.
 */
export class Staging {
  #socket: RawSocket | null = null;
  #blocks: Block[] = [];
  #pending = 0;
  #total = 0;
  #blocked = false;
  #scheduled = false;
  #flushing = false;
  #closed = false;

  #highWater = HIGH_WATER;
  #blockedSince: number | null = null;
  #takenSince = 0;

  constructor(private readonly o: StagingOptions) {}

  /** Whether data has to wait. */
  get full(): boolean {
    return this.#pending >= this.#highWater;
  }

  /** Bytes that the kernel has not taken yet. */
  get pending(): number {
    return this.#pending;
  }

  /** The bytes from which on data has to wait. */
  get highWater(): number {
    return this.#highWater;
  }

  /** Bytes that were ever put in. */
  get total(): number {
    return this.#total;
  }

  open(socket: RawSocket): void {
    this.#socket = socket;
    this.kick();
  }

  /** Copies the bytes. */
  append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const block = this.#last(1);
      const length = Math.min(bytes.length - from, block.bytes.length - block.end);
      block.bytes.set(
        from === 0 && length === bytes.length ? bytes : bytes.subarray(from, from + length),
        block.end,
      );
      this.#commit(block, length);
      from += length;
    }
    this.kick();
  }

  /** Copies the parts of one packet, which stay together in a block. */
  appendPacket(parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    const block = this.#last(length);
    let at = block.end;
    for (const part of parts) {
      block.bytes.set(part, at);
      at += part.length;
    }
    this.#commit(block, length);
    this.kick();
  }

  /**
   * Takes a part of a chunk, to be sent from where it lies. Nobody may change it any more, and with the chunk's last
   * part nobody may touch the chunk: then its memory is given back.
   */
  lend(chunk: Buffer, start: number, length: number): void {
    const last = start + length === chunk.length;
    if (last && length < LEAST_LENT && start === 0) {
      this.append(chunk);
      return release(chunk);
    }
    if (this.#closed) return;
    const block = { bytes: chunk, start, end: start, retire: last ? release : null };
    this.#blocks.push(block);
    this.#commit(block, length);
    this.kick();
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.#blocked = false;
    this.flush();
    this.#adapt();
  }

  kick(): void {
    if (this.#blocked || this.#flushing || this.#closed) return;
    if (this.#pending >= FLUSH_AT) return this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    const socket = this.#socket;
    if (!socket || this.#closed || this.#blocked || this.#flushing) return;
    this.#flushing = true;
    this.#writeBlocks(socket);
    this.#flushing = false;
    if (this.#pending < this.#highWater / 2) this.o.room();
  }

  /** Forgets what is left. Safe to call twice. */
  close(): void {
    this.#closed = true;
    this.#pending = 0;
    for (const { bytes, retire } of this.#blocks) retire?.(bytes);
    this.#blocks = [];
  }

  #writeBlocks(socket: RawSocket): void {
    for (let block = this.#blocks[0]; block; block = this.#blocks[0]) {
      const sent = socket.write(block.bytes.subarray(block.start, block.end));
      if (sent < 0) return this.close();
      block.start += sent;
      this.#pending -= sent;
      if (this.#blockedSince !== null) this.#takenSince += sent;
      if (block.start < block.end) return this.#block();
      this.#blocks.shift();
      block.retire?.(block.bytes);
    }
  }

  #block(): void {
    this.#blocked = true;
    this.#blockedSince ??= this.o.now();
  }

  /**
   * Measures the line while it does not keep up. When it has caught up, what it took only says that it is at least
   * that fast.
   */
  #adapt(): void {
    if (this.#blockedSince === null) return;
    const now = this.o.now();
    const elapsed = now - this.#blockedSince;
    if (this.#blocked && elapsed < STAGED_MS) return;
    const inTime = (this.#takenSince / Math.max(elapsed, 1)) * STAGED_MS;
    const water = this.#blocked ? inTime : Math.max(inTime, this.#highWater);
    this.#highWater = Math.min(HIGH_WATER, Math.max(LEAST_WATER, water));
    this.#blockedSince = this.#blocked ? now : null;
    this.#takenSince = 0;
  }

  #last(length: number): Block {
    const last = this.#blocks[this.#blocks.length - 1];
    if (last?.retire === recycle && last.bytes.length - last.end >= length) return last;
    const bytes = length <= BLOCK - FIRST ? (pool.pop() ?? allocate(BLOCK)) : allocate(FIRST + length);
    const block = { bytes, start: FIRST, end: FIRST, retire: recycle };
    this.#blocks.push(block);
    return block;
  }

  #commit(block: Block, length: number): void {
    if (this.#closed) return;
    block.end += length;
    this.#pending += length;
    this.#total += length;
  }
}

function allocate(length: number): Buffer {
  return Buffer.allocUnsafeSlow(length);
}

function recycle(bytes: Buffer): void {
  if (bytes.length === BLOCK && pool.length < POOLED_BLOCKS) pool.push(bytes);
}
