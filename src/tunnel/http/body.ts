import type { SallyportError } from "../../telemetry/error.ts";
import type { PulledStream } from "../pulled-stream.ts";
import { split } from "../release.ts";
import { ChunkedDecoder, encodeChunk, encodeLastChunk } from "./chunked.ts";
import type { Field } from "./field.ts";
import type { Framing } from "./framing.ts";

/** A part of a body, and how many bytes of the connection it stood for: those are to be `consumed`. */
export interface Piece {
  content: Buffer;
  credit: number;
}

/** A message's body as it comes in. What follows the body stays in the stream. */
export class IncomingBody {
  readonly #source: PulledStream;
  readonly #framing: Framing;
  readonly #bad: (reason: string) => SallyportError;
  readonly #chunks: ChunkedDecoder;
  #left: number;

  constructor(source: PulledStream, framing: Framing, bad: (reason: string) => SallyportError) {
    this.#source = source;
    this.#framing = framing;
    this.#bad = bad;
    this.#chunks = new ChunkedDecoder(bad);
    this.#left = framing.kind === "counted" ? framing.length : 0;
  }

  /** Complete after the last piece of a chunked body. */
  get trailers(): readonly Field[] {
    return this.#chunks.trailers;
  }

  /**
   * The next piece, which belongs to the caller; null after the last one.
   * @throws SallyportError TIMEOUT, and what `bad` makes of a body that is cut short or broken
   */
  async next(timeoutMs: number): Promise<Piece | null> {
    while (!this.#over) {
      const chunk = await this.#source.read(timeoutMs);
      if (!chunk) {
        if (this.#framing.kind === "untilEnd") return null;
        throw this.#bad("its body is cut short");
      }
      const piece = this.#framing.kind === "chunked" ? this.#unchunk(chunk) : this.#count(chunk);
      if (piece.content.length > 0) return piece;
      this.#source.consumed(piece.credit);
    }
    return null;
  }

  get #over(): boolean {
    const { kind } = this.#framing;
    if (kind === "untilEnd") return false;
    return kind === "chunked" ? this.#chunks.over : this.#left === 0;
  }

  #count(chunk: Buffer): Piece {
    if (this.#framing.kind === "untilEnd") return { content: chunk, credit: chunk.length };
    const [content, rest] = split(chunk, Math.min(this.#left, chunk.length));
    this.#source.unread(rest);
    this.#left -= content.length;
    return { content, credit: content.length };
  }

  #unchunk(chunk: Buffer): Piece {
    const { content, used } = this.#chunks.decode(chunk);
    this.#source.unread(Buffer.from(chunk.subarray(used)));
    const [only] = content;
    const whole = only && content.length === 1 ? only : Buffer.concat(content);
    return { content: whole, credit: used };
  }
}

/** Takes the content over; resolves when there is room for more. @throws why the stream is over */
export async function writePiece(to: PulledStream, content: Buffer, chunked: boolean): Promise<void> {
  await to.write(...(chunked ? encodeChunk(content) : [content]));
}

export async function writeEnd(
  to: PulledStream,
  trailers: readonly Field[],
  chunked: boolean,
): Promise<void> {
  if (chunked) await to.write(encodeLastChunk(trailers));
}
