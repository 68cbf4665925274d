import { constants } from "node:crypto";
import type { Socket, SocketHandler, TLSOptions } from "bun";
import type { X509Identity } from "../../pki/credentials.ts";
import type { SallyportError } from "../../telemetry/error.ts";
import { ALPN, decodeProtocols } from "../alpn.ts";
import { SocketStream } from "../socket.ts";
import { errorLine } from "../status-line.ts";
import type { ByteStream } from "../stream.ts";
import { handshakeFailure, isPeerGone } from "./handshake-failure.ts";
import { requirePair } from "./own-identity.ts";
import type { PeerCertificate } from "./peer-certificate.ts";
import { TrustBundle } from "./trust-bundle.ts";

export type ServerIdentity = X509Identity & { /** PEM bundle. */ clientAuthorities: string };

/** A connection whose client has proved who it is. */
export interface TlsConnection {
  stream: ByteStream;
  peer: PeerCertificate;
  /** The protocol agreed on, if any. */
  alpn: string | null;
}

/** Follows one accepted socket through its handshake. */
export interface HandshakeWatcher {
  /** The client's first message is here (only clients that offer an ALPN are seen to get this far). */
  progress?(): void;
  ready(connection: TlsConnection & { stream: SocketStream }): void;
  /** The client's certificate was refused, or its TLS makes no sense. */
  refused(error: SallyportError): void;
  /** The socket is gone. Always called, last. */
  closed(error: Error | null): void;
}

export interface TlsServerOptions {
  credentials: () => ServerIdentity;
  /** The name to agree on; false = go on without one; undefined = refuse with the alert no_application_protocol. */
  chooseProtocol: (offered: string[]) => string | false | undefined;
  handshakeTimeoutMs: number;
  /** A socket was accepted; null closes it at once. */
  onOpen: (socket: Socket<Accepted | undefined>) => HandshakeWatcher | null;
}

/** How long a client that was refused may take to close its side. */
const LINGER_MS = 1000;

/** A listener's socket from accept to close. */
export class Accepted {
  stream: SocketStream | undefined;
  settled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly watcher: HandshakeWatcher) {}

  cutAfter(milliseconds: number, cut: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(cut, milliseconds);
  }

  settle(): void {
    this.settled = true;
    clearTimeout(this.#timer);
  }
}

/**
 * Mutual TLS on a Bun listener, for the relay's port: TLS 1.2 or newer, a client
 * certificate that TLS **and** our own rules accept, no session tickets (a resumed session would count as authorised
 * after its certificate's end), a deadline for the handshake.
 */
export class TlsServer {
  readonly socket: SocketHandler<Accepted | undefined>;
  #authorities: TrustBundle;
  /** Handshakes that are not over. */
  readonly #pending = new Set<Socket<Accepted | undefined>>();

  /** @throws SallyportError CONFIG_INVALID */
  constructor(private readonly options: TlsServerOptions) {
    this.#authorities = TrustBundle.parse(options.credentials().clientAuthorities);
    const events = {
      open: (socket: Socket<Accepted | undefined>) => this.#open(socket),
      // Bun 1.4.5 asks this handler, which its types do not know, before any fixed list of protocols: `false` agrees on
      // none, what is neither false nor a name refuses. A fixed list would refuse clients that offer unknown names.
      alpnCallback: (
        socket: Socket<Accepted | undefined>,
        _serverName: string | undefined,
        wire: Uint8Array,
      ) => {
        socket.data?.watcher.progress?.();
        return options.chooseProtocol(decodeProtocols(wire));
      },
      handshake: (socket: Socket<Accepted | undefined>, ok: boolean, error: Error | null) =>
        this.#handshake(socket, ok, error),
      data: (socket: Socket<Accepted | undefined>, chunk: Buffer) => socket.data?.stream?.onData(chunk),
      drain: (socket: Socket<Accepted | undefined>) => socket.data?.stream?.onDrain(),
      end: (socket: Socket<Accepted | undefined>) => socket.data?.stream?.onEnd(),
      close: (socket: Socket<Accepted | undefined>, error?: Error) => this.#closed(socket, error),
      error: (socket: Socket<Accepted | undefined>, error: Error) => {
        if (socket.data?.stream) socket.data.stream.onError(error);
        else socket.terminate();
      },
    };
    this.socket = events;
  }

  /** What the listener has to be made with. @throws SallyportError CONFIG_INVALID */
  tlsOptions(): TLSOptions {
    const { certificate, privateKey, clientAuthorities } = this.options.credentials();
    requirePair({ certificate, privateKey });
    TrustBundle.parse(clientAuthorities);
    return {
      cert: certificate,
      key: privateKey,
      ca: clientAuthorities,
      requestCert: true,
      // Bun would close without a word; `#handshake` refuses, says why, and lets nothing through before.
      rejectUnauthorized: false,
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
  }

  /** Clients are now checked against the present credentials. @throws SallyportError CONFIG_INVALID, then nothing changes */
  reload(): void {
    this.#authorities = TrustBundle.parse(this.options.credentials().clientAuthorities);
  }

  /** Ends the handshakes that are not over. */
  cutPending(): void {
    for (const socket of [...this.#pending]) socket.terminate();
  }

  #open(socket: Socket<Accepted | undefined>): void {
    const watcher = this.options.onOpen(socket);
    if (!watcher) {
      socket.data = undefined;
      return socket.terminate();
    }
    const accepted = new Accepted(watcher);
    socket.data = accepted;
    this.#pending.add(socket);
    accepted.cutAfter(this.options.handshakeTimeoutMs, () => socket.terminate());
  }

  #handshake(socket: Socket<Accepted | undefined>, ok: boolean, error: Error | null): void {
    const accepted = socket.data;
    if (!accepted || accepted.settled) return;
    accepted.settle();
    this.#pending.delete(socket);
    const alpn = socket.alpnProtocol || null;
    let peer: PeerCertificate;
    try {
      if (!ok || error || !socket.authorized) throw error;
      peer = this.#authorities.verify(socket.getPeerX509Certificate().raw, "client", new Date());
    } catch (cause) {
      if (isPeerGone(cause)) return this.#sayGoodbye(socket, accepted, null);
      const refusal = handshakeFailure(cause, "client");
      accepted.watcher.refused(refusal);
      const tellsWhy = alpn === ALPN.relay || alpn === ALPN.sallyportTcp;
      return this.#sayGoodbye(socket, accepted, tellsWhy ? errorLine(refusal.code, refusal.message) : null);
    }
    const stream = new SocketStream();
    accepted.stream = stream;
    stream.open(socket);
    accepted.watcher.ready({ stream, peer, alpn });
  }

  /** An orderly close, with a line first for clients that speak X5. */
  #sayGoodbye(socket: Socket<Accepted | undefined>, accepted: Accepted, line: Buffer | null): void {
    if (line) socket.write(line);
    accepted.cutAfter(LINGER_MS, () => socket.terminate());
    socket.end();
  }

  #closed(socket: Socket<Accepted | undefined>, error: Error | undefined): void {
    const accepted = socket.data;
    this.#pending.delete(socket);
    if (!accepted) return;
    socket.data = undefined;
    accepted.settle();
    accepted.stream?.onClose(error);
    accepted.watcher.closed(accepted.stream?.error ?? error ?? null);
  }
}
