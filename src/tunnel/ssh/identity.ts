import type { SshIdentity } from "../../pki/credentials.ts";
import { parseSshCertificateLine, type SshCertificate } from "../../pki/ssh-certificate.ts";
import { readSshPrivateKey } from "../../pki/ssh-private-key.ts";
import type { SshSigner } from "../../pki/ssh-signature.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** A certificate and the key it certifies, ready to use. */
export interface LoadedIdentity {
  certificate: SshCertificate;
  signer: SshSigner;
}

/** @throws SallyportError CONFIG_INVALID or CERTIFICATE_REFUSED */
export function loadIdentity(identity: SshIdentity): LoadedIdentity {
  const certificate = parseSshCertificateLine(identity.certificate);
  const signer = readSshPrivateKey(identity.privateKey);
  if (!signer.publicBlob.equals(certificate.publicBlob)) {
    throw new SallyportError("CONFIG_INVALID", "The SSH certificate belongs to another private key.");
  }
  return { certificate, signer };
}
