import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { SallyportError } from "../telemetry/error.ts";

/** Bytes of a sealing key (AES-256). */
export const SEALING_KEY_BYTES = 32;
const CIPHER = "aes-256-gcm";
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts for storage: `version(1) nonce(12) ciphertext tag(16)`. `context` says what the blob is and whose; it is
 * authenticated but not stored, so a blob moved to another row or organisation does not open.
 */
export function seal(key: Uint8Array, plaintext: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(context));
  const sealed = [cipher.update(plaintext), cipher.final()];
  return Buffer.concat([Buffer.of(VERSION), nonce, ...sealed, cipher.getAuthTag()]);
}

/**
 * Opens what `seal` made with the same key and context.
 * @throws SallyportError ROOT_KEY_MISMATCH if key, context or blob is another one
 */
export function unseal(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array {
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) throw mismatch(context);
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const ciphertext = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch (cause) {
    throw mismatch(context, cause);
  }
}

function mismatch(context: string, cause?: unknown): SallyportError {
  return new SallyportError(
    "ROOT_KEY_MISMATCH",
    `Cannot open ${context}: this is not the key that sealed it. Give the key that belongs to this data`,
    { cause },
  );
}
