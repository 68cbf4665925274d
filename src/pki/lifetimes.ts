import { X509Certificate } from "node:crypto";
import type { Lifetime } from "../telemetry/certificates.ts";
import type { GatewayCredentials, RelayCredentials } from "./credentials.ts";
import { parseSshCertificateLine } from "./ssh-certificate.ts";

/** When each certificate of a gateway ends: `tls`, and `ssh <relay>` for each relay. */
export function gatewayLifetimes({ tls, relays }: GatewayCredentials): Lifetime[] {
  return [
    x509Lifetime("tls", tls.certificate),
    ...relays.map((relay) => sshLifetime(`ssh ${relay.relayName ?? relay.host}`, relay.ssh.certificate)),
  ];
}

/** When each certificate of a relay ends: `tls` and `ssh`. */
export function relayLifetimes({ tls, ssh }: RelayCredentials): Lifetime[] {
  return [x509Lifetime("tls", tls.certificate), sshLifetime("ssh", ssh.host.certificate)];
}

function x509Lifetime(name: string, pem: string): Lifetime {
  const { validFrom, validTo } = new X509Certificate(pem);
  return { name, from: new Date(validFrom), until: new Date(validTo) };
}

function sshLifetime(name: string, line: string): Lifetime {
  const { validAfter, validBefore } = parseSshCertificateLine(line);
  return { name, from: dateOf(validAfter), until: dateOf(validBefore) };
}

/** The largest time that a Date holds, for certificates without an end (PROTOCOL.certkeys: 2^64 - 1). */
const FOREVER_MS = 8_640_000_000_000_000;

function dateOf(seconds: bigint): Date {
  return new Date(Math.min(Number(seconds) * 1000, FOREVER_MS));
}
