import { isIP } from "node:net";
import { formatHostPort } from "../../host/address.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { ALPN } from "../alpn.ts";
import type { Certificate } from "./certificate.ts";
import { type ClientIdentity, dialTls } from "./tls-client.ts";
import type { TlsConnection } from "./tls-server.ts";

export interface OuterTlsDial {
  /** DNS name or address of the relay, as its certificate names it; IPv6 with or without brackets. */
  host: string;
  /** Where to connect when `host` was resolved already. */
  address?: string | undefined;
  port: number;
  identity: ClientIdentity;
  /** For TCP and TLS together. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Dials a relay (PROTOCOL D, stage 1) and offers `sallyport-relay/1`; where that is agreed on the relay's status line
 * comes first. A relay that does not know this client's certificate shows only afterwards (TLS 1.3).
 * @throws SallyportError RELAY_UNREACHABLE, TLS_UNTRUSTED, TLS_FAILED, CERTIFICATE_REFUSED, TIMEOUT; the signal's reason
 */
export function dialOuterTls(options: OuterTlsDial): Promise<TlsConnection> {
  const host = options.host.replace(/^\[(.*)\]$/, "$1");
  return dialTls({
    address: { hostname: options.address ?? host, port: options.port },
    ...(isIP(host) === 0 && { serverName: host }),
    server: `the relay ${formatHostPort(host, options.port)}`,
    identity: options.identity,
    protocols: [ALPN.relay],
    checkName: (certificate) => requireHost(certificate, host),
    timeoutMs: options.timeoutMs,
    signal: options.signal,
  });
}

/** The subject alternative names decide, never the common name. */
function requireHost({ x509 }: Certificate, host: string): void {
  const found = isIP(host) === 0 ? x509.checkHost(host, { subject: "never" }) : x509.checkIP(host);
  if (found !== undefined) return;
  const names = (x509.subjectAltName ?? "no name at all").slice(0, 200);
  throw new SallyportError(
    "TLS_UNTRUSTED",
    `The relay's certificate is for ${names}, not for ${host}: is this the right address?`,
  );
}
