import { type Code, isCode } from "../telemetry/codes.ts";
import { SallyportError } from "../telemetry/error.ts";
import type { ByteStream, ByteStreamHandler } from "./stream.ts";

/** Longest line, its newline included (EXTENSIONS X5). */
const LINE_LIMIT = 1024;
const NEWLINE = 0x0a;

/** A peer that speaks X5 closed without having said anything: `detail` is the stream's own error, if any. */
export class NoStatusLine extends SallyportError {
  constructor(readonly detail: Error | null) {
    super("TLS_FAILED", "The peer closed the connection before it said how it went.", { cause: detail });
    this.name = "NoStatusLine";
  }
}

export type StatusAnswer = { ok: true; stream: ByteStream } | { ok: false; error: SallyportError };

/** `OK`, with its newline. */
export function okLine(): Buffer {
  return Buffer.from("OK\n");
}

/** `ERR <CODE> <text>`, with its newline; the text is put on one line and cut to what fits. */
export function errorLine(code: Code, text: string): Buffer {
  const head = `ERR ${code} `;
  const oneLine = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return Buffer.from(`${head}${cut(oneLine, LINE_LIMIT - head.length - 1)}\n`);
}

/**
 * Reads the line that a relay or a gateway says first. With `ok` go on with the answer's `stream`: it begins with the
 * first byte after the line. Otherwise the stream is destroyed, and the error is what the peer said, TIMEOUT,
 * NoStatusLine, or TLS_FAILED for what is no status line. The signal's reason is thrown.
 */
export function readStatusLine(
  stream: ByteStream,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<StatusAnswer> {
  return expectStatusLine(stream, timeoutMs, signal).answer;
}

/** A status line that has not come yet. */
export interface ExpectedLine {
  answer: Promise<StatusAnswer>;
  /** What follows the line: may be attached to and written to before. If the answer is not `ok`, it is destroyed. */
  rest: ByteStream;
}

/** As `readStatusLine`, for whoever has something to say before the answer is there. */
export function expectStatusLine(stream: ByteStream, timeoutMs: number, signal?: AbortSignal): ExpectedLine {
  const { promise: answer, resolve, reject } = Promise.withResolvers<StatusAnswer>();
  const reader = new LineReader(stream, (answer) => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    resolve(answer);
    if (!answer.ok) stream.destroy(answer.error);
  });
  const abort = () => {
    clearTimeout(timer);
    const { reason } = signal ?? {};
    reject(reason);
    stream.destroy(reason instanceof Error ? reason : undefined);
  };
  const timer = setTimeout(() => {
    reader.fail(new SallyportError("TIMEOUT", `No answer came within ${timeoutMs / 1000} s.`));
  }, timeoutMs);
  if (signal?.aborted) {
    abort();
  } else {
    signal?.addEventListener("abort", abort, { once: true });
    stream.attach(reader);
  }
  return { answer, rest: reader.rest };
}

/** Takes the first line off a stream. What comes after it waits for whoever attaches to `rest`. */
class LineReader implements ByteStreamHandler {
  #line: Buffer = Buffer.alloc(0);
  #answered = false;
  #next: ByteStreamHandler | null = null;
  #waiting: ((handler: ByteStreamHandler) => void)[] = [];

  constructor(
    private readonly stream: ByteStream,
    private readonly answer: (answer: StatusAnswer) => void,
  ) {}

  /** The stream without its first line. */
  get rest(): ByteStream {
    const { stream } = this;
    return {
      attach: (handler) => this.#attach(handler),
      write: (chunk) => stream.write(chunk),
      end: () => stream.end(),
      destroy: (error) => stream.destroy(error),
      consumed: (bytes) => stream.consumed(bytes),
    };
  }

  data(chunk: Buffer): void {
    if (this.#answered) return this.#pass((handler) => handler.data(chunk));
    const newline = chunk.indexOf(NEWLINE);
    const head = newline < 0 ? chunk : chunk.subarray(0, newline);
    if (this.#line.length + head.length >= LINE_LIMIT) return this.fail(unreadable());
    this.#line = Buffer.concat([this.#line, head]);
    if (newline < 0) return this.stream.consumed(chunk.length);
    this.stream.consumed(newline + 1);
    const surplus = chunk.subarray(newline + 1);
    if (surplus.length > 0) this.#pass((handler) => handler.data(surplus));
    this.#settle(parseLine(this.#line.toString("utf8"), this.rest));
  }

  end(): void {
    if (!this.#answered) return this.fail(new NoStatusLine(null));
    this.#pass((handler) => handler.end());
  }

  written(bytes: number): void {
    this.#pass((handler) => handler.written(bytes));
  }

  closed(error: Error | null): void {
    if (!this.#answered) this.fail(new NoStatusLine(error));
    this.#pass((handler) => handler.closed(error));
  }

  fail(error: SallyportError): void {
    if (!this.#answered) this.#settle({ ok: false, error });
  }

  #attach(handler: ByteStreamHandler): void {
    this.#next = handler;
    for (let event = this.#waiting.shift(); event; event = this.#waiting.shift()) event(this.#next);
  }

  #pass(event: (handler: ByteStreamHandler) => void): void {
    if (this.#next && this.#waiting.length === 0) event(this.#next);
    else this.#waiting.push(event);
  }

  #settle(answer: StatusAnswer): void {
    this.#answered = true;
    this.answer(answer);
  }
}

/** What `errorLine` says, without its newline; undefined for anything else. */
export function parseErrorLine(line: string): SallyportError | undefined {
  const match = /^ERR ([A-Z_]{1,40}) (.*)$/su.exec(line);
  if (!match) return undefined;
  const [, code = "", text = ""] = match;
  const message = text.replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim() || "The peer refused the connection.";
  if (isCode(code)) return new SallyportError(code, message);
  return new SallyportError("TLS_FAILED", `${message} (${code})`);
}

function parseLine(line: string, stream: ByteStream): StatusAnswer {
  if (line === "OK") return { ok: true, stream };
  return { ok: false, error: parseErrorLine(line) ?? unreadable() };
}

function unreadable(): SallyportError {
  return new SallyportError("TLS_FAILED", "The peer's first line is no status line: is it a Sallyport peer?");
}

/** The longest beginning of the text that fits into so many bytes of UTF-8. */
function cut(text: string, bytes: number): string {
  let fits = text;
  while (Buffer.byteLength(fits) > bytes) fits = fits.slice(0, -1);
  return fits;
}
