import { SallyportError } from "../../telemetry/error.ts";
import { heir, release } from "../release.ts";
import { HEADER_LENGTH, type Opened, type RecordProtection, TAG_LENGTH } from "./record-protection.ts";

/*
 * Protected records (RFC 8446, 5.2; RFC 5246, 6.2.3): five bytes of header, then what the keys make of the content. The
 * handshake itself is BoringSSL's (handshake.ts); this begins where that ends.
 */

/** Longest content of one record (RFC 8446, 5.1). */
const CONTENT_LIMIT = 16_384;
/** Longest protected record (RFC 8446, 5.2). */
const RECORD_LIMIT = CONTENT_LIMIT + 256;

const TYPE = { alert: 21, handshake: 22, data: 23 } as const;
const HANDSHAKE = { newSessionTicket: 4, keyUpdate: 24 } as const;
const CLOSE_NOTIFY = 0;
const USER_CANCELED = 90;

/** AES-GCM is good for 2^24.5 records under one key (RFC 8446, 5.5). */
const RECORDS_PER_KEY = 2 ** 23;
/** Records without data, one after the other, that a peer may send: key updates, tickets, empty ones. */
const IDLE_RECORDS = 32;

const NOTHING = Buffer.alloc(0);
const header = Buffer.from([TYPE.data, 3, 3, 0, 0]);
/** New buffers are used from here on: a copy to a few bytes past a page's start takes 13 times as long. */
const MARGIN = 64;

/** Our direction: content into records. */
export class RecordSealer {
  constructor(private readonly keys: RecordProtection) {}

  /** No record may follow under keys that cannot be renewed. */
  get exhausted(): boolean {
    return !this.keys.renewable && this.keys.used > RECORDS_PER_KEY;
  }

  /** All of these, as records one after the other in one new buffer. */
  data(...parts: readonly Buffer[]): Buffer {
    let count = 0;
    let length = 0;
    for (const part of parts) {
      count += Math.ceil(part.length / CONTENT_LIMIT);
      length += part.length;
    }
    const records: Buffer[] = [];
    const { keys } = this;
    if (keys.renewable && keys.used + count > RECORDS_PER_KEY) records.push(this.keyUpdate());
    const out = Buffer.allocUnsafeSlow(MARGIN + length + count * keys.overhead).subarray(MARGIN);
    let at = 0;
    for (const part of parts) {
      for (let from = 0; from < part.length; from += CONTENT_LIMIT) {
        at = this.#seal(TYPE.data, part, from, Math.min(CONTENT_LIMIT, part.length - from), out, at);
      }
    }
    return records.length === 0 ? out : Buffer.concat([...records, out]);
  }

  closeNotify(): Buffer {
    return this.#one(TYPE.alert, Buffer.from([1, CLOSE_NOTIFY]));
  }

  /** A fatal alert (RFC 8446, 6.2). */
  alert(description: number): Buffer {
    return this.#one(TYPE.alert, Buffer.from([2, description]));
  }

  /** Tells the peer that our next record uses new keys, and takes them. */
  keyUpdate(): Buffer {
    const record = this.#one(TYPE.handshake, Buffer.from([HANDSHAKE.keyUpdate, 0, 0, 1, 0]));
    this.keys.update();
    return record;
  }

  #one(type: number, content: Buffer): Buffer {
    const out = Buffer.allocUnsafeSlow(content.length + this.keys.overhead);
    this.#seal(type, content, 0, content.length, out, 0);
    return out;
  }

  #seal(type: number, from: Buffer, start: number, length: number, out: Buffer, at: number): number {
    const content = start === 0 && length === from.length ? from : from.subarray(start, start + length);
    header[0] = this.keys.outerType(type);
    header.writeUInt16BE(length + this.keys.overhead - HEADER_LENGTH, 3);
    out.set(header, at);
    let end = at + HEADER_LENGTH;
    for (const part of this.keys.seal(header, content, type)) {
      out.set(part, end);
      end += part.length;
      release(part);
    }
    return end;
  }
}

/** What a peer's records amount to. */
export interface RecordReader {
  /** Content, at most a chunk's worth at once; belongs to the reader. Not called while records are read. */
  data(content: Buffer): void;
  /** close_notify: the peer has ended its direction. What came after it is no TLS. */
  end(rest: Buffer): void;
  /** The peer asks for new keys in our direction. */
  wantsKeyUpdate(): void;
}

/** The peer's direction: records, in pieces of any size, into content. */
export class RecordOpener {
  #partial: Buffer | null = null;
  #partialLength = 0;
  #idle = 0;
  #ended = false;

  constructor(
    private readonly keys: RecordProtection,
    private readonly reader: RecordReader,
  ) {}

