import { createHash } from "node:crypto";
import { decodePem } from "./pem.ts";
import type { SshAuthority } from "./ssh-authority.ts";
import { parseSshPublicKey } from "./ssh-keys.ts";
import type { X509Authority } from "./x509-authority.ts";

/** SHA-256 of an authority's certificate, or of the plain key blob of an SSH authority: lower-case hex. */
export function authorityFingerprint(authority: X509Authority | SshAuthority): string {
  if ("publicBlob" in authority) return sha256(authority.publicBlob);
  const [der] = decodePem("CERTIFICATE", authority.certificatePem);
  return sha256(der ?? new Uint8Array());
}

/** The same, of every certificate in a bundle. @throws SallyportError CONFIG_INVALID */
export function bundleFingerprints(pem: string): string[] {
  return decodePem("CERTIFICATE", pem).map(sha256);
}

/** The same, of a public key line. @throws SallyportError CONFIG_INVALID */
export function lineFingerprint(line: string): string {
  return sha256(parseSshPublicKey(line));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
