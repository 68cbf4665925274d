import type { X509Identity } from "../../src/pki/credentials.ts";
import { exportPrivateKey, generateX509Key } from "../../src/pki/keys.ts";
import { encodePem } from "../../src/pki/pem.ts";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "../../src/pki/x509.ts";

const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

export const EKU = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

export interface OddAuthority {
  certificate: X509Certificate;
  keys: CryptoKeyPair;
  pem: string;
}

export interface OddCertificate {
  subject: string;
  extensions: Extension[];
  notBefore?: Date;
  notAfter?: Date;
  serial?: string;
  /** Fresh ones unless given. */
  keys?: CryptoKeyPair;
}

/** A certificate with exactly these contents, which the product's own authorities would never sign. */
export async function signOdd(issuer: OddAuthority | null, wish: OddCertificate): Promise<OddAuthority> {
  const keys = wish.keys ?? (await generateX509Key()).keyPair;
  const now = Date.now();
  const certificate = await X509CertificateGenerator.create({
    subject: wish.subject,
    issuer: issuer ? issuer.certificate.subjectName : wish.subject,
    signingKey: (issuer?.keys ?? keys).privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: SIGNING,
    notBefore: wish.notBefore ?? new Date(now - HOUR_MS),
    notAfter: wish.notAfter ?? new Date(now + HOUR_MS),
    serialNumber: wish.serial ?? crypto.randomUUID().replaceAll("-", "").replace(/^./, "4"),
    extensions: wish.extensions,
  });
  return { certificate, keys, pem: encodePem("CERTIFICATE", certificate.rawData) };
}

export function oddRoot(subject: string, wish: Partial<OddCertificate> = {}): Promise<OddAuthority> {
  return signOdd(null, { subject, extensions: authorityExtensions(), ...wish });
}

export function oddAuthority(
  issuer: OddAuthority,
  subject: string,
  wish: Partial<OddCertificate> & { pathLength?: number } = {},
): Promise<OddAuthority> {
  const { pathLength, ...rest } = wish;
  return signOdd(issuer, { subject, extensions: authorityExtensions(pathLength), ...rest });
}

export function oddLeaf(
  issuer: OddAuthority,
  subject: string,
  wish: Partial<OddCertificate> & { purposes?: string[]; more?: Extension[]; names?: JsonGeneralName[] } = {},
): Promise<OddAuthority> {
  const { purposes = [EKU.client], more = [], names = [], ...rest } = wish;
  const extensions: Extension[] = [new BasicConstraintsExtension(false)];
  if (purposes.length > 0) extensions.push(new ExtendedKeyUsageExtension(purposes, true));
  if (names.length > 0) extensions.push(new SubjectAlternativeNameExtension(names));
  return signOdd(issuer, { subject, extensions: [...extensions, ...more], ...rest });
}

export function authorityExtensions(pathLength?: number, usages = KeyUsageFlags.keyCertSign): Extension[] {
  return [new BasicConstraintsExtension(true, pathLength, true), new KeyUsagesExtension(usages, true)];
}

/** An extension with these raw bytes as its value. */
export function rawExtension(oid: string, value: string | Uint8Array): Extension {
  return new Extension(oid, false, typeof value === "string" ? Buffer.from(value) : Uint8Array.from(value));
}

/** What a TLS end is given: the leaf, and whatever else it is to send along. */
export async function oddIdentity(leaf: OddAuthority, ...sentAlong: OddAuthority[]): Promise<X509Identity> {
  const der = await exportPrivateKey(leaf.keys.privateKey);
  return {
    certificate: [leaf, ...sentAlong].map(({ pem }) => pem).join(""),
    privateKey: encodePem("PRIVATE KEY", der),
  };
}

export function bundle(...authorities: OddAuthority[]): string {
  return authorities.map(({ pem }) => pem).join("");
}

export function der(leaf: OddAuthority): Buffer {
  return Buffer.from(leaf.certificate.rawData);
}
