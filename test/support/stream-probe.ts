import type { ByteStream } from "../../src/tunnel/stream.ts";

/** Reads a stream to the end and writes to it with flow control. */
export class StreamProbe {
  received = 0;
  written = 0;
  ended = false;
  readonly hash = new Bun.CryptoHasher("sha256");
  readonly chunks: Buffer[] = [];
  /** The peer has ended its direction. */
  readonly end: Promise<void>;
  /** Both are over; null: in order. */
  readonly closed: Promise<Error | null>;
  #wake: (() => void)[] = [];
  #isClosed = false;

  constructor(
    readonly stream: ByteStream,
    /** `read`: takes everything; `keep`: and remembers it; `stall`: takes nothing off the window. */
    private readonly mode: "read" | "keep" | "stall" = "read",
  ) {
    const end = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<Error | null>();
    this.end = end.promise;
    this.closed = closed.promise;
    stream.attach({
      data: (chunk) => this.#data(chunk),
      end: () => {
        this.ended = true;
        end.resolve();
      },
      written: (bytes) => {
        this.written += bytes;
        this.#notify();
      },
      closed: (error) => {
        this.#isClosed = true;
        this.#notify();
        closed.resolve(error);
      },
    });
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }

  /** Writes `total` random bytes with at most `ahead` unwritten; returns their hash. Stops when the stream is over. */
  async send(total: number, piece = 64 * 1024, ahead = 512 * 1024): Promise<string> {
    const hash = new Bun.CryptoHasher("sha256");
    let sent = 0;
    const before = this.written;
    while (sent < total && !this.#isClosed) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(piece, total - sent));
      crypto.getRandomValues(chunk.subarray(0, Math.min(chunk.length, 65_536)));
      hash.update(chunk);
      sent += chunk.length;
      this.stream.write(chunk);
      while (sent - (this.written - before) > ahead && !this.#isClosed) {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    }
    return hash.digest("hex");
  }

  #data(chunk: Buffer): void {
    this.received += chunk.length;
    this.hash.update(chunk);
    if (this.mode === "keep") this.chunks.push(Buffer.from(chunk));
    if (this.mode !== "stall") this.stream.consumed(chunk.length);
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const each of wake) each();
  }
}
