import type { ByteStream } from "../../src/tunnel/stream.ts";

/** Sends back whatever comes, and ends when the peer has ended. */
export function echo(stream: ByteStream): void {
  stream.attach({
    data: (chunk) => stream.write(chunk),
    end: () => stream.end(),
    written: (bytes) => stream.consumed(bytes),
    closed() {},
  });
}

/** The receiving end of a stream, for tests: everything that came, and promises for what is awaited. */
export class Inbox {
  #received = Buffer.alloc(0);
  #ended = false;
  #waiters: (() => void)[] = [];
  /** Null after an orderly end of both directions. */
  readonly closed: Promise<Error | null>;

  constructor(readonly stream: ByteStream) {
    const closed = Promise.withResolvers<Error | null>();
    this.closed = closed.promise;
    stream.attach({
      data: (chunk) => {
        this.#received = Buffer.concat([this.#received, chunk]);
        stream.consumed(chunk.length);
        this.#wake();
      },
      end: () => {
        this.#ended = true;
        this.#wake();
      },
      written() {},
      closed: (error) => {
        this.#ended = true;
        closed.resolve(error);
        this.#wake();
      },
    });
  }

  get text(): string {
    return this.#received.toString("latin1");
  }

  get length(): number {
    return this.#received.length;
  }

  write(text: string): void {
    this.stream.write(Buffer.from(text, "latin1"));
  }

  /** Waits until that much text has come, or the end. Returns all that came. */
  async until(length: number): Promise<string> {
    while (this.length < length && !this.#ended) await this.#next();
    return this.text;
  }

  /** Waits for the end of what the peer sends. Returns all that came. */
  async untilEnd(): Promise<string> {
    while (!this.#ended) await this.#next();
    return this.text;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
