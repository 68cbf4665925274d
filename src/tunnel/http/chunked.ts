import type { SallyportError } from "../../telemetry/error.ts";
import { type Field, formatFields, parseField } from "./field.ts";

/** A chunk's size and its extensions, which nobody uses. */
const SIZE_LINE = 256;
/** All lines of the trailers together. */
const TRAILERS = 8192;
const CR = 0x0d;
const LF = 0x0a;
const CRLF = Buffer.from("\r\n");

/** What one piece of a chunked body came to. */
export interface Decoded {
  /** Views of the piece. */
  content: Buffer[];
  /** Bytes of the piece that belong to the body; more only after its end. */
  used: number;
}

/** Reads the chunked coding (RFC 9112, 7.1), wherever the pieces are cut. Extensions are dropped. */
export class ChunkedDecoder {
  readonly trailers: Field[] = [];
  #state: "size" | "content" | "end of content" | "trailers" | "over" = "size";
  #left = 0;
  #line = "";
  #trailerBytes = 0;

  constructor(private readonly bad: (reason: string) => SallyportError) {}

  get over(): boolean {
    return this.#state === "over";
  }

  /** @throws SallyportError what `bad` makes of a coding that is broken */
  decode(piece: Buffer): Decoded {
    const content: Buffer[] = [];
    let at = 0;
    while (at < piece.length && !this.over) {
      if (this.#state !== "content") {
        at = this.#take(piece, at);
        continue;
      }
      const part = piece.subarray(at, at + this.#left);
      content.push(part);
      at += part.length;
      this.#left -= part.length;
      if (this.#left === 0) this.#state = "end of content";
    }
    return { content, used: at };
  }

  /** Takes one line, or the part of it that is there. */
  #take(piece: Buffer, from: number): number {
    const feed = piece.indexOf(LF, from);
    const to = feed < 0 ? piece.length : feed + 1;
    if (this.#line.length + to - from > this.#longest)
      throw this.bad("a line between its chunks is too long");
    this.#line += piece.toString("latin1", from, to);
    if (feed < 0) return to;
    if (this.#line.charCodeAt(this.#line.length - 2) !== CR) {
      throw this.bad("a line between its chunks ends without a carriage return");
    }
    const line = this.#line.slice(0, -2);
    this.#line = "";
    this.#read(line);
    return to;
  }

  get #longest(): number {
    if (this.#state === "end of content") return 2;
    return this.#state === "size" ? SIZE_LINE : TRAILERS - this.#trailerBytes;
  }

  #read(line: string): void {
    if (this.#state === "end of content") {
      if (line !== "") throw this.bad("a chunk is longer than it says");
      this.#state = "size";
    } else if (this.#state === "size") {
      this.#left = this.#size(line);
      this.#state = this.#left === 0 ? "trailers" : "content";
    } else if (line === "") {
      this.#state = "over";
    } else {
      this.#trailerBytes += line.length + 2;
      const field = parseField(line);
      if (typeof field === "string") throw this.bad(`of its trailers, ${field}`);
      this.trailers.push(field);
    }
  }

  /** Twelve hex digits are exact in a JavaScript number. */
  #size(line: string): number {
    const [, digits] = /^([0-9a-fA-F]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line) ?? [];
    if (digits === undefined) throw this.bad("a chunk has no valid size");
    return Number.parseInt(digits, 16);
  }
}

/** A chunk is put together with its framing up to this length; beyond, copying costs more than three writes. */
const COPIED = 16 * 1024;

/** The writes that make up one chunk; the content, never empty, is handed on or copied. */
export function encodeChunk(content: Buffer): Buffer[] {
  const parts = [Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from(CRLF)];
  return content.length <= COPIED ? [Buffer.concat(parts)] : parts;
}

export function encodeLastChunk(trailers: readonly Field[]): Buffer {
  return Buffer.from(`0\r\n${formatFields(trailers)}\r\n`, "latin1");
}
