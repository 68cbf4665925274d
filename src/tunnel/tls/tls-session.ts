import { SallyportError } from "../../telemetry/error.ts";
import { release } from "../release.ts";
import type { ByteStream, ByteStreamHandler } from "../stream.ts";
import type { Agreed } from "./handshake.ts";
import type { RecordOpener, RecordSealer } from "./record-layer.ts";

/** How a session ends. */
export interface SessionRules {
  /**
   * Between our own ends a far stream that ends without close_notify was cut short (RFC 8446, 6.1). Infisical's ends
   * say none, and close both ways at once when they are done (PROTOCOL 0.5): there, the far stream's orderly end is
   * the end.
   */
  strict?: boolean;
  /** After close_notify the direction goes on without TLS (RFC 8446, 6.1), up to the far stream's end. */
  stepsAside?: boolean;
}

/**
 * An established TLS session as a ByteStream, over another one (`far`: a socket, an SSH channel, or the outer TLS).
 * Half-close, backpressure and the end of stream pass through exactly.
 */
export class TlsSession implements ByteStream {
  readonly #far: ByteStream;
  readonly #sealer: RecordSealer;
  readonly #opener: RecordOpener;
  readonly #strict: boolean;
  readonly #stepsAside: boolean;
  /** Our direction, and the peer's, have left TLS behind. */
  #plainOut = false;
  #plainIn = false;
  #handler: ByteStreamHandler | null = null;
  /** Told to the handler in order, also when it comes late or is replaced. */
  #news: ((handler: ByteStreamHandler) => void)[] = [];
  #telling = false;
  /** Content of the peer's that nobody has consumed yet, and bytes of the far stream not yet credited. */
  #unconsumed = 0;
  #uncredited = 0;
  /** Content of ours in records that have not left yet, and their length. */
  #unwritten = 0;
  #unwrittenSealed = 0;
  #peerEnded = false;
  #ended = false;
  /** The peer has asked for a key update that we have not sent yet. */
  #keyUpdateOwed = false;
  #closed = false;
  #error: Error | null = null;

