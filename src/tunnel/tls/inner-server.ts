import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Logger } from "../../telemetry/log.ts";
import { ALPN, isOwnMode } from "../alpn.ts";
import { errorLine } from "../status-line.ts";
import type { ByteStream } from "../stream.ts";
import type { Agreed } from "./handshake.ts";
import { handshakeFailure } from "./handshake-failure.ts";
import { requirePair } from "./own-identity.ts";
import { runHandshake } from "./run-handshake.ts";
import { secureContext } from "./secure-context.ts";
import type { ServerIdentity, TlsConnection } from "./tls-server.ts";
import type { TlsSession } from "./tls-session.ts";
import { TrustBundle } from "./trust-bundle.ts";

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
  /** Runs TLS on the channel, which from now on belongs to the server: it ends if the handshake fails. */
  accept(channel: ByteStream): void;
  /** New handshakes use the present credentials; connections go on. Bad credentials are logged and change nothing. */
  reload(): void;
  /** Takes no more and cuts unfinished handshakes. Connections belong to whoever was given them. */
  close(): void;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long a client that was refused may take to close its side. */
const LINGER_MS = 1000;
const UNKNOWN_CA = 48;

/**
 * The gateway's end of the inner TLS (PROTOCOL 0.2, D stage 2): TLS 1.3, a client certificate that TLS **and** our own
 * rules accept, no session tickets. Where one of our own modes is agreed on, a stream that was cut short closes with an
 * error; other clients are not held to close_notify.
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
    this.#identity = usable(options.credentials());
  }

  accept(channel: ByteStream): void {
    if (this.#closed) return discard(channel, closing());
    const { alpns } = this.#options;
    const { clientAuthorities } = this.#identity;
    const terms = {
      role: "server",
      context: secureContext(this.#identity, clientAuthorities),
      alpns,
    } as const;
    const pending = this.#pending;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let giveUp: ((error: Error) => void) | undefined;
    let over = false;
    const done = () => {
      over = true;
      clearTimeout(timer);
      if (giveUp) pending.delete(giveUp);
    };
    giveUp = runHandshake(channel, terms, {
      agreed: (agreed, made) => {
        done();
        this.#judge(agreed, made, channel);
      },
      failed: (error) => {
        done();
        if (error) this.#refused(handshakeFailure(error, "client"));
        retire(channel);
      },
    });
    if (over) return;
    pending.add(giveUp);
    timer = setTimeout(
      giveUp,
      this.#options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
      new SallyportError("TIMEOUT", "The client did not finish its TLS handshake in time."),
    );
  }

  reload(): void {
    try {
      this.#identity = usable(this.#options.credentials());
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

  /** Nothing of the client's is delivered before its certificate is accepted. */
  #judge(agreed: Agreed, made: (strict: boolean) => TlsSession, channel: ByteStream): void {
    const { alpn } = agreed;
    const session = made(isOwnMode(alpn));
    try {
      if (agreed.complaint || !agreed.peer) throw agreed.complaint ?? new Error("it sent no certificate");
      const authorities = TrustBundle.parse(this.#identity.clientAuthorities);
      const peer = authorities.verify(agreed.peer, "client", new Date());
      this.#options.onConnection({ stream: session, peer, alpn });
    } catch (cause) {
      const refusal = handshakeFailure(cause, "client");
      this.#refused(refusal);
      if (alpn !== ALPN.sallyportTcp) session.refuse(UNKNOWN_CA);
      else session.write(errorLine(refusal.code, refusal.message));
      session.end();
      const timer = setTimeout(() => channel.destroy(refusal), LINGER_MS);
      session.attach({
        data: (chunk) => session.consumed(chunk.length),
        end() {},
        written() {},
        closed: () => clearTimeout(timer),
      });
    }
  }
}

/** @throws SallyportError CONFIG_INVALID */
function usable(identity: ServerIdentity): ServerIdentity {
  requirePair(identity);
  TrustBundle.parse(identity.clientAuthorities);
  secureContext(identity, identity.clientAuthorities);
  return identity;
}

/** Our alert still gets through, then the channel goes. */
function retire(channel: ByteStream): void {
  const timer = setTimeout(() => channel.destroy(new Error("refused")), LINGER_MS);
  channel.attach({
    data: (chunk) => channel.consumed(chunk.length),
    end() {},
    written() {},
    closed: () => clearTimeout(timer),
  });
  channel.end();
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
