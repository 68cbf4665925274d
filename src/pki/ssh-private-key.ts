import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, randomBytes } from "node:crypto";
import { SallyportError } from "../telemetry/error.ts";
import { CURVES, sshPublicKeyBlob } from "./ssh-public-key.ts";
import { type SshSigner, sshSigner } from "./ssh-signature.ts";
import { SshReader, SshWriter } from "./ssh-wire.ts";

const MAGIC = Buffer.from("openssh-key-v1\0");
const BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END = "-----END OPENSSH PRIVATE KEY-----";
/** An RSA key of 8192 bits takes 7 KiB. */
const LONGEST_TEXT = 32 * 1024;

/** Writes a private key the way `ssh-keygen` does, without passphrase (OpenSSH's PROTOCOL.key). */
export function writeSshPrivateKey(privateKey: KeyObject, comment = ""): string {
  const publicBlob = sshPublicKeyBlob(createPublicKey(privateKey));
  const check = randomBytes(4);
  const writer = new SshWriter()
    .raw(check)
    .raw(check)
    .raw(privateFields(privateKey, publicBlob))
    .string(comment);
  const unpadded = writer.toBuffer();
  const padding = Buffer.from(
    Array.from({ length: (8 - (unpadded.length % 8)) % 8 }, (_, index) => index + 1),
  );
  const file = new SshWriter()
    .raw(MAGIC)
    .string("none")
    .string("none")
    .string("")
    .uint32(1)
    .string(publicBlob)
    .string(Buffer.concat([unpadded, padding]))
    .toBuffer();
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  return [BEGIN, ...lines, END, ""].join("\n");
}

/**
 * Reads an unencrypted private key: OpenSSH's own format or PKCS#8 (PROTOCOL 0.5).
 * @throws SallyportError CONFIG_INVALID; the key never appears in the message
 */
export function readSshPrivateKey(text: string): SshSigner {
  if (text.length > LONGEST_TEXT) throw unreadable("it is too long");
  try {
    const key = text.trimStart().startsWith(BEGIN) ? readOpenSsh(text) : createPrivateKey(text);
    return sshSigner(key, createPublicKey(key));
  } catch (error) {
    if (error instanceof SallyportError && error.code === "CONFIG_INVALID") throw error;
    throw unreadable("it is neither an OpenSSH key nor PKCS#8, or of a type that is not supported");
  }
}

function readOpenSsh(text: string): KeyObject {
  const body = text.slice(text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END));
  const file = Buffer.from(body.replace(/\s/g, ""), "base64");
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw unreadable("it is damaged");
  const reader = new SshReader(file, MAGIC.length);
  const cipher = reader.latin1();
  if (cipher !== "none") throw unreadable("it is protected by a passphrase; remove it with `ssh-keygen -p`");
  reader.string();
  reader.string();
  if (reader.uint32() !== 1) throw unreadable("it holds more than one key");
  reader.string();
  const secrets = new SshReader(reader.string());
  reader.end();
  const check = secrets.uint32();
  if (secrets.uint32() !== check) throw unreadable("it is damaged");
  return createPrivateKey({ key: readPrivateFields(secrets), format: "jwk" });
}

function privateFields(privateKey: KeyObject, publicBlob: Buffer): Buffer {
  const jwk = privateKey.export({ format: "jwk" });
  const field = (text: string | undefined) => Buffer.from(text ?? "", "base64url");
  if (jwk.kty === "OKP") {
    const both = Buffer.concat([field(jwk.d), field(jwk.x)]);
    return new SshWriter().raw(publicBlob).string(both).toBuffer();
  }
  if (jwk.kty === "EC") return new SshWriter().raw(publicBlob).positive(field(jwk.d)).toBuffer();
  return new SshWriter()
    .string("ssh-rsa")
    .positive(field(jwk.n))
    .positive(field(jwk.e))
    .positive(field(jwk.d))
    .positive(field(jwk.qi))
    .positive(field(jwk.p))
    .positive(field(jwk.q))
    .toBuffer();
}

function readPrivateFields(reader: SshReader): JsonWebKey {
  const type = reader.latin1();
  if (type === "ssh-rsa") return readRsa(reader);
  if (type === "ssh-ed25519") {
    const x = reader.string(32).toString("base64url");
    return { kty: "OKP", crv: "Ed25519", x, d: reader.string(64).subarray(0, 32).toString("base64url") };
  }
  const curve = CURVES.find(({ name }) => type === `ecdsa-sha2-${name}`);
  if (!curve || reader.latin1() !== curve.name) throw unreadable("its type is not supported");
  const point = reader.string(1 + 2 * curve.bytes);
  const scalar = reader.positive(curve.bytes);
  const d = Buffer.concat([Buffer.alloc(curve.bytes - scalar.length), scalar]);
  return {
    kty: "EC",
    crv: curve.jwk,
    x: point.subarray(1, 1 + curve.bytes).toString("base64url"),
    y: point.subarray(1 + curve.bytes).toString("base64url"),
    d: d.toString("base64url"),
  };
}

function readRsa(reader: SshReader): JsonWebKey {
  const next = () => reader.positive(1024);
  const [n, e, d, qi, p, q] = [next(), next(), next(), next(), next(), next()];
  const text = (bytes: Buffer) => bytes.toString("base64url");
  // OpenSSH leaves out the two exponents that node:crypto wants: d mod (p-1) and d mod (q-1) (RFC 8017, 3.2).
  const exponent = (prime: Buffer) => {
    const hex = (integer(d) % (integer(prime) - 1n)).toString(16);
    return text(Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex"));
  };
  return {
    kty: "RSA",
    n: text(n),
    e: text(e),
    d: text(d),
    p: text(p),
    q: text(q),
    qi: text(qi),
    dp: exponent(p),
    dq: exponent(q),
  };
}

function integer(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString("hex")}`);
}

function unreadable(why: string): SallyportError {
  return new SallyportError("CONFIG_INVALID", `The SSH private key can't be used: ${why}.`);
}
