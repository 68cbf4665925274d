import { asSallyportError, SallyportError } from "../telemetry/error.ts";
import { splitKeyLine, sshPublicKeyLine } from "./ssh-keys.ts";
import { readKeyFields, readSshPublicKey } from "./ssh-public-key.ts";
import { SshReader, SshWriter } from "./ssh-wire.ts";

export { verifySshSignature } from "./ssh-signature.ts";

/** An OpenSSH certificate (OpenSSH's PROTOCOL.certkeys), read but not yet believed: nothing is verified. */
export interface SshCertificate {
  /** The type in the blob, such as `ssh-rsa-cert-v01@openssh.com`. */
  type: string;
  /** The type of the plain key inside, such as `ssh-rsa`. */
  keyType: string;
  /** The plain key inside. */
  publicBlob: Buffer;
  serial: bigint;
  kind: "user" | "host";
  /** One character per byte, like the principals and the names of options. */
  keyId: string;
  /** One character per byte, never normalised: compare exactly. */
  principals: string[];
  /** Seconds since 1970. */
  validAfter: bigint;
  /** Seconds since 1970, exclusive; all ones: for ever. */
  validBefore: bigint;
  criticalOptions: Map<string, Buffer>;
  extensions: Map<string, Buffer>;
  /** The plain key of the authority that signed. */
  authorityBlob: Buffer;
  signatureFormat: string;
  /** The signature blob. */
  signature: Buffer;
  /** What the signature covers. */
  signedPart: Buffer;
  /** All of it. */
  blob: Buffer;
}

export const CERTIFICATE_SUFFIX = "-cert-v01@openssh.com";
/** Limits: of OpenSSH the number of principals, of an unauthenticated packet (35000 bytes) the rest. */
const LONGEST_BLOB = 32 * 1024;
const MOST_PRINCIPALS = 256;
const MOST_OPTIONS = 64;

/**
 * Reads a certificate of unknown origin: every length bounded, options in strictly ascending order (as Go's SSH wants
 * them), nothing after the signature. The blob is copied. @throws SallyportError CERTIFICATE_REFUSED
 */
export function parseSshCertificate(bytes: Buffer): SshCertificate {
  if (bytes.length > LONGEST_BLOB) throw refused(`it is longer than ${LONGEST_BLOB} bytes`);
  try {
    return parse(Buffer.from(bytes));
  } catch (error) {
    if (error instanceof SallyportError && error.code === "CERTIFICATE_REFUSED") throw error;
    throw new SallyportError("CERTIFICATE_REFUSED", "The SSH certificate can't be read.", { cause: error });
  }
}

/** Reads `<type> <base64>[ comment]`. @throws SallyportError CERTIFICATE_REFUSED */
export function parseSshCertificateLine(line: string): SshCertificate {
  let parts: { type: string; blob: Buffer };
  try {
    parts = splitKeyLine(line, 2 * LONGEST_BLOB);
  } catch (error) {
    throw new SallyportError("CERTIFICATE_REFUSED", asSallyportError(error, "INTERNAL", "line").message);
  }
  const certificate = parseSshCertificate(parts.blob);
  if (certificate.type !== parts.type) throw refused("the first word of its line is not its type");
  return certificate;
}

/** `<type> <base64>[ comment]`. */
export function sshCertificateLine(blob: Buffer, comment?: string): string {
  return sshPublicKeyLine(blob, comment);
}

/** The text of an extension; its value is a string inside the string. Undefined: absent, or not of that form. */
export function extensionText(certificate: SshCertificate, name: string): string | undefined {
  const value = certificate.extensions.get(name);
  if (!value) return undefined;
  try {
    const reader = new SshReader(value);
    const text = reader.string(1024);
    reader.end();
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    return undefined;
  }
}

function parse(blob: Buffer): SshCertificate {
  const reader = new SshReader(blob);
  const type = reader.latin1(64);
  if (!type.endsWith(CERTIFICATE_SUFFIX)) throw refused("it is no certificate but a plain key");
  const keyType = type.slice(0, -CERTIFICATE_SUFFIX.length);
  reader.string(256);
  const keyStart = reader.position;
  readKeyFields(keyType, reader);
  const publicBlob = Buffer.concat([
    new SshWriter().string(keyType).toBuffer(),
    blob.subarray(keyStart, reader.position),
  ]);
  const serial = reader.uint64();
  const kind = readKind(reader.uint32());
  const keyId = reader.latin1();
  const principals = readPrincipals(reader.string());
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const criticalOptions = readOptions(reader.string());
  const extensions = readOptions(reader.string());
  reader.string(256);
  const authorityBlob = reader.string();
  if (readSshPublicKey(authorityBlob).type.includes("-cert-"))
    throw refused("its authority is itself a certificate");
  const signedPart = blob.subarray(0, reader.position);
  const signature = reader.string(4096);
  reader.end();
  const signatureFormat = new SshReader(signature).latin1(64);
  return {
    type,
    keyType,
    publicBlob,
    serial,
    kind,
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    extensions,
    authorityBlob,
    signatureFormat,
    signature,
    signedPart,
    blob,
  };
}

function readKind(kind: number): "user" | "host" {
  if (kind === 1) return "user";
  if (kind === 2) return "host";
  throw refused(`its kind ${kind} is neither user nor host`);
}

function readPrincipals(bytes: Buffer): string[] {
  const reader = new SshReader(bytes);
  const principals: string[] = [];
  while (!reader.atEnd) {
    if (principals.length === MOST_PRINCIPALS)
      throw refused(`it has more than ${MOST_PRINCIPALS} principals`);
    principals.push(reader.latin1());
  }
  return principals;
}

function readOptions(bytes: Buffer): Map<string, Buffer> {
  const reader = new SshReader(bytes);
  const options = new Map<string, Buffer>();
  let last: string | undefined;
  while (!reader.atEnd) {
    if (options.size === MOST_OPTIONS) throw refused(`it has more than ${MOST_OPTIONS} options`);
    const name = reader.latin1(256);
    if (last !== undefined && name <= last) throw refused("its options are out of order");
    options.set(name, reader.string());
    last = name;
  }
  return options;
}

function refused(why: string): SallyportError {
  return new SallyportError("CERTIFICATE_REFUSED", `The SSH certificate was refused: ${why}.`);
}