  /**
   * Takes the chunk over; content is put together where its records lay. @throws SallyportError TLS_FAILED for what is
   * no record of the peer's, and for its alert
   */
  feed(chunk: Buffer): void {
    if (this.#ended) return release(chunk);
    let first: Buffer | null = null;
    let length = 0;
    let rest = NOTHING;
    try {
      let at = this.#completePartial(chunk, (piece) => {
        first = piece;
      });
      while (!this.#ended && chunk.length - at >= HEADER_LENGTH) {
        const whole = recordLength(chunk, at);
        if (chunk.length - at < whole) break;
        const piece = this.#open(chunk.subarray(at, at + whole));
        at += whole;
        if (!piece) continue;
        chunk.set(piece, length);
        length += piece.length;
        release(piece);
      }
      if (at < chunk.length) {
        if (this.#ended) rest = Buffer.from(chunk.subarray(at));
        else this.#keep(chunk, at);
      }
    } finally {
      if (first) this.reader.data(first);
      if (length > 0) this.reader.data(heir(chunk, length));
      else release(chunk);
    }
    if (this.#ended) this.reader.end(rest);
  }

  /** The record that the last chunk began; returns where the next one starts. */
  #completePartial(chunk: Buffer, take: (piece: Buffer) => void): number {
    let at = 0;
    while (this.#partial && at < chunk.length) {
      const copied = Math.min(this.#partial.length - this.#partialLength, chunk.length - at);
      this.#partial.set(chunk.subarray(at, at + copied), this.#partialLength);
      this.#partialLength += copied;
      at += copied;
      if (this.#partialLength < this.#partial.length) return at;
      const record = this.#partial;
      if (record.length === HEADER_LENGTH) {
        this.#begin(record, recordLength(record, 0));
        continue;
      }
      this.#partial = null;
      const piece = this.#open(record);
      release(record);
      if (piece) take(piece);
    }
    return at;
  }

  #keep(chunk: Buffer, at: number): void {
    const rest = chunk.subarray(at);
    this.#begin(rest, rest.length < HEADER_LENGTH ? HEADER_LENGTH : recordLength(rest, 0));
  }

  #begin(start: Buffer, length: number): void {
    this.#partial = Buffer.allocUnsafeSlow(length);
    this.#partial.set(start);
    this.#partialLength = start.length;
  }

  /** The content of a data record; null for the others, which are dealt with here. */
  #open(record: Buffer): Buffer | null {
    if (record[0] === TYPE.alert && record.length === HEADER_LENGTH + 2) throw alertError(record[6]);
    if (record.length < HEADER_LENGTH + TAG_LENGTH || this.keys.outerType(record[0] ?? 0) !== record[0]) {
      throw protocolError(`a record of type ${record[0]}`);
    }
    let opened: Opened;
    try {
      opened = this.keys.open(record);
    } catch (cause) {
      throw new SallyportError("TLS_FAILED", "A record was changed on its way.", { cause });
    }
    const { type, content } = opened;
    if (content.length > CONTENT_LIMIT) throw protocolError("a record that is too long");
    if (type === TYPE.data && content.length > 0) {
      this.#idle = 0;
      return content;
    }
    if (++this.#idle > IDLE_RECORDS) throw protocolError("too many records without data");
    if (type === TYPE.alert) this.#alert(content);
    else if (type === TYPE.handshake) this.#handshake(content);
    else if (type !== TYPE.data) throw protocolError(`content of type ${type ?? "none"}`);
    return null;
  }

  #alert(alert: Buffer): void {
    if (alert.length !== 2) throw protocolError("a malformed alert");
    if (alert[1] === CLOSE_NOTIFY) this.#ended = true;
    else if (alert[1] !== USER_CANCELED) throw alertError(alert[1]);
  }

  /** After the handshake only tickets, which we have no use for, and key updates (RFC 8446, 4.6); no renegotiation. */
  #handshake(message: Buffer): void {
    if (!this.keys.renewable) throw protocolError("another handshake");
    if (message[0] === HANDSHAKE.newSessionTicket) return;
    const asks = message[4];
    if (message[0] !== HANDSHAKE.keyUpdate || message.length !== 5 || (asks !== 0 && asks !== 1)) {
      throw protocolError(`a handshake message of type ${message[0]}`);
    }
    this.keys.update();
    if (asks === 1) this.reader.wantsKeyUpdate();
  }
}

/** Header included. @throws SallyportError TLS_FAILED when a record may not be that long */
export function recordLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt16BE(at + 3);
  if (length > RECORD_LIMIT) throw protocolError("a record that is too long");
  return HEADER_LENGTH + length;
}

/** Alerts by which a peer refuses our certificate (RFC 8446, 6.2). */
const CERTIFICATE_ALERTS: Readonly<Record<number, string>> = {
  42: "bad_certificate",
  43: "unsupported_certificate",
  44: "certificate_revoked",
  45: "certificate_expired",
  46: "certificate_unknown",
  48: "unknown_ca",
  49: "access_denied",
  116: "certificate_required",
};

function alertError(description = -1): SallyportError {
  const refusal = CERTIFICATE_ALERTS[description];
  if (refusal)
    return new SallyportError("CERTIFICATE_REFUSED", `The other end refused our certificate: ${refusal}.`);
  return new SallyportError("TLS_FAILED", `The other end gave up the TLS session (alert ${description}).`);
}

function protocolError(what: string): SallyportError {
  return new SallyportError("TLS_FAILED", `The other end sent ${what}, which breaks TLS.`);
}
