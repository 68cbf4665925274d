import { CERTIFICATE_SUFFIX } from "../../pki/ssh-certificate.ts";

/** What an end negotiates besides the host key, best first. */
export interface Algorithms {
  kex: string[];
  ciphers: string[];
  macs: string[];
}

/** Infisical's gateways find group14, CTR and plain HMAC in it (PROTOCOL 0.2). */
export const ALGORITHMS: Algorithms = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "diffie-hellman-group14-sha256",
  ],
  ciphers: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"],
  macs: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
};

/** What a name in KEXINIT or USERAUTH_REQUEST stands for. RSA has one certificate type and two signature formats. */
export interface CertificateAlgorithm {
  /** The name that is negotiated. */
  name: string;
  /** The type inside the blob. */
  blobType: string;
  /** The only signature format that goes with it; SHA-1 has no entry. */
  signatureFormat: string;
}

/** Best first. A raw key has no entry: neither end ever offers or accepts one. */
export const CERTIFICATE_ALGORITHMS: readonly CertificateAlgorithm[] = [
  ...["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"].map((type) => ({
    name: type + CERTIFICATE_SUFFIX,
    blobType: type + CERTIFICATE_SUFFIX,
    signatureFormat: type,
  })),
  ...["rsa-sha2-512", "rsa-sha2-256"].map((format) => ({
    name: format + CERTIFICATE_SUFFIX,
    blobType: `ssh-rsa${CERTIFICATE_SUFFIX}`,
    signatureFormat: format,
  })),
];

/** The algorithm of that name in KEXINIT or USERAUTH_REQUEST. */
export function certificateAlgorithm(name: string): CertificateAlgorithm | undefined {
  return CERTIFICATE_ALGORITHMS.find((algorithm) => algorithm.name === name);
}

/** The algorithms that a certificate of this type can be used with, best first. */
export function algorithmsOfType(blobType: string): CertificateAlgorithm[] {
  return CERTIFICATE_ALGORITHMS.filter((algorithm) => algorithm.blobType === blobType);
}

/** One end's half of the negotiation; ssh2 adds strict key exchange and, for clients, `ext-info-c`. */
export function offer(serverHostKey: string[], { kex, ciphers, macs } = ALGORITHMS) {
  const direction = () => ({ cipher: ciphers, mac: macs, compress: ["none"], lang: [] });
  return { kex, serverHostKey, cs: direction(), sc: direction() };
}
