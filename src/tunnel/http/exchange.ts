import { settlesWithin, systemClock } from "../../host/clock.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import type { PulledStream } from "../pulled-stream.ts";
import { type Answer, answerFor, interimFor, NoAnswer, readAnswer } from "./answer.ts";
import { IncomingBody, writeEnd, writePiece } from "./body.ts";
import { badAnswer, badRequest } from "./head.ts";
import { endToEndTrailers } from "./hops.ts";
import type { HttpLimits } from "./limits.ts";
import { type Request, type Rewrite, requestFor } from "./request.ts";
import { Upload } from "./upload.ts";

export interface ExchangeOptions {
  client: PulledStream;
  target: PulledStream;
  request: Request;
  rewrite: Rewrite;
  limits: HttpLimits;
}

/**
 * One request to a connected target and its answer to the client, both bodies at the same time, with no more in memory
 * than the streams' windows and one piece each way. The framing is made anew on each side.
 */
export class Exchange {
  /** Something of the answer itself has gone to the client. */
  begun = false;
  /** Both ends speak another protocol from now on (101). */
  upgraded = false;
  /** The target's connection can carry another request. */
  targetReusable = false;
  readonly #options: ExchangeOptions;
  readonly #upload: Upload;
  readonly #silence: ReturnType<typeof setTimeout>;
  #close = false;
  #rest: Promise<boolean> | undefined;

  constructor(options: ExchangeOptions) {
    const { client, target, request, rewrite, limits } = options;
    this.#options = options;
    this.#silence = setTimeout(() => target.destroy(silent(limits)), limits.answerHeadMs);
    this.#upload = new Upload({
      client,
      head: requestFor(request, rewrite),
      body: new IncomingBody(client, request.framing, badRequest),
      target,
      chunked: request.framing.kind === "chunked",
      droppedTrailers: rewrite.dropped,
      limits,
      onProgress: () => this.#silence.refresh(),
    });
  }

  /**
   * Resolves when the client has the whole answer. The target is destroyed unless it is reusable or upgraded.
   * @throws NoAnswer; SallyportError TARGET_ANSWER_INVALID, TARGET_TIMEOUT, REQUEST_INVALID or TIMEOUT for the request's body
   */
  async run(): Promise<void> {
    const { client, target } = this.#options;
    const leave = () => target.destroy(new Error("the client has gone"));
    client.gone.addEventListener("abort", leave);
    if (client.gone.aborted) leave();
    try {
      await this.#answer();
    } catch (error) {
      throw explain(this.#upload.failure ?? error);
    } finally {
      clearTimeout(this.#silence);
      client.gone.removeEventListener("abort", leave);
      if (!this.targetReusable && !this.upgraded) target.destroy(new Error("not wanted any more"));
    }
  }

  /**
   * Whether another request may follow once the rest of this one has been read. Not where the client was never told to
   * go on: it may send the body or leave it, and nobody could tell where the next request begins.
   */
  get mayGoOn(): boolean {
    const { keepAlive, expectsContinue } = this.#options.request;
    const { begun, read, failure } = this.#upload;
    return keepAlive && failure === undefined && (!expectsContinue || begun || read);
  }

  /** Reads the rest of the request, within limits; false when no other one can follow. */
  async clientReusable(): Promise<boolean> {
    if (this.#close || !this.mayGoOn) return false;
    await this.#uploaded();
    return this.#upload.read;
  }

  async #answer(): Promise<void> {
    const { client, target, request, limits } = this.#options;
    const upload = this.#upload;
    const answer = await readAnswer(target, request, limits, async (head) => {
      if (request.minor === 1) await client.write(interimFor(head));
    });
    clearTimeout(this.#silence);
    upload.answered();
    this.upgraded = answer.status === 101;
    if (this.upgraded && !upload.sent) throw badAnswer("it changes the protocol before the request was over");
    this.#close = !this.mayGoOn;
    this.begun = true;
    await client.write(answerFor(answer, request, this.#close));
    if (this.upgraded) return;
    await this.#passBody(answer);
    if (!this.#close) await this.#uploaded();
    this.targetReusable = upload.sent && answer.keepAlive;
  }

  async #passBody(answer: Answer): Promise<void> {
    const { client, target, request, limits } = this.#options;
    const body = new IncomingBody(target, answer.framing, badAnswer);
    const inChunks = answer.framing.kind === "chunked" || answer.framing.kind === "untilEnd";
    const chunked = inChunks && request.minor === 1;
    for (
      let piece = await body.next(limits.answerBodyMs);
      piece;
      piece = await body.next(limits.answerBodyMs)
    ) {
      await writePiece(client, piece.content, chunked);
      target.consumed(piece.credit);
    }
    await writeEnd(client, endToEndTrailers(body.trailers), chunked);
  }

  /** The answer was there first: the target may still take the rest of the request, but not for ever. */
  async #uploaded(): Promise<void> {
    if (this.#upload.read) return;
    this.#rest ??= settlesWithin(systemClock, this.#upload.over, this.#options.limits.drainMs);
    await this.#rest;
  }
}

function silent({ answerHeadMs }: HttpLimits): SallyportError {
  return new SallyportError("TARGET_TIMEOUT", `The target did not answer within ${answerHeadMs / 1000} s.`);
}

function explain(error: unknown): unknown {
  if (error instanceof SallyportError || error instanceof NoAnswer) return error;
  return badAnswer(describe(error), error);
}
