import { type CipherGCMTypes, createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { SallyportError } from "../../telemetry/error.ts";
import { HEADER_LENGTH, type Opened, type RecordProtection, TAG_LENGTH } from "./record-protection.ts";

/*
 * TLS 1.2 for foreign clients of a relay that know no better (PROTOCOL 0.1): AES-GCM suites with ephemeral keys only.
 */

interface Suite {
  gcm: CipherGCMTypes;
  keyLength: 16 | 32;
  hash: "sha256" | "sha384";
}

const AES_128: Suite = { gcm: "aes-128-gcm", keyLength: 16, hash: "sha256" };
const AES_256: Suite = { gcm: "aes-256-gcm", keyLength: 32, hash: "sha384" };

/** As OpenSSL names them. */
const SUITES: Readonly<Record<string, Suite>> = {
  "ECDHE-ECDSA-AES128-GCM-SHA256": AES_128,
  "ECDHE-RSA-AES128-GCM-SHA256": AES_128,
  "ECDHE-ECDSA-AES256-GCM-SHA384": AES_256,
  "ECDHE-RSA-AES256-GCM-SHA384": AES_256,
};
/** For the handshake: nothing else may be agreed on. */
export const TLS_1_2_SUITES: string = Object.keys(SUITES).join(":");

const SALT_LENGTH = 4;
const EXPLICIT_LENGTH = 8;

export interface Tls12Secrets {
  suite: string;
  master: Buffer;
  clientRandom: Buffer;
  serverRandom: Buffer;
}

/** Keys of both directions (RFC 5246, 6.3), after both Finished messages. @throws SallyportError TLS_FAILED */
export function tls12Keys(secrets: Tls12Secrets): { client: Tls12Keys; server: Tls12Keys } {
  const suite = SUITES[secrets.suite];
  if (!suite) throw new SallyportError("TLS_FAILED", `The cipher suite ${secrets.suite} is not supported.`);
  const { keyLength } = suite;
  const seed = Buffer.concat([Buffer.from("key expansion"), secrets.serverRandom, secrets.clientRandom]);
  const block = expand(suite.hash, secrets.master, seed, 2 * (keyLength + SALT_LENGTH));
  const salts = 2 * keyLength;
  return {
    client: new Tls12Keys(
      suite.gcm,
      block.subarray(0, keyLength),
      block.subarray(salts, salts + SALT_LENGTH),
    ),
    server: new Tls12Keys(suite.gcm, block.subarray(keyLength, salts), block.subarray(salts + SALT_LENGTH)),
  };
}

/** P_hash (RFC 5246, 5). */
function expand(hash: Suite["hash"], secret: Buffer, seed: Buffer, length: number): Buffer {
  const mac = (...parts: Buffer[]) => createHmac(hash, secret).update(Buffer.concat(parts)).digest();
  let out = Buffer.alloc(0);
  for (let a = mac(seed); out.length < length; a = mac(a)) out = Buffer.concat([out, mac(a, seed)]);
  return out.subarray(0, length);
}

/** The keys of one direction: AES-GCM with the sequence number as the explicit part of the nonce (RFC 5288, 3). */
class Tls12Keys implements RecordProtection {
  readonly overhead = HEADER_LENGTH + EXPLICIT_LENGTH + TAG_LENGTH;
  readonly renewable = false;
  readonly #nonce: Buffer;
  /** The Finished message was the first record under these keys. */
  #sequence = 1n;

  constructor(
    private readonly gcm: CipherGCMTypes,
    private readonly key: Buffer,
    salt: Buffer,
  ) {
    this.#nonce = Buffer.concat([salt, Buffer.alloc(EXPLICIT_LENGTH)]);
  }

  get used(): number {
    return Number(this.#sequence);
  }

  outerType(type: number): number {
    return type;
  }

  update(): void {
    throw new SallyportError("TLS_FAILED", "TLS 1.2 has no new keys for a session.");
  }

  seal(header: Buffer, content: Buffer): Uint8Array[] {
    const aad = this.#additionalData(header, content.length);
    const explicit = Buffer.from(aad.subarray(0, EXPLICIT_LENGTH));
    explicit.copy(this.#nonce, SALT_LENGTH);
    const cipher = createCipheriv(this.gcm, this.key, this.#nonce);
    cipher.setAAD(aad);
    const sealed = cipher.update(content);
    cipher.final();
    return [explicit, sealed, cipher.getAuthTag()];
  }

  open(record: Buffer): Opened {
    const start = HEADER_LENGTH + EXPLICIT_LENGTH;
    const end = record.length - TAG_LENGTH;
    if (end < start) throw new Error("a record that is too short");
    record.copy(this.#nonce, SALT_LENGTH, HEADER_LENGTH, start);
    const decipher = createDecipheriv(this.gcm, this.key, this.#nonce);
    decipher.setAAD(this.#additionalData(record, end - start));
    decipher.setAuthTag(record.subarray(end));
    const content = decipher.update(record.subarray(start, end));
    decipher.final();
    return { type: record[0], content: Buffer.from(content.buffer, content.byteOffset, content.length) };
  }

  /** Sequence number, type, version, length of the content (RFC 5246, 6.2.3.3). */
  #additionalData(header: Buffer, length: number): Buffer {
    const data = Buffer.alloc(13);
    data.writeBigUInt64BE(this.#sequence++);
    header.copy(data, 8, 0, 3);
    data.writeUInt16BE(length, 11);
    return data;
  }
}
