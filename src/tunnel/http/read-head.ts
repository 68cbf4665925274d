import { SallyportError } from "../../telemetry/error.ts";
import type { PulledStream } from "../pulled-stream.ts";
import { split } from "../release.ts";

const CR = 0x0d;
const LF = 0x0a;
/** Empty lines that some clients send between requests (RFC 9112, 2.2). */
const MOST_EMPTY = 4;

export interface ReadHeadOptions {
  /** Bytes, the empty line included. */
  limit: number;
  /** Until the first byte. */
  startMs: number;
  /** From then to the end of the head. */
  restMs: number;
  bad: (reason: string) => SallyportError;
}

/**
 * The bytes of the next head, with its empty line; what follows stays in the stream. Null when the peer ends, or the
 * time does, before it has begun one.
 * @throws SallyportError what `bad` makes of a head that is too long, cut off or has bare line feeds; TIMEOUT
 */
export async function readHead(source: PulledStream, options: ReadHeadOptions): Promise<Buffer | null> {
  const scan = new HeadScan(options);
  let deadline = Number.POSITIVE_INFINITY;
  for (;;) {
    const { begun } = scan;
    const chunk = await (begun
      ? source.read(deadline - performance.now())
      : readIfAny(source, options.startMs));
    if (!chunk) break;
    if (!begun) deadline = performance.now() + options.restMs;
    const end = scan.add(chunk);
    if (end === undefined) {
      source.consumed(chunk.length);
      continue;
    }
    source.consumed(end);
    source.unread(split(chunk, end)[1]);
    return scan.head;
  }
  if (scan.begun) throw options.bad("it is cut off");
  return null;
}

/** Null also when nothing comes in time. */
async function readIfAny(source: PulledStream, timeoutMs: number): Promise<Buffer | null> {
  try {
    return await source.read(timeoutMs);
  } catch (error) {
    if (Number.isFinite(timeoutMs) && error instanceof SallyportError && error.code === "TIMEOUT")
      return null;
    throw error;
  }
}

/** Looks for the empty line, byte by byte, wherever the pieces are cut. */
class HeadScan {
  #parts: Buffer[] = [];
  #length = 0;
  #line = 0;
  #lines = 0;
  #empty = 0;
  #previous = 0;

  constructor(private readonly options: Pick<ReadHeadOptions, "limit" | "bad">) {}

  /** More than empty lines has come. */
  get begun(): boolean {
    return this.#lines > 0 || this.#line > 0;
  }

  get head(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Copies what belongs to the head; the index after it, once it is whole. */
  add(chunk: Buffer): number | undefined {
    const { limit, bad } = this.options;
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      const previous = this.#previous;
      this.#previous = byte ?? 0;
      this.#line++;
      if (this.#length + at - from >= limit) throw bad(`its head is longer than ${limit / 1024} KiB`);
      if (byte !== LF) continue;
      if (previous !== CR) throw bad("a line of its head ends without a carriage return");
      if (this.#line > 2) {
        this.#lines++;
      } else if (this.#lines > 0) {
        this.#keep(chunk.subarray(from, at + 1));
        return at + 1;
      } else {
        // Not yet the first line.
        if (++this.#empty > MOST_EMPTY) throw bad("it begins with empty lines");
        from = at + 1;
        this.#parts = [];
        this.#length = 0;
      }
      this.#line = 0;
    }
    this.#keep(chunk.subarray(from));
    return undefined;
  }

  #keep(part: Buffer): void {
    this.#parts.push(Buffer.from(part));
    this.#length += part.length;
  }
}
