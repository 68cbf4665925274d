import { createPrivateKey, X509Certificate } from "node:crypto";
import { createCertificateRequest } from "../pki/csr.ts";
import { generateX509Key } from "../pki/keys.ts";
import { generateSshKey, type SshKey } from "../pki/ssh-keys.ts";
import { SallyportError } from "../telemetry/error.ts";

/** The public parts of keys made by the caller (EXTENSIONS X1): PKCS#10 PEM, and an OpenSSH public key line. */
export interface PublicParts {
  csr?: string;
  sshPublicKey?: string;
}

/** Keys that never leave this machine. */
export interface OwnKeys {
  tlsPrivateKey: string;
  ssh: SshKey;
  /** What is sent. */
  parts: Required<PublicParts>;
}

export async function generateOwnKeys(): Promise<OwnKeys> {
  const [tls, ssh] = await Promise.all([generateX509Key("ecdsa-p256"), generateSshKey("ed25519")]);
  const csr = await createCertificateRequest(tls.keyPair);
  return { tlsPrivateKey: tls.privateKeyPem, ssh, parts: { csr, sshPublicKey: ssh.publicLine } };
}

/**
 * The key of a certificate that a platform issued: the one in its answer, where it made its own, or ours.
 * @throws SallyportError PLATFORM_ERROR
 */
export function keyOf(certificate: string, answered: string | undefined, own: OwnKeys): string {
  const privateKey = answered ?? own.tlsPrivateKey;
  if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) return privateKey;
  throw new SallyportError("PLATFORM_ERROR", "The platform sent a certificate for another key; try again.");
}
