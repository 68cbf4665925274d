import { X509Certificate } from "node:crypto";
import { formatHostPort, parseHostPort } from "../host/address.ts";
import type { GatewayCredentials, GatewayRelay } from "../pki/credentials.ts";
import { parseSshCertificateLine } from "../pki/ssh-certificate.ts";
import type { GatewayConnect } from "../platform-client/calls/gateway-agent.ts";
import { keyOf, type OwnKeys } from "../platform-client/own-keys.ts";
import { describe, SallyportError } from "../telemetry/error.ts";

/** Credentials with the time in which all of them are valid, in milliseconds since 1970. */
export interface Issued {
  credentials: GatewayCredentials;
  validFrom: number;
  validUntil: number;
}

/** PROTOCOL 0.1: where a relay's SSH side listens when nothing else is said. */
const SSH_PORT = 2222;

/**
 * Reads a connect answer of either platform: Sallyport's `relays`, or PROTOCOL A.1's single fields. Private keys in the
 * answer are used where they are; otherwise ours must be the ones that were certified.
 * @param relayName the one relay that was asked for, to name it where the answer does not
 * @throws SallyportError PLATFORM_ERROR
 */
export function issuedCredentials(
  answer: GatewayConnect,
  keys: OwnKeys,
  gatewayName: string,
  relayName?: string,
): Issued {
  try {
    return validity({
      gatewayId: answer.gatewayId,
      gatewayName,
      relays: relaysOf(answer, keys, relayName),
      tls: {
        certificate: answer.pki.serverCertificate,
        privateKey: keyOf(answer.pki.serverCertificate, answer.pki.serverPrivateKey, keys),
        clientAuthorities: answer.pki.clientCertificateChain,
      },
    });
  } catch (error) {
    throw new SallyportError(
      "PLATFORM_ERROR",
      `The platform's certificates can't be used: ${describe(error)}`,
      { cause: error },
    );
  }
}

/** @throws SallyportError and others when a certificate can't be read */
export function validity(credentials: GatewayCredentials): Issued {
  const leaf = new X509Certificate(credentials.tls.certificate);
  const spans = [{ from: Date.parse(leaf.validFrom), until: Date.parse(leaf.validTo) }];
  for (const relay of credentials.relays) {
    const { validAfter, validBefore } = parseSshCertificateLine(relay.ssh.certificate);
    spans.push({ from: Number(validAfter) * 1000, until: Number(validBefore) * 1000 });
  }
  return {
    credentials,
    validFrom: Math.max(...spans.map((span) => span.from)),
    validUntil: Math.min(...spans.map((span) => span.until)),
  };
}

/** The name of a relay for people, and what tells two relays apart. */
export function relayLabel(relay: GatewayRelay): string {
  return relay.relayName ?? formatHostPort(relay.host, relay.sshPort);
}

function relaysOf(answer: GatewayConnect, keys: OwnKeys, relayName: string | undefined): GatewayRelay[] {
  const listed = answer.relays ?? [];
  if (listed.length > 0) return listed.map((relay) => toRelay(relay, keys));
  const { relayHost, sshPort, ssh } = answer;
  if (relayHost === undefined || !ssh) throw new Error("the answer names no relay");
  return [toRelay({ relayName, relayHost, sshPort, ssh }, keys)];
}

function toRelay(
  given: {
    relayName: string | undefined;
    relayHost: string;
    sshPort?: number | undefined;
    ssh: NonNullable<GatewayConnect["ssh"]>;
  },
  keys: OwnKeys,
): GatewayRelay {
  const { clientCertificate, clientPrivateKey, serverCAPublicKey } = given.ssh;
  if (clientPrivateKey === undefined) {
    const certified = parseSshCertificateLine(clientCertificate).publicBlob;
    if (!certified.equals(keys.ssh.publicBlob)) throw new Error("the SSH certificate is for another key");
  }
  return {
    relayName: given.relayName,
    host: parseHostPort(given.relayHost, "relayHost", SSH_PORT).host,
    sshPort: given.sshPort ?? SSH_PORT,
    ssh: { certificate: clientCertificate, privateKey: clientPrivateKey ?? keys.ssh.privateKey },
    hostAuthorities: serverCAPublicKey.split(/\r?\n/).filter((line) => line.trim() !== ""),
  };
}
