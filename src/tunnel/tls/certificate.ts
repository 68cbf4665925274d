import { X509Certificate } from "node:crypto";
import { SallyportError } from "../../telemetry/error.ts";
import { contextTag, DerReader, encodeOid, malformed, TAG } from "./der.ts";

/** Largest certificate that is looked at. Ours are below 2 KiB. */
const SIZE_LIMIT = 32 * 1024;
const EXTENSION_LIMIT = 64;

const OID = {
  commonName: encodeOid("2.5.4.3"),
  organisation: encodeOid("2.5.4.10"),
  keyUsage: encodeOid("2.5.29.15"),
  subjectAltName: encodeOid("2.5.29.17"),
  basicConstraints: encodeOid("2.5.29.19"),
} as const;

/** What a certificate may mark as critical: what we, or the library below, act on (RFC 5280, 4.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  encodeOid("2.5.29.32"),
  encodeOid("2.5.29.37"),
]);

const URI = contextTag(6, false);
const KEY_CERT_SIGN = 0x04;

/** A certificate as the rules need it: what `node:crypto` says of it, and what it does not say. */
export interface Certificate {
  /** For signatures, names and issuers. */
  x509: X509Certificate;
  /** The last CN: the one that Go reads too (PROTOCOL C.4). */
  commonName: string;
  organisation: string;
  /** Lower-case hex without leading zeros. */
  serial: string;
  notBefore: Date;
  notAfter: Date;
  uris: string[];
  /** Issuer and subject are the same name. */
  selfIssued: boolean;
  /** SHA-256 over the whole certificate, lower-case hex. */
  fingerprint: string;
  /** BasicConstraints CA:TRUE. */
  isAuthority: boolean;
  hasConstraints: boolean;
  /** How many authorities may stand between this one and a leaf; undefined: any number. */
  pathLength: number | undefined;
  /** True also where the certificate does not restrict its key's usage. */
  maySignCertificates: boolean;
  /** Object identifiers of the extended key usage; empty without that extension. */
  purposes: readonly string[];
  /** The extension's value (the bytes inside the octet string), if it is there. */
  extension(oid: string): Buffer | undefined;
}

/**
 * Reads one X.509 certificate (RFC 5280, 4.1). A name that occurs several times in the subject counts by its **last**
 * value, as Go reads it; an extension that occurs twice is refused, and one that is critical and unknown.
 * @throws SallyportError CERTIFICATE_REFUSED
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const bytes = Buffer.from(der);
  if (bytes.length > SIZE_LIMIT) throw malformed(`more than ${SIZE_LIMIT} bytes`);
  const x509 = toX509(bytes);
  const outer = new DerReader(bytes);
  const tbs = outer.enter(TAG.sequence).enter(TAG.sequence);
  outer.finish();
  tbs.optional(contextTag(0, true));
  const serial = readSerial(tbs.expect(TAG.integer));
  tbs.expect(TAG.sequence);
  tbs.expect(TAG.sequence);
  const validity = tbs.enter(TAG.sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  const subject = readSubject(tbs.enter(TAG.sequence));
  tbs.expect(TAG.sequence);
  tbs.optional(contextTag(1, false));
  tbs.optional(contextTag(2, false));
  const extensions = readExtensions(tbs.optional(contextTag(3, true)));
  tbs.finish();
  const constraints = readConstraints(extensions.get(OID.basicConstraints));
  return {
    x509,
    ...subject,
    serial,
    notBefore,
    notAfter,
    uris: readUris(extensions.get(OID.subjectAltName)),
    selfIssued: x509.subject === x509.issuer,
    fingerprint: x509.fingerprint256.replaceAll(":", "").toLowerCase(),
    ...constraints,
    maySignCertificates: readCertSign(extensions.get(OID.keyUsage)),
    purposes: x509.keyUsage ?? [],
    extension: (oid) => extensions.get(encodeOid(oid)),
  };
}

function toX509(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new SallyportError("CERTIFICATE_REFUSED", "The certificate cannot be read.", { cause });
  }
}

/** Serials are positive (PROTOCOL C.4). */
function readSerial(content: Buffer): string {
  const hex = content.toString("hex").replace(/^0+/, "");
  if (hex === "" || (content[0] ?? 0) >= 0x80) throw malformed("a serial number that is not positive");
  return hex;
}

