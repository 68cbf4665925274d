import type { Wire, WireReceiver } from "../dial/wire.ts";

/** What a proxy may say before the tunnel is open; a page that explains a refusal fits. */
const LONGEST = 64 * 1024;

/** Question and answer with a proxy, before its wire is handed on. */
export class Dialogue implements WireReceiver {
  #bytes: Buffer = Buffer.alloc(0);
  #wanted: { measure: (bytes: Buffer) => number | undefined; done: PromiseWithResolvers<Buffer> } | null =
    null;
  #over: Error | null = null;

  constructor(private readonly wire: Wire) {
    wire.attach(this);
  }

  /** Far below what an empty send buffer takes. */
  say(message: Buffer): void {
    this.wire.socket.write(message);
  }

  /**
   * The next part of the answer. `measure` says how long it is, once that can be told from what has come.
   * Rejects when the proxy closes before that, or says too much.
   */
  hear(measure: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    const done = Promise.withResolvers<Buffer>();
    this.#wanted = { measure, done };
    this.#serve();
    return done.promise;
  }

  /** So many bytes. */
  hearBytes(count: number): Promise<Buffer> {
    return this.hear(() => count);
  }

  /** The proxy is through: what follows is the far end's. */
  finish(): void {
    this.wire.detach(this.#bytes);
  }

  data(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#serve();
  }

  drained(): void {}

  ended(): void {
    this.closed();
  }

  closed(error?: Error): void {
    this.#over ??= error ?? new Error("it closed the connection without an answer");
    this.#serve();
  }

  #serve(): void {
    const wanted = this.#wanted;
    if (!wanted) return;
    const length = wanted.measure(this.#bytes);
    if (length !== undefined && length <= this.#bytes.length) {
      this.#wanted = null;
      const part = Buffer.from(this.#bytes.subarray(0, length));
      this.#bytes = this.#bytes.subarray(length);
      wanted.done.resolve(part);
    } else if (this.#over) {
      wanted.done.reject(this.#over);
    } else if (this.#bytes.length > LONGEST) {
      wanted.done.reject(new Error("its answer does not end"));
    }
  }
}
