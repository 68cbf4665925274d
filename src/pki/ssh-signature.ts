import { type KeyObject, sign, verify } from "node:crypto";
import { SallyportError } from "../telemetry/error.ts";
import { type Curve, readSshPublicKey, sshPublicKeyBlob } from "./ssh-public-key.ts";
import { SshReader, SshWriter } from "./ssh-wire.ts";

const RSA_HASHES: Record<string, string> = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" };

/**
 * Whether `signatureBlob` (`string format, string signature`) is a signature of `data` by the key. The format must fit
 * the key; SHA-1 (`ssh-rsa`), DSA and trailing bytes are never right. Hostile input gives false, not an error.
 */
export function verifySshSignature(publicBlob: Buffer, data: Buffer, signatureBlob: Buffer): boolean {
  try {
    const reader = new SshReader(signatureBlob);
    const format = reader.latin1(64);
    const signature = reader.string(2048);
    reader.end();
    const key = readSshPublicKey(publicBlob);
    if (key.type === "ssh-rsa") return verifyRsa(key.key, RSA_HASHES[format], data, signature);
    if (format !== key.type) return false;
    if (!key.curve) return signature.length === 64 && verify(null, data, key.key, signature);
    const pair = toFixedPair(signature, key.curve);
    return verify(key.curve.hash, data, { key: key.key, dsaEncoding: "ieee-p1363" }, pair);
  } catch {
    return false;
  }
}

/** A private key that signs the SSH way. */
export interface SshSigner {
  /** The plain public key. */
  readonly publicBlob: Buffer;
  /** @returns the signature blob; `format` only matters for RSA, where it is rsa-sha2-512 unless told */
  sign(data: Buffer, format?: string): Buffer;
}

/** Wraps an Ed25519, ECDSA or RSA private key of node:crypto. @throws SallyportError or Error for other kinds */
export function sshSigner(privateKey: KeyObject, publicKey: KeyObject): SshSigner {
  const publicBlob = sshPublicKeyBlob(publicKey);
  const key = readSshPublicKey(publicBlob);
  return {
    publicBlob,
    sign(data, format = "rsa-sha2-512") {
      if (key.type === "ssh-rsa") return signatureBlob(format, sign(rsaHash(format), data, privateKey));
      if (!key.curve) return signatureBlob(key.type, sign(null, data, privateKey));
      const pair = sign(key.curve.hash, data, { key: privateKey, dsaEncoding: "ieee-p1363" });
      return signatureBlob(key.type, fromFixedPair(pair, key.curve));
    },
  };
}

function signatureBlob(format: string, signature: Buffer): Buffer {
  return new SshWriter().string(format).string(signature).toBuffer();
}

function rsaHash(format: string): string {
  const hash = RSA_HASHES[format];
  if (!hash) throw new SallyportError("SSH_PROTOCOL", `RSA signatures of type ${format} are not made.`);
  return hash;
}

function verifyRsa(key: KeyObject, hash: string | undefined, data: Buffer, signature: Buffer): boolean {
  return hash !== undefined && verify(hash, data, key, signature);
}

/** `mpint r, mpint s` (RFC 5656, 3.1.2) as two numbers of the curve's length. */
function toFixedPair(signature: Buffer, curve: Curve): Buffer {
  const reader = new SshReader(signature);
  const pair = Buffer.alloc(2 * curve.bytes);
  const r = reader.positive(curve.bytes);
  const s = reader.positive(curve.bytes);
  reader.end();
  r.copy(pair, curve.bytes - r.length);
  s.copy(pair, 2 * curve.bytes - s.length);
  return pair;
}

function fromFixedPair(pair: Buffer, curve: Curve): Buffer {
  return new SshWriter()
    .positive(pair.subarray(0, curve.bytes))
    .positive(pair.subarray(curve.bytes))
    .toBuffer();
}
