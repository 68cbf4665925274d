import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { isOwnMode } from "../alpn.ts";
import type { ByteStream } from "../stream.ts";
import { acceptTls, requireUsable } from "./accept-tls.ts";
import type { ServerIdentity, TlsConnection } from "./connection.ts";

export interface InnerTlsOptions {
  /** Read at start and at `reload`. */
  credentials: () => ServerIdentity;
  /** In order of preference (PROTOCOL D). A client that offers others only is refused, one that offers none is not. */
  alpns: readonly string[];
  handshakeTimeoutMs?: number;
  /** Called for clients that proved who they are, never for others. */
  onConnection: (connection: TlsConnection) => void;
  /** A client did not get as far. */
  onRefused?: (error: SallyportError) => void;
  log: Logger;
}

export interface InnerTlsServer {
  /**
   * Runs TLS on the channel, which from now on belongs to the server: it ends if the handshake fails.
   * @param onConnection instead of the options'
   */
  accept(channel: ByteStream, onConnection?: (connection: TlsConnection) => void): void;
  /** New handshakes use the present credentials; connections go on. Bad credentials are logged and change nothing. */
  reload(): void;
  /** Takes no more and cuts unfinished handshakes. Connections belong to whoever was given them. */
  close(): void;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * The gateway's end of the inner TLS (PROTOCOL 0.2, D stage 2). Where one of our own modes is agreed on, a stream
 * that was cut short closes with an error; other clients are not held to close_notify.
 * @throws SallyportError CONFIG_INVALID
 */
export function openInnerTlsServer(options: InnerTlsOptions): InnerTlsServer {
  return new Server(options);
}

class Server implements InnerTlsServer {
  readonly #options: InnerTlsOptions;
  readonly #pending = new Set<(error: Error) => void>();
  #identity: ServerIdentity;
  #closed = false;

  constructor(options: InnerTlsOptions) {
    this.#options = options;
    this.#identity = requireUsable(options.credentials());
  }

  accept(channel: ByteStream, onConnection = this.#options.onConnection): void {
    if (this.#closed) return discard(channel, closing());
    const { alpns, handshakeTimeoutMs } = this.#options;
    let over = false;
    const done = () => {
      over = true;
      this.#pending.delete(giveUp);
    };
    const giveUp = acceptTls(channel, {
      identity: this.#identity,
      choose: alpns,
      rules: (alpn) => ({ strict: isOwnMode(alpn) }),
      timeoutMs: handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
      oldClients: false,
      ready(connection) {
        done();
        onConnection(connection);
      },
      refused: (error) => {
        done();
        if (error) this.#refused(error);
      },
    });
    if (!over) this.#pending.add(giveUp);
  }

  reload(): void {
    try {
      this.#identity = requireUsable(this.#options.credentials());
    } catch (error) {
      this.#options.log.error("New TLS credentials cannot be used; the old ones stay", {
        reason: describe(error),
      });
    }
  }

  close(): void {
    this.#closed = true;
    for (const giveUp of [...this.#pending]) giveUp(closing());
  }

  #refused(refusal: SallyportError): void {
    this.#options.log.info("Client refused", { code: refusal.code, reason: refusal.message });
    this.#options.onRefused?.(refusal);
  }
}

function discard(channel: ByteStream, error: Error): void {
  channel.attach({
    data: (chunk) => channel.consumed(chunk.length),
    end() {},
    written() {},
    closed() {},
  });
  channel.destroy(error);
}

function closing(): SallyportError {
  return new SallyportError("DRAINING", "The gateway takes no more connections.");
}
