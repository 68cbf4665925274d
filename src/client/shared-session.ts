import type { ClientCredentials } from "../pki/credentials.ts";
import { SallyportError } from "../telemetry/error.ts";
import { openMux, STREAM } from "../tunnel/mux/connection.ts";
import type { Connection } from "../tunnel/ssh/connection.ts";
import { DISCONNECT } from "../tunnel/ssh/messages.ts";
import type { WindowBudget } from "../tunnel/ssh/window.ts";
import { readStatusLine } from "../tunnel/status-line.ts";
import type { ByteStream } from "../tunnel/stream.ts";
import type { TlsConnection } from "../tunnel/tls/connection.ts";
import { readLeaf } from "../tunnel/tls/own-identity.ts";
import { explainSilentRefusal, nameOf } from "./reach-gateway.ts";

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

/** A session with a gateway in which one tunnel after the other is opened (`sallyport-mux/1`). */
export class SharedSession {
  readonly alpn: string | null;
  readonly peer: TlsConnection["peer"];
  readonly #connection: Connection;
  readonly #who: string;
  /** Milliseconds of the wall clock. */
  readonly #expiresAt: number;
  #retired = false;

  constructor({ stream, alpn, peer }: TlsConnection, credentials: ClientCredentials, budget: WindowBudget) {
    this.alpn = alpn;
    this.peer = peer;
    this.#who = `The gateway ${nameOf(credentials)}`;
    this.#expiresAt = readLeaf(credentials.gateway.certificate).notAfter.getTime() - CLOCK_MARGIN_MS;
    this.#connection = openMux(stream, { role: "client", budget });
    const idle = setInterval(() => this.#connection.channelCount === 0 && this.#end(), IDLE_MS);
    this.#connection.onClosed(() => {
      this.#retired = true;
      clearInterval(idle);
    });
  }

  /** Whether another tunnel may be opened. */
  get isUsable(): boolean {
    return !this.#retired && this.#connection.channelCount < MOST_TUNNELS && Date.now() < this.#expiresAt;
  }

  /**
   * A tunnel whose target has been reached. @param left milliseconds, asked at each step
   * @throws SallyportError what the gateway says, TIMEOUT, or how the session was lost
   */
  async open(left: () => number): Promise<ByteStream> {
    const timeoutMs = Math.min(left(), PATIENCE_MS);
    try {
      const stream = await this.#connection.openChannel(STREAM, Buffer.alloc(0), { timeoutMs });
      const answer = await readStatusLine(stream, left());
      if (answer.ok) return answer.stream;
      throw answer.error;
    } catch (error) {
      throw error instanceof SallyportError ? explainSilentRefusal(error, this.#who) : error;
    }
  }

  /** Takes no more tunnels, ends with its last one. */
  retire(): void {
    this.#retired = true;
    void this.#connection.drain(NO_HURRY_MS);
  }

  onClosed(listener: () => void): void {
    this.#connection.onClosed(listener);
  }

  #end(): void {
    this.#connection.disconnect(DISCONNECT.byApplication, "idle");
  }
}
