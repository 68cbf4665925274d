import { parseCertificate } from "./certificate.ts";

/** Who stands at the other end of a TLS connection, as its certificate says. */
export interface PeerCertificate {
  /** The last CN: the one that Go reads too (PROTOCOL C.4). */
  commonName: string;
  organisation: string;
  organisationalUnit: string;
  /** Lower-case hex without leading zeros. */
  serial: string;
  notBefore: Date;
  notAfter: Date;
  /** URI names of the subject alternative name extension. */
  uris: string[];
  /** SHA-256 over the whole certificate, lower-case hex. */
  fingerprint: string;
  /** The value of an extension (the bytes inside the octet string), if it is there. */
  extension(oid: string): Buffer | undefined;
}

/** Reads a certificate; says nothing about whether it is to be trusted (see TrustBundle). @throws CERTIFICATE_REFUSED */
export function parsePeerCertificate(der: Uint8Array): PeerCertificate {
  return parseCertificate(der);
}
