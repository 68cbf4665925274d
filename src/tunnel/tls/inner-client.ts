import { GATEWAY_URI_PREFIX } from "../../pki/extensions.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { isOwnMode } from "../alpn.ts";
import type { ByteStream } from "../stream.ts";
import type { Certificate } from "./certificate.ts";
import type { Agreed } from "./handshake.ts";
import { dialFailure } from "./handshake-failure.ts";
import { runHandshake } from "./run-handshake.ts";
import { secureContext } from "./secure-context.ts";
import type { ClientIdentity } from "./tls-client.ts";
import type { TlsConnection } from "./tls-server.ts";
import type { TlsSession } from "./tls-session.ts";
import { TrustBundle } from "./trust-bundle.ts";

export interface InnerTlsDial {
  identity: ClientIdentity;
  /** Offered in this order (PROTOCOL D). */
  alpns: readonly string[];
  gatewayId: string;
  /** Whether the certificate must name the gateway (EXTENSIONS X9); false towards Infisical's gateways. */
  requireUri: boolean;
  /** For the handshake through the relay and back. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** The name that every gateway's certificate carries (PROTOCOL D, stage 2). */
const NAME = "localhost";
const SERVER = "the gateway";
const BAD_CERTIFICATE = 42;

/**
 * The inner TLS session, through the outer stream, with the gateway itself (PROTOCOL D, stage 2). The outer stream
 * belongs to the result: it ends with it, and is destroyed when this fails. TLS 1.3.
 *
 * Where one of our own modes is agreed on, a stream that was cut short closes with an error. Other gateways say no
 * close_notify (PROTOCOL 0.5), so there the outer stream's orderly end is the end.
 * @throws SallyportError TLS_UNTRUSTED, TLS_FAILED, CERTIFICATE_REFUSED, MODE_UNSUPPORTED, TIMEOUT, CONFIG_INVALID; the signal's reason
 */
export async function dialInnerTls(outer: ByteStream, options: InnerTlsDial): Promise<TlsConnection> {
  try {
    const authorities = TrustBundle.parse(options.identity.serverAuthorities);
    return await shakeHands(outer, options, (agreed, made) => judge(agreed, made, authorities, options));
  } catch (error) {
    outer.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
}

type Made = (strict: boolean) => TlsSession;

function shakeHands(
  outer: ByteStream,
  options: InnerTlsDial,
  accept: (agreed: Agreed, made: Made) => TlsConnection,
): Promise<TlsConnection> {
  const { identity, alpns, timeoutMs, signal } = options;
  const context = secureContext(identity, identity.serverAuthorities);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    let stopped: unknown;
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const stop = (reason: unknown) => {
      stopped = reason;
      giveUp(new Error("given up"));
    };
    const abort = () => stop(signal?.reason);
    const timer = setTimeout(() => {
      const within = `within ${timeoutMs / 1000} s`;
      stop(new SallyportError("TIMEOUT", `TLS with ${SERVER} was not set up ${within}.`));
    }, timeoutMs);
    signal?.addEventListener("abort", abort, { once: true });
    const terms = { role: "client", context, alpns } as const;
    const giveUp = runHandshake(outer, terms, {
      agreed(agreed, made) {
        done();
        try {
          resolve(accept(agreed, made));
        } catch (error) {
          reject(error);
        }
      },
      failed(error) {
        done();
        reject(stopped ?? dialFailure(error, { server: SERVER, protocols: alpns }));
      },
    });
  });
}

/** The certificate is judged before a byte is sent under the new keys. */
function judge(agreed: Agreed, made: Made, authorities: TrustBundle, options: InnerTlsDial): TlsConnection {
  const { alpn } = agreed;
  try {
    if (!agreed.peer || agreed.complaint) throw agreed.complaint ?? new Error("it sent no certificate");
    const peer = authorities.verify(agreed.peer, "server", new Date());
    requireGateway(peer, options);
    return { stream: made(isOwnMode(alpn)), peer, alpn };
  } catch (cause) {
    const failure = dialFailure(cause, { server: SERVER, protocols: options.alpns });
    made(false).refuse(BAD_CERTIFICATE);
    throw failure;
  }
}

function requireGateway({ x509, uris }: Certificate, { gatewayId, requireUri }: InnerTlsDial): void {
  if (x509.checkHost(NAME, { subject: "never" }) === undefined) {
    throw new SallyportError("TLS_UNTRUSTED", `The gateway's certificate does not carry the name ${NAME}.`);
  }
  const names = uris.filter((uri) => uri.startsWith(GATEWAY_URI_PREFIX));
  if (names.length === 0 && !requireUri) return;
  if (names.length === 1 && names[0] === GATEWAY_URI_PREFIX + gatewayId) return;
  const who = names.length === 0 ? "one that does not name itself" : names.join(", ").slice(0, 200);
  throw new SallyportError(
    "TLS_UNTRUSTED",
    `The connection reached another gateway than ${gatewayId}: ${who}. Do not use it; ask who runs the relay.`,
  );
}
