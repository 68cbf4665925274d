import type { ByteStream, ByteStreamHandler } from "../stream.ts";
import type { RecordWatch } from "./record-watch.ts";

export interface FarEndJudge {
  readonly records: RecordWatch;
  /** Whether any close before both ends is a failure. */
  readonly strict: boolean;
  /** The far stream has ended and now takes no more either. */
  gone(): void;
}

/**
 * The stream below an inner TLS session, as the pump sees it: its bytes pass by the record watch, and its close is
 * judged. One that has ended and then closes before we have (`gone`) swallows what is still sent to it.
 */
export class FarEnd implements ByteStream {
  #handler: ByteStreamHandler | null = null;
  #peerEnded = false;
  #ended = false;
  #gone = false;

  constructor(
    private readonly far: ByteStream,
    private readonly judge: FarEndJudge,
  ) {}

  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    this.far.attach({
      data: (chunk) => {
        this.judge.records.pass(chunk);
        handler.data(chunk);
      },
      end: () => {
        this.#peerEnded = true;
        handler.end();
      },
      written: (bytes) => handler.written(bytes),
      closed: (error) => handler.closed(this.#judge(error)),
    });
  }

  write(chunk: Buffer): void {
    if (this.#gone) this.#handler?.written(chunk.length);
    else this.far.write(chunk);
  }

  end(): void {
    this.#ended = true;
    this.far.end();
  }

  destroy(error?: Error): void {
    this.far.destroy(error);
  }

  consumed(bytes: number): void {
    this.far.consumed(bytes);
  }

  #judge(error: Error | null): Error | null {
    if (!error && this.#ended) return null;
    if (!this.#peerEnded || this.judge.strict) return error ?? new Error("the far end has closed");
    this.#gone = true;
    this.judge.gone();
    return null;
  }
}
