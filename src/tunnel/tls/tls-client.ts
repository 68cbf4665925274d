import type { Socket, SocketHandler, TCPSocketConnectOptions } from "bun";
import type { X509Identity } from "../../pki/credentials.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { encodeProtocols } from "../alpn.ts";
import { SocketStream } from "../socket.ts";
import type { Certificate } from "./certificate.ts";
import { dialFailure } from "./handshake-failure.ts";
import type { TlsConnection } from "./tls-server.ts";
import { TrustBundle } from "./trust-bundle.ts";

export type ClientIdentity = X509Identity & { /** PEM bundle. */ serverAuthorities: string };

export interface TlsDial {
  address: { hostname: string; port: number };
  /** The name to ask for (SNI), which TLS then checks; the address unless given. */
  serverName?: string;
  /** How messages call the server: "the relay relay.example:8443". */
  server: string;
  identity: ClientIdentity;
  /** Offered in this order; none if empty. */
  protocols: readonly string[];
  /** Whether the certificate, which chains to our authorities, is that of the server we mean. @throws SallyportError */
  checkName: (certificate: Certificate) => void;
  /** From the first packet to the end of the handshake. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

const KEEPALIVE_MS = 30_000;

/**
 * A mutual TLS connection from our side: TLS 1.2 or newer, the server's certificate accepted by TLS and by our own
 * rules. Under TLS 1.3 the server may refuse us only after this has resolved.
 * @throws SallyportError RELAY_UNREACHABLE, TLS_UNTRUSTED, TLS_FAILED, CERTIFICATE_REFUSED, MODE_UNSUPPORTED, TIMEOUT, CONFIG_INVALID;
 * the signal's reason
 */
export function dialTls(dial: TlsDial): Promise<TlsConnection & { stream: SocketStream }> {
  return new Promise((resolve, reject) => new Attempt(dial, resolve, reject).start());
}

class Attempt {
  #socket: Socket<SocketStream | undefined> | null = null;
  #settled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly dial: TlsDial,
    private readonly resolve: (connection: TlsConnection & { stream: SocketStream }) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  start(): void {
    const { dial } = this;
    if (dial.signal?.aborted) return this.reject(dial.signal.reason);
    let authorities: TrustBundle;
    try {
      authorities = TrustBundle.parse(dial.identity.serverAuthorities);
    } catch (error) {
      return this.reject(error);
    }
    dial.signal?.addEventListener("abort", this.#abort, { once: true });
    this.#timer = setTimeout(() => this.#expire(), dial.timeoutMs);
    const options = { ...dial.address, ...this.#options(authorities) };
    try {
      Bun.connect(options).catch((error: unknown) => this.#fail(this.#unreachable(error)));
    } catch (cause) {
      this.#fail(
        new SallyportError("CONFIG_INVALID", `The TLS credentials cannot be used: ${describe(cause)}.`, {
          cause,
        }),
      );
    }
  }

  #options(
    authorities: TrustBundle,
  ): Omit<TCPSocketConnectOptions<SocketStream | undefined>, "hostname" | "port"> {
    const { identity, protocols, serverName } = this.dial;
    return {
      allowHalfOpen: true,
      tls: {
        cert: identity.certificate,
        key: identity.privateKey,
        ca: identity.serverAuthorities,
        rejectUnauthorized: true,
        ...(serverName !== undefined && { serverName }),
        ...(protocols.length > 0 && { ALPNProtocols: encodeProtocols(protocols) }),
      },
      socket: this.#handlers(authorities),
    };
  }

  #handlers(authorities: TrustBundle): SocketHandler<SocketStream | undefined> {
    return {
      open: (socket) => this.#opened(socket),
      connectError: (_socket, error) => this.#fail(this.#unreachable(error)),
      handshake: (socket, ok, error) => this.#handshake(socket, ok, error, authorities),
      data: (socket, chunk) => socket.data?.onData(chunk),
      drain: (socket) => socket.data?.onDrain(),
      end: (socket) => socket.data?.onEnd(),
      close: (socket, error) => this.#closed(socket, error),
      error: (socket, error) => {
        socket.data?.onError(error);
        this.#fail(this.#handshakeError(error));
      },
    };
  }

  #opened(socket: Socket<SocketStream | undefined>): void {
    if (this.#settled) return socket.terminate();
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
  }

  #handshake(
    socket: Socket<SocketStream | undefined>,
    ok: boolean,
    error: Error | null,
    authorities: TrustBundle,
  ): void {
    if (this.#settled) return;
    if (!ok || error || !socket.authorized) return this.#fail(this.#handshakeError(error));
    const alpn = socket.alpnProtocol || null;
    let peer: Certificate;
    try {
      peer = authorities.verify(socket.getPeerX509Certificate().raw, "server", new Date());
      this.dial.checkName(peer);
    } catch (cause) {
      return this.#fail(this.#handshakeError(cause));
    }
    const stream = new SocketStream();
    socket.data = stream;
    this.#settle();
    stream.open(socket);
    this.resolve({ stream, peer, alpn });
  }

  #closed(socket: Socket<SocketStream | undefined>, error: Error | undefined): void {
    const stream = socket.data;
    stream?.onClose(error);
    this.#fail(this.#handshakeError(error ?? null));
  }

  #expire(): void {
    const { server, timeoutMs } = this.dial;
    const within = `within ${timeoutMs / 1000} s`;
    this.#fail(
      this.#socket
        ? new SallyportError("TIMEOUT", `TLS with ${server} was not set up ${within}.`)
        : new SallyportError(
            "RELAY_UNREACHABLE",
            `Cannot reach ${server}: no answer ${within}; is a firewall in the way?`,
          ),
    );
  }

  readonly #abort = (): void => this.#fail(this.dial.signal?.reason);

  #fail(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#socket?.terminate();
    this.reject(error);
  }

  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    this.dial.signal?.removeEventListener("abort", this.#abort);
  }

  #unreachable(cause: unknown): SallyportError {
    const text = `Cannot reach ${this.dial.server}: ${describe(cause).replace(/\.$/, "")}.`;
    return new SallyportError("RELAY_UNREACHABLE", text, { cause });
  }

  #handshakeError(cause: unknown): SallyportError {
    return dialFailure(cause, this.dial);
  }
}
