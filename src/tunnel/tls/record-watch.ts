/** Length of a record's header: type, version, length (RFC 8446, 5.1). */
const HEADER = 5;
const TYPE_ALERT = 21;
const TYPE_APPLICATION_DATA = 23;
/** TLS 1.3: two bytes of alert, its inner type and the tag of an AEAD cipher, all inside application data. */
const ALERT_LENGTH_13 = 2 + 1 + 16;
/** TLS 1.2: an alert in clear has two bytes, an encrypted one has at least its tag on top. */
const LEAST_ALERT_12 = 2 + 16;

/**
 * Follows the records of a TLS stream from outside, without keys. Bun reports a bare FIN like an orderly end, so this
 * is how a stream that was cut short on its way is told from one that its peer ended: the last record must be a whole
 * one that can only be close_notify. Under TLS 1.3 that is one with two bytes of content; our ends send no such record
 * of data (SocketStreamOptions), and whoever stands in between can cut records off but not make them.
 */
export class RecordWatch {
  readonly #header = Buffer.alloc(HEADER);
  #headerBytes = 0;
  #left = 0;

  /** Ciphertext on its way to the TLS end. The chunk is only looked at. */
  pass(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      if (this.#headerBytes === HEADER) this.#headerBytes = 0;
      this.#header[this.#headerBytes++] = chunk[at++] ?? 0;
      if (this.#headerBytes === HEADER) this.#left = this.#length;
    }
  }

  /** Whether the last record can be the peer's close_notify. */
  endsWithCloseNotify(version: "TLSv1.2" | "TLSv1.3"): boolean {
    if (this.#headerBytes !== HEADER || this.#left > 0) return false;
    const type = this.#header[0];
    if (version === "TLSv1.3") return type === TYPE_APPLICATION_DATA && this.#length === ALERT_LENGTH_13;
    return type === TYPE_ALERT && this.#length >= LEAST_ALERT_12;
  }

  get #length(): number {
    return this.#header.readUInt16BE(3);
  }
}
