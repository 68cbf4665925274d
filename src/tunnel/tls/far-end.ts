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
 * judged.
 */
export class FarEnd implements ByteStream {
  #peerEnded = false;
  #ended = false;

  constructor(
    private readonly far: ByteStream,
    private readonly judge: FarEndJudge,
  ) {}

  attach(handler: ByteStreamHandler): void {
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
    this.far.write(chunk);
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
    this.judge.gone();
    return null;
  }
}
