import { createPublicKey, type KeyObject } from "node:crypto";
import { SallyportError } from "../telemetry/error.ts";
import { SshReader, SshWriter } from "./ssh-wire.ts";

/** An elliptic curve of RFC 5656: its name in SSH, in a JWK, the bytes of a coordinate and the hash it signs with. */
export interface Curve {
  name: string;
  jwk: string;
  bytes: number;
  hash: string;
}

export const CURVES: readonly Curve[] = [
  { name: "nistp256", jwk: "P-256", bytes: 32, hash: "sha256" },
  { name: "nistp384", jwk: "P-384", bytes: 48, hash: "sha384" },
  { name: "nistp521", jwk: "P-521", bytes: 66, hash: "sha512" },
];

/** Weaker than the first is refused, longer than the second costs an attacker less than us. */
const RSA_BITS = { least: 2048, most: 8192 };

/** A public key read from its blob. */
export interface SshPublicKey {
  type: string;
  key: KeyObject;
  /** For ECDSA keys. */
  curve: Curve | null;
}

/**
 * Reads a plain public key: Ed25519 (RFC 8709), ECDSA on the three NIST curves (RFC 5656), RSA of 2048 to 8192 bits
 * (RFC 4253, 6.6). A certificate is no plain key. @throws SallyportError SSH_PROTOCOL
 */
export function readSshPublicKey(blob: Buffer): SshPublicKey {
  const reader = new SshReader(blob);
  const type = reader.latin1(64);
  const key = readKeyFields(type, reader);
  reader.end();
  return key;
}

/**
 * Reads what follows the type name; a certificate holds the same fields after its nonce.
 * @throws SallyportError SSH_PROTOCOL
 */
export function readKeyFields(type: string, reader: SshReader): SshPublicKey {
  if (type === "ssh-ed25519") return { type, key: importEd25519(reader.string(32)), curve: null };
  if (type === "ssh-rsa") return { type, key: importRsa(reader), curve: null };
  const curve = CURVES.find(({ name }) => type === `ecdsa-sha2-${name}`);
  if (!curve) throw unusable(`its type ${JSON.stringify(type)} is not supported`);
  if (reader.latin1(32) !== curve.name) throw unusable("its curve is not the one that its type names");
  return {
    type: `ecdsa-sha2-${curve.name}`,
    key: importPoint(curve, reader.string(1 + 2 * curve.bytes)),
    curve,
  };
}

/** The blob of a public key of node:crypto. */
export function sshPublicKeyBlob(key: KeyObject): Buffer {
  const jwk = key.export({ format: "jwk" });
  const writer = new SshWriter();
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519")
    return writer.string("ssh-ed25519").string(digits(jwk.x)).toBuffer();
  if (jwk.kty === "RSA")
    return writer.string("ssh-rsa").positive(digits(jwk.e)).positive(digits(jwk.n)).toBuffer();
  const curve = CURVES.find((each) => each.jwk === jwk.crv);
  if (!curve) throw unusable(`its type ${jwk.kty} ${jwk.crv ?? ""} is not supported`);
  const point = Buffer.concat([Buffer.of(4), digits(jwk.x), digits(jwk.y)]);
  return writer.string(`ecdsa-sha2-${curve.name}`).string(curve.name).string(point).toBuffer();
}

function importEd25519(bytes: Buffer): KeyObject {
  return createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") },
    format: "jwk",
  });
}

function importRsa(reader: SshReader): KeyObject {
  const e = reader.positive(8);
  const n = reader.positive(RSA_BITS.most / 8);
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < RSA_BITS.least || bits > RSA_BITS.most)
    throw unusable(`RSA keys of ${bits} bits are not accepted`);
  if (((e[e.length - 1] ?? 0) & 1) === 0 || (e.length === 1 && (e[0] ?? 0) < 3)) {
    throw unusable("its RSA exponent is even or 1");
  }
  const jwk = { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") };
  return createPublicKey({ key: jwk, format: "jwk" });
}

function importPoint(curve: Curve, point: Buffer): KeyObject {
  exactly(point, 1 + 2 * curve.bytes);
  if (point[0] !== 4) throw unusable("its point is compressed");
  const x = point.subarray(1, 1 + curve.bytes).toString("base64url");
  const y = point.subarray(1 + curve.bytes).toString("base64url");
  try {
    return createPublicKey({ key: { kty: "EC", crv: curve.jwk, x, y }, format: "jwk" });
  } catch (error) {
    throw unusable("its point is not on the curve", error);
  }
}

function exactly(bytes: Buffer, length: number): void {
  if (bytes.length !== length) throw unusable(`it has ${bytes.length} bytes instead of ${length}`);
}

function digits(text: string | undefined): Buffer {
  if (text === undefined) throw unusable("it is incomplete");
  return Buffer.from(text, "base64url");
}

function unusable(why: string, cause?: unknown): SallyportError {
  return new SallyportError("SSH_PROTOCOL", `The SSH key can't be used: ${why}.`, { cause });
}
