import { createPublicKey, type KeyObject } from "node:crypto";
import { SallyportError } from "../telemetry/error.ts";
import { decodePem, encodePem } from "./pem.ts";
import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator } from "./x509.ts";

/** Far above any honest request (RSA-4096 with attributes: 3 KiB). */
const SIZE_LIMIT = 16 * 1024;
const RSA_BITS = { least: 2048, most: 4096 };
const CURVES: Record<string, string> = { prime256v1: "P-256", secp384r1: "P-384" };

/** A PKCS#10 request that says nothing but the key: names and extensions come from the issuer (EXTENSIONS X1). */
export async function createCertificateRequest(keyPair: CryptoKeyPair): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [],
    keys: keyPair,
    signingAlgorithm: { ...keyPair.privateKey.algorithm, hash: "SHA-256" },
  });
  return encodePem("CERTIFICATE REQUEST", request.rawData);
}

/**
 * The public key of a request, once its signature proves that the sender holds the private half. Everything else in
 * it is ignored. Takes input from anyone: at most 16 KiB, ECDSA P-256 or P-384, RSA of 2048 to 4096 bits.
 * @throws SallyportError CONFIG_INVALID
 */
export async function publicKeyOfRequest(pem: string): Promise<CryptoKey> {
  if (pem.length > SIZE_LIMIT) throw refuse("it is larger than 16 KiB");
  const blocks = [...decodePem("CERTIFICATE REQUEST", pem), ...decodePem("NEW CERTIFICATE REQUEST", pem)];
  const [der, ...more] = blocks;
  if (!der || more.length > 0) throw refuse("it must hold exactly one block CERTIFICATE REQUEST");
  const { request, spki } = parse(der);
  const algorithm = algorithmOf(readPublicKey(spki));
  if (!(await isProven(request))) throw refuse("its signature does not match its key");
  return await crypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]);
}

function parse(der: Uint8Array<ArrayBuffer>): {
  request: Pkcs10CertificateRequest;
  spki: Uint8Array<ArrayBuffer>;
} {
  try {
    const request = new Pkcs10CertificateRequest(der);
    return { request, spki: new Uint8Array(request.publicKey.rawData) };
  } catch (cause) {
    throw refuse("it is not PKCS#10", cause);
  }
}

function readPublicKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch (cause) {
    throw refuse("its key cannot be read", cause);
  }
}

function algorithmOf(key: KeyObject): EcKeyImportParams | RsaHashedImportParams {
  const { modulusLength = 0, publicExponent, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "ec" && Object.hasOwn(CURVES, namedCurve)) {
    return { name: "ECDSA", namedCurve: CURVES[namedCurve] ?? "" };
  }
  if (key.asymmetricKeyType === "rsa") {
    const fits = modulusLength >= RSA_BITS.least && modulusLength <= RSA_BITS.most;
    // A huge exponent makes every later verification slow, so only the one that everybody uses.
    if (fits && publicExponent === 65_537n) return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  }
  throw refuse("its key must be ECDSA P-256 or P-384, or RSA of 2048 to 4096 bits with exponent 65537");
}

async function isProven(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    if (JSON.stringify(request.signatureAlgorithm).includes("SHA-1")) return false;
    return await request.verify();
  } catch (cause) {
    throw refuse("its signature cannot be read", cause);
  }
}

function refuse(why: string, cause?: unknown): SallyportError {
  return new SallyportError("CONFIG_INVALID", `The certificate request is refused: ${why}`, { cause });
}