  /** @param unsent bytes of the handshake that the far stream has taken but not yet reported as written */
  constructor(far: ByteStream, agreed: Agreed, rules: SessionRules, unsent: number) {
    this.#far = far;
    this.#strict = rules.strict ?? false;
    this.#stepsAside = rules.stepsAside ?? false;
    this.#unwrittenSealed = unsent;
    this.#sealer = agreed.sealer;
    this.#opener = agreed.opener({
      data: (content) => this.#deliver(content),
      end: (rest) => this.#closeNotified(rest),
      wantsKeyUpdate: () => this.#answerKeyUpdate(),
    });
  }

  /** The far stream's handler from now on. */
  readonly farHandler: ByteStreamHandler = {
    data: (chunk) => this.#receive(chunk),
    end: () => this.#farEnded(),
    written: (bytes) => this.#written(bytes),
    closed: (error) => this.#farClosed(error),
  };

  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    this.#tell();
  }

  write(chunk: Buffer): void {
    if (!this.#takes(chunk.length)) return;
    if (this.#plainOut) return this.#send(chunk);
    this.#seal([chunk]);
    release(chunk);
  }

  /** Each in records of its own, which leave together. The chunks are only lent, until this returns. */
  writeTogether(chunks: readonly Buffer[]): void {
    if (!this.#takes(chunks.reduce((sum, chunk) => sum + chunk.length, 0))) return;
    if (this.#plainOut) this.#send(Buffer.concat(chunks));
    else this.#seal(chunks);
  }

  end(): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    if (!this.#plainOut) this.#send(this.#sealer.closeNotify());
    this.#far.end();
  }

  /**
   * Where the rules allow it: what is written from now on goes without this layer of TLS, because it is encrypted
   * already. The peer does the same as soon as it hears of it.
   */
  stepAside(): void {
    if (!this.#stepsAside || this.#plainOut || this.#ended || this.#closed) return;
    this.#plainOut = true;
    this.#send(this.#sealer.closeNotify());
  }

  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#news = [];
    this.#close(error ?? new Error("destroyed"));
    this.#far.destroy(error);
  }

  consumed(bytes: number): void {
    this.#unconsumed -= bytes;
    this.#settle();
  }

  /** Ends our direction with a fatal alert (RFC 8446, 6.2) instead of close_notify. */
  refuse(alert: number): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    this.#send(this.#sealer.alert(alert));
    this.#far.end();
  }

  /** Counts what is written, or drops it. */
  #takes(length: number): boolean {
    if (this.#closed || this.#ended) this.#later((handler) => handler.written(length));
    else this.#unwritten += length;
    return length > 0 && !this.#closed && !this.#ended;
  }

  #seal(chunks: readonly Buffer[]): void {
    if (!this.#sealer.exhausted) return this.#send(this.#sealer.data(...chunks));
    this.destroy(new SallyportError("TLS_FAILED", "The TLS 1.2 session has carried all it may."));
  }

  #receive(chunk: Buffer): void {
    this.#uncredited += chunk.length;
    if (this.#closed) return this.#settle();
    if (this.#plainIn) {
      this.#deliver(chunk);
      return this.#settle();
    }
    try {
      this.#opener.feed(chunk);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    this.#settle();
  }

  #deliver(content: Buffer): void {
    this.#unconsumed += content.length;
    this.#later((handler) => handler.data(content));
  }

  /** The far writer gets back what is not waiting for our consumer; framing counts as consumed. */
  #settle(): void {
    const credit = this.#uncredited - (this.#closed ? 0 : this.#unconsumed);
    if (credit <= 0) return;
    this.#uncredited -= credit;
    this.#far.consumed(credit);
  }

  #send(records: Buffer): void {
    this.#unwrittenSealed += records.length;
    this.#far.write(records);
  }

  /** Reports content as written in the measure in which its records have left. */
  #written(sealed: number): void {
    const all = sealed >= this.#unwrittenSealed;
    const content = all ? this.#unwritten : Math.floor((this.#unwritten * sealed) / this.#unwrittenSealed);
    this.#unwrittenSealed -= sealed;
    this.#unwritten -= content;
    if (content > 0) this.#later((handler) => handler.written(content));
    if (this.#keyUpdateOwed) this.#answerKeyUpdate();
  }

  /** One answer for all requests that came while our records wait: a peer that never reads cannot pile them up. */
  #answerKeyUpdate(): void {
    if (this.#ended || this.#closed || this.#plainOut) return;
    this.#keyUpdateOwed = this.#unwrittenSealed > 0;
    if (!this.#keyUpdateOwed) this.#send(this.#sealer.keyUpdate());
  }

  #closeNotified(rest: Buffer): void {
    if (!this.#stepsAside) return this.#endOfPeer();
    this.#plainIn = true;
    this.stepAside();
    if (rest.length > 0) this.#deliver(rest);
  }

  #endOfPeer(): void {
    if (this.#peerEnded || this.#closed) return;
    this.#peerEnded = true;
    this.#later((handler) => handler.end());
  }

  #farEnded(): void {
    if (this.#peerEnded || this.#closed) return;
    if (this.#strict) this.destroy(new CutShort());
    else this.#endOfPeer();
  }

  #farClosed(error: Error | null): void {
    if (this.#closed) return;
    if (error && (this.#strict || !this.#peerEnded)) return this.#close(error);
    if (!this.#peerEnded && this.#strict) return this.#close(new CutShort());
    this.#endOfPeer();
    this.#close(this.#ended || !this.#strict ? null : new Error("connection closed"));
  }

  #close(error: Error | null): void {
    this.#closed = true;
    this.#error = error;
    const dropped = this.#unwritten;
    this.#unwritten = 0;
    this.#unwrittenSealed = 0;
    if (dropped > 0) this.#later((handler) => handler.written(dropped));
    this.#later((handler) => handler.closed(this.#error));
    this.#settle();
  }

  #later(news: (handler: ByteStreamHandler) => void): void {
    this.#news.push(news);
    this.#tell();
  }

  /** One after the other, also when a handler writes, ends or is replaced while it is told. */
  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#handler) {
        const news = this.#news.shift();
        if (!news) break;
        news(this.#handler);
      }
    } finally {
      this.#telling = false;
    }
  }
}

/** The connection below is gone without the far end's word that it had finished (RFC 8446, 6.1). */
export class CutShort extends SallyportError {
  constructor(cause?: unknown) {
    super("TLS_FAILED", "The connection was cut off before the far end had finished.", { cause });
  }
}