/** RFC 5280, 4.1.2.5: always in UTC, with seconds. */
function readTime(reader: DerReader): Date {
  const { tag, content } = reader.next();
  const text = content.toString("latin1");
  const generalized = tag === TAG.generalizedTime;
  if (!generalized && tag !== TAG.utcTime) throw malformed("a date of another type than expected");
  const match = (
    generalized ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
  ).exec(text);
  if (!match) throw malformed("a date that cannot be read");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const century = generalized ? 0 : year < 50 ? 2000 : 1900;
  return new Date(Date.UTC(century + year, month - 1, day, hour, minute, second));
}

function readSubject(rdns: DerReader) {
  const last = new Map<string, string>();
  while (!rdns.done) {
    const attributes = rdns.enter(TAG.set);
    while (!attributes.done) {
      const attribute = attributes.enter(TAG.sequence);
      const oid = attribute.expect(TAG.oid).toString("hex");
      const { tag, content } = attribute.next();
      last.set(oid, readText(tag, content));
    }
  }
  return {
    commonName: last.get(OID.commonName) ?? "",
    organisation: last.get(OID.organisation) ?? "",
  };
}

const UTF8_STRING = 0x0c;
const BMP_STRING = 0x1e;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true });

function readText(tag: number, content: Buffer): string {
  if (tag !== UTF8_STRING && tag !== BMP_STRING) return content.toString("latin1");
  try {
    return (tag === UTF8_STRING ? utf8 : utf16).decode(content);
  } catch {
    throw malformed("a name that is no valid text");
  }
}

function readExtensions(content: Buffer | undefined): Map<string, Buffer> {
  const extensions = new Map<string, Buffer>();
  if (!content) return extensions;
  const list = new DerReader(content).enter(TAG.sequence);
  while (!list.done) {
    const extension = list.enter(TAG.sequence);
    const oid = extension.expect(TAG.oid).toString("hex");
    const critical = (extension.optional(TAG.boolean)?.[0] ?? 0) !== 0;
    if (critical && !UNDERSTOOD.has(oid)) throw malformed("a critical extension that is unknown");
    const value = extension.expect(TAG.octetString);
    extension.finish();
    if (extensions.has(oid)) throw malformed("an extension that occurs twice");
    if (extensions.size >= EXTENSION_LIMIT) throw malformed("too many extensions");
    extensions.set(oid, value);
  }
  return extensions;
}

function readConstraints(content: Buffer | undefined) {
  if (!content) return { hasConstraints: false, isAuthority: false, pathLength: undefined };
  const constraints = new DerReader(content).enter(TAG.sequence);
  const isAuthority = (constraints.optional(TAG.boolean)?.[0] ?? 0) !== 0;
  const limit = constraints.optional(TAG.integer);
  constraints.finish();
  if (limit && (limit.length !== 1 || (limit[0] ?? 0) >= 0x80)) throw malformed("an odd path length");
  return { hasConstraints: true, isAuthority, pathLength: limit?.[0] };
}

function readCertSign(content: Buffer | undefined): boolean {
  if (!content) return true;
  const bits = new DerReader(content).expect(TAG.bitString);
  return ((bits[1] ?? 0) & KEY_CERT_SIGN) !== 0;
}

function readUris(content: Buffer | undefined): string[] {
  if (!content) return [];
  const names = new DerReader(content).enter(TAG.sequence);
  const uris: string[] = [];
  while (!names.done) {
    const { tag, content: name } = names.next();
    if (tag === URI) uris.push(name.toString("latin1"));
  }
  return uris;
}
