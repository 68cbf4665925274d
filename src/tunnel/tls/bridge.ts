import { SallyportError } from "../../telemetry/error.ts";
import { observed } from "../observed.ts";
import { pump } from "../pump.ts";
import type { SocketStream, SocketStreamOptions } from "../socket.ts";
import type { ByteStream } from "../stream.ts";
import { FarEnd, type FarEndJudge } from "./far-end.ts";
import { RecordWatch } from "./record-watch.ts";

/** How long a peer whose handshake failed may take to close its side. */
const REFUSAL_LINGER_MS = 1000;

export interface BridgeOptions {
  /** How long the TLS end may go on after the far stream has closed both ways in order; unlimited if not given. */
  lingerMs?: number;
}

/**
 * Bun's TLS works on net sockets only (over any other stream it loses data and has no backpressure), so an inner TLS
 * session runs over a unix socket: `far` (an SSH channel, or the outer TLS stream) is joined to the plain end of that
 * socket, and the TLS end is what others see. A unix socket hides how its other end was closed; so failures of one
 * side are told to the other one here.
 *
 * Between our own ends (`strict`) a far stream that fails is a failure, whatever came before. Others close both ways
 * at once when they are done (PROTOCOL 0.5): there, what follows the far stream's end only stops what we send.
 */
export class Bridge implements FarEndJudge {
  readonly records = new RecordWatch();
  strict = false;
  #tls: SocketStream | null = null;
  #plain: SocketStream | null = null;
  #tlsClosed = false;
  #gone = false;
  #lost: Error | null = null;
  #linger: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly far: ByteStream,
    private readonly options: BridgeOptions = {},
  ) {}

  /** Why the far stream failed, if it did. */
  get lost(): Error | null {
    return this.#lost;
  }

  /** Carries bytes between the far stream and the plain end, until both are over. */
  join(plain: SocketStream): void {
    this.#plain = plain;
    void pump(new FarEnd(this.far, this), this.#plainEnd(plain)).then(({ error }) => {
      clearTimeout(this.#linger);
      if (!error) return;
      this.#lost ??= error;
      this.#tls?.destroy(error);
    });
  }

  /** There is no plain end and there will be none. */
  drop(error: Error): void {
    this.#lost ??= error;
    this.far.attach({
      data: (chunk) => this.far.consumed(chunk.length),
      end() {},
      written() {},
      closed() {},
    });
    this.far.destroy(error);
  }

  /** The TLS end is there: it hears of the far stream's failure. */
  carries(tls: SocketStream): void {
    this.#tls = tls;
    if (this.#lost) tls.destroy(this.#lost);
    else if (this.#gone) this.#endTls(tls);
  }

  /** The TLS end is over. Without a session its last bytes, an alert that says why, are still on their way. */
  tlsClosed(error: Error | null): void {
    this.#tlsClosed = true;
    clearTimeout(this.#linger);
    if (!this.#tls) {
      this.#linger = setTimeout(() => this.far.destroy(error ?? new Error("refused")), REFUSAL_LINGER_MS);
    } else if (error) {
      this.far.destroy(error);
    }
  }

  gone(): void {
    this.#gone = true;
    if (this.#tls) this.#endTls(this.#tls);
  }

  /** Both ends are ours: from now on either has to stop as TLS demands. Returns what sees to that at the TLS end. */
  demandCloseNotify(version: string): SocketStreamOptions {
    this.strict = true;
    return {
      checkEnd: () => {
        const known = version === "TLSv1.2" || version === "TLSv1.3";
        if (known && this.records.endsWithCloseNotify(version)) return null;
        return new SallyportError(
          "TLS_FAILED",
          "The connection was cut off before the far end had finished.",
        );
      },
      beforeEnd: (proceed) => (this.#plain ? this.#plain.whenEmpty(proceed) : proceed()),
    };
  }

  /**
   * The plain end for the pump. A TLS server that refuses a client closes with bytes unread, which a unix socket
   * reports as a reset; the alert that it sent has to get through all the same.
   */
  #plainEnd(plain: ByteStream): ByteStream {
    return observed(plain, (handler) => {
      let ended = false;
      return {
        end() {
          ended = true;
          handler.end();
        },
        closed: (error) => {
          const refused = error !== null && this.#tls === null;
          if (refused && !ended) handler.end();
          handler.closed(refused ? null : error);
        },
      };
    });
  }

  /** What came from the far stream still reaches the TLS end, then its orderly end; nothing can be sent any more. */
  #endTls(tls: SocketStream): void {
    tls.end();
    const { lingerMs } = this.options;
    if (lingerMs === undefined || this.#tlsClosed) return;
    this.#linger = setTimeout(() => tls.destroy(new Error("the far end has closed")), lingerMs);
  }
}
