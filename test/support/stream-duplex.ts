import { Duplex } from "node:stream";
import type { Traffic } from "../../src/telemetry/connections.ts";
import type { ByteStream } from "../../src/tunnel/stream.ts";

/** Bytes a node stream may hold in each direction before it pushes back. */
const HIGH_WATER_MARK = 64 * 1024;
/** How long a peer may take to close after we have ended and want no more, before it is cut. */
const LINGER_MS = 5000;

/**
 * A ByteStream as a node stream, for libraries that want one (`node:http`). Backpressure reaches the layer below in
 * both directions: a chunk is `consumed` when the reader takes it, a write calls back when its bytes have left.
 */
export class StreamDuplex extends Duplex {
  #unread: Buffer[] = [];
  #wanted = false;
  #peerEnded = false;
  #unwritten = 0;
  #written: (() => void) | null = null;
  #linger: ReturnType<typeof setTimeout> | undefined;

  /** @param traffic counts on: forward what the peer sends, backward what is written to it */
  constructor(
    private readonly stream: ByteStream,
    private readonly traffic: Traffic = { forward: 0, backward: 0 },
  ) {
    super({ readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK });
    stream.attach({
      data: (chunk) => {
        this.traffic.forward += chunk.length;
        if (this.destroyed) return this.stream.consumed(chunk.length);
        this.#unread.push(chunk);
        this.#deliver();
      },
      end: () => {
        this.#peerEnded = true;
        this.#deliver();
      },
      written: (bytes) => this.#drained(bytes),
      closed: (error) => this.#closed(error),
    });
  }

  override _read(): void {
    this.#wanted = true;
    this.#deliver();
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    if (chunk.length === 0) return callback();
    this.traffic.backward += chunk.length;
    this.#unwritten += chunk.length;
    this.#written = callback;
    // The stream below owns what it is given and may free it; a node stream's writer may still look at its chunk.
    this.stream.write(Buffer.from(chunk));
  }

  override _final(callback: () => void): void {
    this.stream.end();
    callback();
  }

  /** Without an error and with everything written, the last bytes are still on their way: the peer may close. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (error || !this.writableFinished) this.stream.destroy(error ?? undefined);
    else this.#linger = setTimeout(() => this.stream.destroy(), LINGER_MS);
    for (const chunk of this.#unread.splice(0)) this.stream.consumed(chunk.length);
    callback(error);
  }

  #deliver(): void {
    while (this.#wanted) {
      const chunk = this.#unread.shift();
      if (!chunk) break;
      const { length } = chunk;
      this.#wanted = this.push(chunk);
      this.stream.consumed(length);
    }
    if (this.#peerEnded && this.#unread.length === 0) {
      this.#peerEnded = false;
      this.push(null);
    }
  }

  #drained(bytes: number): void {
    this.#unwritten -= bytes;
    if (this.#unwritten > 0) return;
    const callback = this.#written;
    this.#written = null;
    callback?.();
  }

  /** An orderly close follows both ends, which node has seen by then; anything else is an error to its readers. */
  #closed(error: Error | null): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    if (error) this.destroy(error);
  }
}
