import { generateKeyPair, type KeyObject } from "node:crypto";
import { SallyportError } from "../telemetry/error.ts";
import { writeSshPrivateKey } from "./ssh-private-key.ts";
import { readSshPublicKey, sshPublicKeyBlob } from "./ssh-public-key.ts";
import { SshReader } from "./ssh-wire.ts";

export type SshKeyAlgorithm = "ed25519" | "ecdsa-p256" | "rsa-2048";

export interface SshKey {
  algorithm: SshKeyAlgorithm;
  publicBlob: Buffer;
  /** `<type> <base64>`, without a comment. */
  publicLine: string;
  /** Unencrypted `OPENSSH PRIVATE KEY`. */
  privateKey: string;
}

/** An RSA key of 8192 bits takes 1400 characters. */
const LONGEST_LINE = 16 * 1024;

/** Makes a key pair for a user, a host or an authority. */
export async function generateSshKey(algorithm: SshKeyAlgorithm = "ed25519"): Promise<SshKey> {
  const { publicKey, privateKey } = await generate(algorithm);
  const publicBlob = sshPublicKeyBlob(publicKey);
  return {
    algorithm,
    publicBlob,
    publicLine: sshPublicKeyLine(publicBlob),
    privateKey: writeSshPrivateKey(privateKey),
  };
}

/**
 * The blob of a public key line, `<type> <base64>[ comment]`: a plain key that Sallyport can use, no certificate.
 * @throws SallyportError CONFIG_INVALID
 */
export function parseSshPublicKey(line: string): Buffer {
  const { type, blob } = splitKeyLine(line);
  try {
    if (readSshPublicKey(blob).type !== type) throw invalidLine("its first word is not the type of the key");
  } catch (error) {
    if (error instanceof SallyportError && error.code === "CONFIG_INVALID") throw error;
    throw new SallyportError("CONFIG_INVALID", "The line is not an SSH public key that can be used.", {
      cause: error,
    });
  }
  return blob;
}

/** `<type> <base64>[ comment]` of any blob that begins with its type. */
export function sshPublicKeyLine(blob: Buffer, comment?: string): string {
  const line = `${new SshReader(blob).latin1(128)} ${blob.toString("base64")}`;
  return comment ? `${line} ${comment}` : line;
}

/** The parts of a key or certificate line, unchecked but for their form. @throws SallyportError CONFIG_INVALID */
export function splitKeyLine(line: string, longest = LONGEST_LINE): { type: string; blob: Buffer } {
  if (line.length > longest) throw invalidLine("it is too long");
  const [type, base64] = line.trim().split(/[ \t]+/, 2);
  if (!type || !base64) throw invalidLine("it does not look like `<type> <base64>`");
  if (/[\r\n]/.test(line.trim())) throw invalidLine("it is more than one line");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw invalidLine("its second word is not base64");
  return { type, blob: Buffer.from(base64, "base64") };
}

function generate(algorithm: SshKeyAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, publicKey: KeyObject, privateKey: KeyObject) =>
      error ? reject(error) : resolve({ publicKey, privateKey });
    if (algorithm === "ed25519") generateKeyPair("ed25519", undefined, done);
    else if (algorithm === "ecdsa-p256") generateKeyPair("ec", { namedCurve: "P-256" }, done);
    else generateKeyPair("rsa", { modulusLength: 2048 }, done);
  });
}

function invalidLine(why: string): SallyportError {
  return new SallyportError("CONFIG_INVALID", `The line can't be read as an SSH key: ${why}.`);
}
