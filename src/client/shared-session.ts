import type { ClientCredentials } from "../pki/credentials.ts";
import type { Code } from "../telemetry/codes.ts";
import { asSallyportError, type SallyportError } from "../telemetry/error.ts";
import { openMux, STREAM } from "../tunnel/mux/connection.ts";
import type { Connection } from "../tunnel/ssh/connection.ts";
import { DISCONNECT } from "../tunnel/ssh/messages.ts";
import { systemTimers, type Timers } from "../tunnel/ssh/timers.ts";
import type { WindowBudget } from "../tunnel/ssh/window.ts";
import { NoStatusLine, readStatusLine } from "../tunnel/status-line.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { TlsConnection } from "../tunnel/tls/connection.ts";
import { readLeaf } from "../tunnel/tls/own-identity.ts";
import { explainSilentRefusal, nameOf } from "./reach-gateway.ts";

export interface SharedSessionOptions {
  budget: WindowBudget;
  timers?: Timers;
}

export type Opening =
  | { ok: true; stream: ByteStream }
  /** `ofSession`: the session is at fault, and another one may do better; otherwise it is the gateway's last word. */
  | { ok: false; error: SallyportError; ofSession: boolean };

/** More tunnels than that get another session; the gateway takes twice as many. */
const MOST_TUNNELS = 128;
/** Without a tunnel for so long, up to twice that, it is closed. */
const IDLE_MS = 60_000;
/** A gateway confirms at once: later than that, the way to it is broken or overloaded. */
const PATIENCE_MS = 2000;
/** The gateway refuses tunnels under a certificate that has expired, by its own clock. */
const CLOCK_MARGIN_MS = 10_000;
/** A timer takes no more. */
const NO_HURRY_MS = 2 ** 31 - 1;
/** Why a gateway ends or refuses a session: it would say the same to another one. */
const LAST_WORD: ReadonlySet<Code> = new Set<Code>([
  "SESSION_ENDED",
  "CERTIFICATE_REFUSED",
  "MODE_UNSUPPORTED",
]);

/** A session with a gateway in which one tunnel after the other is opened (`sallyport-mux/1`). */
export class SharedSession {
  readonly alpn: string | null;
  readonly peer: TlsConnection["peer"];
  /** Resolves when its TLS session is over, too. */
  readonly over: Promise<void>;
  readonly #connection: Connection;
  readonly #who: string;
  /** Milliseconds of the wall clock. */
  readonly #expiresAt: number;
  #retired = false;
  /** No tunnel when the timer looked last, and none was asked for since. */
  #wasIdle = false;

  constructor(
    { stream, alpn, peer }: TlsConnection,
    credentials: ClientCredentials,
    { budget, timers = systemTimers }: SharedSessionOptions,
  ) {
    this.alpn = alpn;
    this.peer = peer;
    this.#who = `The gateway ${nameOf(credentials)}`;
    this.#expiresAt = readLeaf(credentials.gateway.certificate).notAfter.getTime() - CLOCK_MARGIN_MS;
    const over = Promise.withResolvers<void>();
    this.over = over.promise;
    this.#connection = openMux(stream, { role: "client", budget, timers, onOver: over.resolve });
    const stopLooking = timers.every(IDLE_MS, () => this.#endIfIdle());
    this.#connection.onClosed(() => {
      this.#retired = true;
      stopLooking();
    });
  }

  /** Whether another tunnel may be opened. */
  get isUsable(): boolean {
    return !this.#retired && !this.isFull && Date.now() < this.#expiresAt;
  }

  /** Whether only its tunnels stand against another one. */
  get isFull(): boolean {
    return this.#connection.channelCount >= MOST_TUNNELS;
  }

  /**
   * A tunnel whose target has been reached, or why not.
   * @param left milliseconds, asked at each step
   * @param o.patient the session is new: its gateway may take its time
   */
  async open(left: () => number, { patient }: { patient: boolean }): Promise<Opening> {
    this.#wasIdle = false;
    const timeoutMs = patient ? left() : Math.min(left(), PATIENCE_MS);
    try {
      const stream = await this.#connection.openChannel(STREAM, Buffer.alloc(0), { timeoutMs });
      const answer = await readStatusLine(stream, left());
      return answer.ok ? answer : this.#failed(answer.error, isLost(answer.error));
    } catch (error) {
      const failure = asSallyportError(error, "INTERNAL", "The tunnel could not be opened");
      return this.#failed(failure, !LAST_WORD.has(failure.code));
    }
  }

  /** Takes no more tunnels, ends with its last one. Safe to call twice. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    void this.#connection.drain(NO_HURRY_MS);
  }

  onClosed(listener: () => void): void {
    this.#connection.onClosed(listener);
  }

  #failed(error: SallyportError, ofSession: boolean): Opening {
    return { ok: false, error: explainSilentRefusal(error, this.#who), ofSession };
  }

  #endIfIdle(): void {
    const isIdle = this.#connection.channelCount === 0;
    if (isIdle && this.#wasIdle) this.#connection.disconnect(DISCONNECT.byApplication, "idle");
    this.#wasIdle = isIdle;
  }
}

/** The tunnel ended with its session before the gateway had an answer, or the gateway is about to end it. */
function isLost(error: SallyportError): boolean {
  return error instanceof NoStatusLine || error.code === "DRAINING";
}
