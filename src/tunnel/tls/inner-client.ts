import { GATEWAY_URI_PREFIX } from "../../pki/extensions.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { isOwnMode } from "../alpn.ts";
import type { ByteStream } from "../stream.ts";
import type { Certificate } from "./certificate.ts";
import type { ClientIdentity, TlsConnection } from "./connection.ts";
import { dialTls } from "./dial-tls.ts";

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

/**
 * The inner TLS session, through the outer stream, with the gateway itself (PROTOCOL D, stage 2). The outer stream
 * belongs to the result: it ends with it, and is destroyed when this fails. TLS 1.3.
 *
 * Where one of our own modes is agreed on, a stream that was cut short closes with an error. Other gateways say no
 * close_notify (PROTOCOL 0.5), so there the outer stream's orderly end is the end.
 * @throws SallyportError TLS_UNTRUSTED, TLS_FAILED, CERTIFICATE_REFUSED, MODE_UNSUPPORTED, TIMEOUT, CONFIG_INVALID; the signal's reason
 */
export function dialInnerTls(outer: ByteStream, options: InnerTlsDial): Promise<TlsConnection> {
  const { identity, alpns, timeoutMs, signal } = options;
  return dialTls(outer, {
    identity,
    server: "the gateway",
    protocols: alpns,
    checkName: (certificate) => requireGateway(certificate, options),
    rules: (alpn) => ({ strict: isOwnMode(alpn) }),
    timeoutMs,
    signal,
  });
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
