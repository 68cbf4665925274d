import { asSallyportError, systemCode } from "../telemetry/error.ts";
import { observed } from "../tunnel/observed.ts";
import { pump } from "../tunnel/pump.ts";
import type { ByteStream, ByteStreamHandler } from "../tunnel/stream.ts";
import { halfCloseable } from "./held-end.ts";
import type { OpenedTunnel } from "./tunnel.ts";

/** After a signal the far side has this long to end. */
const LEAVE_MS = 1000;

/** Reading stdin pauses above this many bytes that the tunnel has not taken. */
const READ_WINDOW = 512 * 1024;

/**
 * Carries stdin and stdout through one tunnel (for `ssh -o ProxyCommand`). Resolves when the far side has ended and
 * everything is written, or soon after SIGHUP, by which ssh says that it is done.
 * @throws SallyportError what `open` throws, TLS_FAILED if the tunnel breaks
 */
export async function serveStdio(open: () => Promise<OpenedTunnel>): Promise<void> {
  const tunnel = await open();
  const stdio = new StandardStreams();
  // When the tunnel is over, nobody waits for more from stdin.
  const far = observed(halfCloseable(tunnel), (handler) => ({
    end() {
      handler.end();
      stdio.stopReading();
    },
  }));
  const leave = () => stdio.leave();
  process.once("SIGHUP", leave);
  const { error } = await pump(stdio, far).finally(() => process.off("SIGHUP", leave));
  if (error && !stdio.readerGone) throw asSallyportError(error, "TLS_FAILED", "The tunnel broke");
}

/** The process's stdin and stdout as one stream. */
class StandardStreams implements ByteStream {
  /** Whoever read our stdout has closed it: the usual end under ssh. */
  readerGone = false;
  #handler: ByteStreamHandler | null = null;
  #unconsumed = 0;
  #unwritten = 0;
  #ending = false;
  #inputEnded = false;
  #closed = false;
  #leaving: Timer | undefined;

  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    process.stdin.on("data", this.#onData);
    process.stdin.on("end", this.#onInputEnd);
    process.stdin.on("error", this.#onFailure);
    process.stdout.on("error", this.#onFailure);
  }

  write(chunk: Buffer): void {
    const { length } = chunk;
    if (this.#closed) return;
    this.#unwritten += length;
    process.stdout.write(chunk, () => {
      this.#unwritten -= length;
      if (this.#closed) return;
      this.#handler?.written(length);
      this.#closeIfDone();
    });
  }

  end(): void {
    this.#ending = true;
    this.#closeIfDone();
  }

  destroy(error?: Error): void {
    this.#close(error ?? new Error("destroyed"));
  }

  consumed(bytes: number): void {
    this.#unconsumed -= bytes;
    if (this.#unconsumed < READ_WINDOW / 2) process.stdin.resume();
  }

  /** Nobody is at the other end of stdin and stdout any more. */
  leave(): void {
    this.readerGone = true;
    this.#leaving ??= setTimeout(() => this.#close(new Error("left")), LEAVE_MS);
    this.#onInputEnd();
  }

  /** Takes what stdin has given so far as all of it. */
  stopReading(): void {
    this.#onInputEnd();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#inputEnded) return;
    this.#unconsumed += chunk.length;
    if (this.#unconsumed >= READ_WINDOW) process.stdin.pause();
    this.#handler?.data(chunk);
  };

  readonly #onInputEnd = (): void => {
    if (this.#inputEnded || this.#closed) return;
    this.#inputEnded = true;
    this.#handler?.end();
    this.#closeIfDone();
  };

  readonly #onFailure = (error: Error): void => {
    this.readerGone ||= systemCode(error) === "EPIPE";
    this.#close(error);
  };

  #closeIfDone(): void {
    if (this.#ending && this.#inputEnded && this.#unwritten === 0) this.#close(null);
  }

  #close(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#leaving);
    process.stdin.off("data", this.#onData);
    process.stdin.off("end", this.#onInputEnd);
    process.stdin.off("error", this.#onFailure);
    process.stdin.pause();
    this.#handler?.closed(error);
  }
}
