import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { SallyportError } from "../telemetry/error.ts";
import { encodePem } from "./pem.ts";

/** Ed25519 is left out on purpose: Infisical's programs take no Ed25519 TLS leaves (PROTOCOL 0.5). */
export type X509KeyAlgorithm = "ecdsa-p256" | "rsa-2048";

export interface X509Key {
  keyPair: CryptoKeyPair;
  /** PKCS#8, unencrypted. */
  privateKeyPem: string;
}

const GENERATE = {
  "ecdsa-p256": { name: "ECDSA", namedCurve: "P-256" },
  "rsa-2048": {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  },
} as const satisfies Record<X509KeyAlgorithm, EcKeyGenParams | RsaHashedKeyGenParams>;

/** A fresh key pair for a leaf or an authority. */
export async function generateX509Key(algorithm: X509KeyAlgorithm = "ecdsa-p256"): Promise<X509Key> {
  const keyPair = await crypto.subtle.generateKey(GENERATE[algorithm], true, ["sign", "verify"]);
  return { keyPair, privateKeyPem: encodePem("PRIVATE KEY", await exportPrivateKey(keyPair.privateKey)) };
}

/** PKCS#8 DER. */
export async function exportPrivateKey(key: CryptoKey): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
}

/**
 * The signing key of an authority, checked to be the one whose public half is `spki`.
 * @throws SallyportError CONFIG_INVALID
 */
export async function importPrivateKey(pkcs8: Uint8Array, spki: Uint8Array): Promise<CryptoKey> {
  const key = parsePrivateKey(pkcs8);
  if (!publicHalf(key).equals(spki)) {
    throw new SallyportError(
      "CONFIG_INVALID",
      "A private key does not belong to its certificate: restore both from the same backup",
    );
  }
  const algorithm =
    key.asymmetricKeyType === "rsa"
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
      : { name: "ECDSA", namedCurve: "P-256" };
  return await crypto.subtle.importKey("pkcs8", Uint8Array.from(pkcs8), algorithm, true, ["sign"]);
}

/** SubjectPublicKeyInfo, DER, of a private key. */
function publicHalf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}

function parsePrivateKey(pkcs8: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  } catch (cause) {
    throw new SallyportError("CONFIG_INVALID", "A private key is not PKCS#8: restore it from a backup", {
      cause,
    });
  }
}
