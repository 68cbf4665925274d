import { type CipherGCMTypes, createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { SallyportError } from "../../telemetry/error.ts";
import { HEADER_LENGTH, type Opened, type RecordProtection, TAG_LENGTH } from "./record-protection.ts";

interface Suite {
  hash: "sha256" | "sha384";
  keyLength: 16 | 32;
  /** Null: ChaCha20-Poly1305, which Bun's node:crypto lacks; peers without AES instructions choose it. */
  gcm: CipherGCMTypes | null;
}

/** The cipher suites of TLS 1.3 that are in use (RFC 8446, B.4). */
const SUITES: Readonly<Record<string, Suite>> = {
  TLS_AES_128_GCM_SHA256: { hash: "sha256", keyLength: 16, gcm: "aes-128-gcm" },
  TLS_AES_256_GCM_SHA384: { hash: "sha384", keyLength: 32, gcm: "aes-256-gcm" },
  TLS_CHACHA20_POLY1305_SHA256: { hash: "sha256", keyLength: 32, gcm: null },
};

/** Every record has one at its end; encrypted at once. */
const typeByte = Buffer.alloc(1);

/** Every protected record of TLS 1.3 shows this type; the true one is encrypted with its content (RFC 8446, 5.2). */
const APPLICATION_DATA = 23;

/** The keys of one direction of TLS 1.3 (RFC 8446, 7.3), good for one record after the other. */
export class RecordKeys implements RecordProtection {
  readonly overhead = HEADER_LENGTH + 1 + TAG_LENGTH;
  readonly renewable = true;
  readonly #suite: Suite;
  #secret: Buffer;
  #key: Buffer;
  #iv: Buffer;
  readonly #nonce = Buffer.alloc(12);
  #sequence = 0;

  /** @throws SallyportError TLS_FAILED for another cipher suite */
  constructor(suite: string, secret: Buffer) {
    const known = SUITES[suite];
    if (!known) throw new SallyportError("TLS_FAILED", `The cipher suite ${suite} is not supported.`);
    this.#suite = known;
    this.#secret = secret;
    this.#key = this.#expand("key", known.keyLength);
    this.#iv = this.#expand("iv", 12);
  }

  get used(): number {
    return this.#sequence;
  }

  outerType(): number {
    return APPLICATION_DATA;
  }

  /** The next generation, after a KeyUpdate (RFC 8446, 7.2). */
  update(): void {
    this.#secret = this.#expand("traffic upd", this.#secret.length);
    this.#key = this.#expand("key", this.#suite.keyLength);
    this.#iv = this.#expand("iv", 12);
    this.#sequence = 0;
  }

  seal(header: Buffer, content: Buffer, type: number): Uint8Array[] {
    const nonce = this.#nextNonce();
    const { gcm } = this.#suite;
    if (gcm === null) {
      return [chacha20poly1305(this.#key, nonce, header).encrypt(Buffer.concat([content, Buffer.of(type)]))];
    }
    const cipher = createCipheriv(gcm, this.#key, nonce);
    cipher.setAAD(header);
    typeByte[0] = type;
    const sealed = [cipher.update(content), cipher.update(typeByte)];
    cipher.final();
    return [...sealed, cipher.getAuthTag()];
  }

  open(record: Buffer): Opened {
    const end = record.length - TAG_LENGTH;
    const content = this.#decrypt(
      record.subarray(0, HEADER_LENGTH),
      record.subarray(HEADER_LENGTH, end),
      record.subarray(end),
    );
    let last = content.length - 1;
    while (last >= 0 && content[last] === 0) last--;
    return {
      type: content[last],
      content: Buffer.from(content.buffer, content.byteOffset, Math.max(0, last)),
    };
  }

  #decrypt(header: Buffer, sealed: Buffer, tag: Buffer): Uint8Array {
    const nonce = this.#nextNonce();
    const { gcm } = this.#suite;
    if (gcm === null) return chacha20poly1305(this.#key, nonce, header).decrypt(Buffer.concat([sealed, tag]));
    const decipher = createDecipheriv(gcm, this.#key, nonce);
    decipher.setAAD(header);
    decipher.setAuthTag(tag);
    const content = decipher.update(sealed);
    decipher.final();
    return content;
  }

  /** The sequence number, padded to the left, XOR the IV (RFC 8446, 5.3). */
  #nextNonce(): Buffer {
    const nonce = this.#nonce;
    const iv = this.#iv;
    iv.copy(nonce);
    nonce.writeUInt32BE((iv.readUInt32BE(8) ^ (this.#sequence % 2 ** 32)) >>> 0, 8);
    nonce.writeUInt32BE((iv.readUInt32BE(4) ^ Math.floor(this.#sequence / 2 ** 32)) >>> 0, 4);
    this.#sequence++;
    return nonce;
  }

  /** HKDF-Expand-Label with an empty context (RFC 8446, 7.1); one round is enough for our lengths. */
  #expand(label: string, length: number): Buffer {
    const name = Buffer.from(`tls13 ${label}`);
    const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
    return createHmac(this.#suite.hash, this.#secret).update(info).digest().subarray(0, length);
  }
}
