import { createPrivateKey } from "node:crypto";
import type { X509Identity } from "../../pki/credentials.ts";
import { decodePem } from "../../pki/pem.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";

/** Leaves kept parsed: a client looks at its own before every dial. */
const KEPT_LEAVES = 16;
const kept = new Map<string, Certificate>();

/** The leaf of an identity of ours. @throws SallyportError CONFIG_INVALID if there is none */
export function readLeaf(pem: string): Certificate {
  const known = kept.get(pem);
  if (known) return known;
  const der = decodePem("CERTIFICATE", pem)[0];
  if (!der) throw new SallyportError("CONFIG_INVALID", "There is no certificate in the TLS credentials.");
  const leaf = parseCertificate(der);
  const oldest = kept.size >= KEPT_LEAVES ? kept.keys().next().value : undefined;
  if (oldest !== undefined) kept.delete(oldest);
  kept.set(pem, leaf);
  return leaf;
}

/**
 * Checks that the private key belongs to the certificate: Bun takes any pair, and every handshake fails.
 * @throws SallyportError CONFIG_INVALID
 */
export function requirePair({ certificate, privateKey }: X509Identity): void {
  const { x509 } = readLeaf(certificate);
  if (!x509.checkPrivateKey(readKey(privateKey))) {
    throw new SallyportError("CONFIG_INVALID", "The private key does not belong to the TLS certificate.");
  }
}

function readKey(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", `The TLS private key cannot be read: ${describe(cause)}.`, {
      cause,
    });
  }
}
