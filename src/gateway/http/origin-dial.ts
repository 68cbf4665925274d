import { isIP } from "node:net";
import type { Socket, SocketHandler } from "bun";
import { trustedAuthorities } from "../../host/trust.ts";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import { encodeProtocols } from "../../tunnel/alpn.ts";
import { SocketStream, streamEvents } from "../../tunnel/socket.ts";
import type { ByteStream } from "../../tunnel/stream.ts";
import { connectInTurn, type DialOptions, dialTarget, KEEPALIVE_MS, withinPending } from "../target-dial.ts";
import type { TargetPolicy } from "../target-policy.ts";
import type { Origin } from "./origin.ts";

/**
 * Connects to an origin, with TLS where it says `https`: to an address that the policy has allowed, asked anew each time.
 * @throws SallyportError as `dialTarget`; TLS_UNTRUSTED, TLS_FAILED
 */
export async function connectOrigin(
  origin: Origin,
  policy: TargetPolicy,
  dial: DialOptions,
): Promise<ByteStream> {
  if (origin.scheme === "http") return dialTarget(origin, policy, dial);
  const authorities = origin.authorities ?? (origin.verify ? await trustedAuthorities(undefined) : undefined);
  return connectInTurn(origin, policy, dial, (address, port, signal) =>
    withinPending(() => new TlsAttempt(origin, authorities).connect(address, port, signal)),
  );
}

/** One connection and its handshake. */
class TlsAttempt {
  readonly #result = Promise.withResolvers<ByteStream>();
  #connected = false;

  constructor(
    private readonly origin: Origin,
    private readonly authorities: string | string[] | undefined,
  ) {}

  async connect(address: string, port: number, signal: AbortSignal): Promise<ByteStream> {
    const { host, verify } = this.origin;
    const stream = new SocketStream();
    const connecting = Bun.connect<SocketStream>({
      hostname: address,
      port,
      allowHalfOpen: true,
      data: stream,
      tls: {
        ...(isIP(host) === 0 && { serverName: host }),
        ...(this.authorities !== undefined && { ca: this.authorities }),
        rejectUnauthorized: verify,
        ALPNProtocols: encodeProtocols(["http/1.1"]),
      },
      socket: this.#events(),
    });
    connecting.catch((error: unknown) => this.#result.reject(error));
    const abort = () => {
      this.#result.reject(signal.reason);
      stream.destroy();
    };
    signal.addEventListener("abort", abort);
    try {
      return await this.#result.promise;
    } catch (error) {
      stream.destroy();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #events(): SocketHandler<SocketStream> {
    return {
      ...streamEvents,
      open: (socket) => {
        this.#connected = true;
        socket.setNoDelay(true);
        socket.setKeepAlive(true, KEEPALIVE_MS);
      },
      handshake: (socket, ok, error) => {
        const flaw = this.#flaw(socket, ok, error);
        if (flaw === undefined) {
          socket.data.open(socket);
          return this.#result.resolve(socket.data);
        }
        this.#result.reject(this.#failed(flaw));
        socket.terminate();
      },
      connectError: (_socket, error) => this.#result.reject(error),
      error: (socket, error) => {
        this.#result.reject(this.#failed(error));
        streamEvents.error(socket, error);
      },
      close: (socket, error) => {
        this.#result.reject(this.#failed(error ?? new Error("the connection was closed")));
        streamEvents.close(socket, error);
      },
    };
  }

  /**
   * Bun completes handshakes with certificates that are not trusted, or for another name, and complains here; where
   * nothing is to be verified that is no flaw. Handshakes that failed carry the code of a system error, as EPROTO.
   */
  #flaw(socket: Socket<SocketStream>, ok: boolean, error: Error | null): Error | undefined {
    const { host, verify } = this.origin;
    const complaint = /^[A-Z0-9]+(_[A-Z0-9]+)+$/.test(systemCode(error) ?? "");
    if (!verify && (ok || complaint)) return undefined;
    if (!ok || error || !socket.authorized) return error ?? new Error("its certificate is not trusted");
    const certificate = socket.getPeerX509Certificate();
    const fits =
      isIP(host) === 0 ? certificate.checkHost(host, { subject: "never" }) : certificate.checkIP(host);
    return fits === undefined ? new Error("its certificate is for another name") : undefined;
  }

  #failed(cause: Error): Error {
    if (!this.#connected) return cause;
    const { host, verify } = this.origin;
    return new SallyportError(
      verify ? "TLS_UNTRUSTED" : "TLS_FAILED",
      `The TLS handshake with ${host} failed: ${describe(cause)}.`,
      { cause },
    );
  }
}
