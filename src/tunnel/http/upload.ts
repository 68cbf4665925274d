import type { PulledStream } from "../pulled-stream.ts";
import { type IncomingBody, writeEnd, writePiece } from "./body.ts";
import { endToEndTrailers } from "./hops.ts";
import type { HttpLimits } from "./limits.ts";

export interface UploadOptions {
  client: PulledStream;
  /** Of the request, for the target. */
  head: Buffer;
  body: IncomingBody;
  target: PulledStream;
  chunked: boolean;
  /** Names of trailers that do not pass on, in lower case. */
  droppedTrailers: readonly string[];
  limits: HttpLimits;
  /** The target has taken more. */
  onProgress: () => void;
}

/**
 * A request's body on its way to the target. When the target takes no more, what still comes is read and dropped, up to
 * a limit, so that the client gets to hear the answer and can go on. When the client breaks off or breaks the rules, the
 * target is destroyed with the reason: it must not take the request for whole.
 */
export class Upload {
  /** Some of it has come. */
  begun = false;
  /** The target has all of it. */
  sent = false;
  /** All of it has been read from the client, whoever got it. */
  read = false;
  /** Settles with the last byte, or the failure; never rejects. */
  readonly over: Promise<void>;
  /** What the client did wrong; the target was destroyed with it. */
  failure: unknown;
  #answered = false;
  #dropping = false;
  #dropped = 0;

  constructor(private readonly options: UploadOptions) {
    this.over = this.#run();
  }

  /** The answer has begun: from now on the client may take its time, as the target may. */
  answered(): void {
    this.#answered = true;
  }

  async #run(): Promise<void> {
    const { client, head, body, target } = this.options;
    try {
      await this.#write(() => target.write(head));
      for (let piece = await this.#next(); piece; piece = await this.#next()) {
        this.begun = true;
        await this.#pass(piece.content);
        client.consumed(piece.credit);
      }
      this.read = true;
    } catch (error) {
      if (this.#dropping) return;
      this.failure = error;
      return target.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    this.sent = !this.#dropping && (await this.#finish(body));
  }

  #next() {
    const { limits, body } = this.options;
    const { answerBodyMs, requestBodyMs, drainMs } = limits;
    return body.next(this.#dropping ? drainMs : this.#answered ? answerBodyMs : requestBodyMs);
  }

  async #pass(content: Buffer): Promise<void> {
    const { target, chunked, limits } = this.options;
    const { length } = content;
    if (!this.#dropping && (await this.#write(() => writePiece(target, content, chunked)))) return;
    this.#dropped += length;
    if (this.#dropped > limits.drainBytes) throw new Error("too much to drop");
  }

  #finish(body: IncomingBody): Promise<boolean> {
    const { target, chunked, droppedTrailers } = this.options;
    return this.#write(() => writeEnd(target, endToEndTrailers(body.trailers, droppedTrailers), chunked));
  }

  /** False when the target takes nothing any more. Why, is for whoever reads its answer. */
  async #write(write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      this.options.onProgress();
      return true;
    } catch {
      this.#dropping = true;
      return false;
    }
  }
}
