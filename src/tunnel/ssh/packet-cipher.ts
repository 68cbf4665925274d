import { type CipherGCMTypes, createCipheriv, createDecipheriv, randomFillSync } from "node:crypto";
import type { OnPayload, PacketCipher, PacketDecipher } from "ssh2/lib/protocol/Protocol.js";
import { release } from "../release.ts";
import type { Staging } from "../staging.ts";
import type { ClearReader } from "./clear-data.ts";
import { MESSAGE, protocolError } from "./messages.ts";

/*
 * AES-GCM packets (RFC 5647 as OpenSSH does it): the length in the clear as associated data, then padding length,
 * payload and padding, then a tag of 16 bytes. In place of ssh2's, which write each packet with four calls.
 */

const BLOCK = 16;
const TAG = 16;
const LEAST_PADDING = 4;
/** The packet's own length comes first, in the clear. */
const LENGTH = 4;
/** Before the data of SSH_MSG_CHANNEL_DATA: lengths of packet and padding, message type, channel, length of the data. */
const DATA_HEADER = LENGTH + 1 + 9;
/** An empty SSH packet: one block. */
const SHORTEST = 16;

/** One for all connections: a packet is encrypted in one go. */
const dataHeader = Buffer.alloc(DATA_HEADER);

/** Encrypts packets into the staging buffer. */
export class GcmSealer implements PacketCipher {
  #dead = false;

  constructor(
    private readonly name: CipherGCMTypes,
    private readonly key: Buffer,
    private readonly iv: Buffer,
    public outSeqno: number,
    private readonly staging: Staging,
  ) {}

  allocPacket(payloadLength: number): Buffer {
    const padding = paddingFor(payloadLength);
    const packet = Buffer.allocUnsafe(5 + payloadLength + padding);
    packet.writeUInt32BE(packet.length - 4);
    packet[4] = padding;
    packet.set(randomPadding(padding), 5 + payloadLength);
    return packet;
  }

  encrypt(packet: Buffer): void {
    this.#seal(packet.subarray(0, LENGTH), [packet.subarray(LENGTH)]);
  }

  /** SSH_MSG_CHANNEL_DATA with `length` bytes of `data` from `start`, which is encrypted where it lies. */
  encryptData(channel: number, data: Buffer, start: number, length: number): void {
    const head = dataHeader;
    const padding = paddingFor(DATA_HEADER - LENGTH - 1 + length);
    head.writeUInt32BE(DATA_HEADER - LENGTH + length + padding, 0);
    head[4] = padding;
    head[5] = MESSAGE.channelData;
    head.writeUInt32BE(channel, 6);
    head.writeUInt32BE(length, 10);
    const part = start === 0 && length === data.length ? data : data.subarray(start, start + length);
    this.#seal(head.subarray(0, LENGTH), [head.subarray(LENGTH), part, randomPadding(padding)]);
  }

  free(): void {
    this.#dead = true;
  }

  #seal(length: Buffer, parts: readonly Buffer[]): void {
    if (this.#dead) return;
    const cipher = createCipheriv(this.name, this.key, this.iv);
    cipher.setAAD(length);
    const sealed = parts.map((part) => cipher.update(part));
    cipher.final();
    this.staging.appendPacket([length, ...sealed, cipher.getAuthTag()]);
    for (const part of sealed) release(part);
    increment(this.iv);
    this.outSeqno = (this.outSeqno + 1) >>> 0;
  }
}

/** Takes packets apart as they arrive, in pieces of any size, and what comes between them in clear. */
export class GcmOpener implements PacketDecipher {
  /** A packet that has not arrived as a whole: its length field, then everything. */
  readonly #head = Buffer.alloc(4);
  #headLength = 0;
  #partial: Buffer | null = null;
  #partialLength = 0;

  constructor(
    private readonly name: CipherGCMTypes,
    private readonly key: Buffer,
    private readonly iv: Buffer,
    public inSeqno: number,
    public _onPayload: OnPayload,
    /** Longest packet that is accepted now. */
    private readonly longest: () => number,
    private readonly clear: ClearReader,
  ) {}

  free(): void {}

  /** ssh2's contract: where to go on when the keys have changed in the middle of the chunk, else undefined. */
  decrypt(chunk: Buffer, start: number, end: number): number | undefined {
    let at = start;
    while (at < end) {
      let payload: Buffer | null = null;
      if (this.clear.expecting) {
        at = this.clear.take(chunk, at, end);
      } else if (this.#partial) {
        at += this.#fill(this.#partial, chunk, at, end);
        payload = this.#openPartial();
      } else if (this.#headLength > 0 || end - at < 4) {
        at += this.#fillHead(chunk, at, end);
      } else {
        const whole = this.#check(chunk.readUInt32BE(at)) + 4 + TAG;
        payload = end - at < whole ? null : this.#open(chunk.subarray(at, at + whole));
        if (!payload) this.#begin(whole);
        else at += whole;
      }
      if (!payload) continue;
      if (payload[0] === MESSAGE.clearData && this.clear.open) {
        this.clear.announced(payload);
        continue;
      }
      const next = this._onPayload(payload);
      if (next !== undefined) return next === false ? at : next;
    }
    return undefined;
  }

  #begin(length: number): void {
    this.#partial = Buffer.allocUnsafeSlow(length);
    this.#partialLength = 0;
  }

  #fill(partial: Buffer, chunk: Buffer, at: number, end: number): number {
    const length = Math.min(partial.length - this.#partialLength, end - at);
    partial.set(chunk.subarray(at, at + length), this.#partialLength);
    this.#partialLength += length;
    return length;
  }

  #fillHead(chunk: Buffer, at: number, end: number): number {
    const length = Math.min(4 - this.#headLength, end - at);
    this.#head.set(chunk.subarray(at, at + length), this.#headLength);
    this.#headLength += length;
    if (this.#headLength < 4) return length;
    this.#headLength = 0;
    this.#begin(this.#check(this.#head.readUInt32BE(0)) + 4 + TAG);
    this.#partial?.set(this.#head);
    this.#partialLength = 4;
    return length;
  }

  #openPartial(): Buffer | null {
    const partial = this.#partial;
    if (!partial || this.#partialLength < partial.length) return null;
    this.#partial = null;
    const payload = this.#open(partial);
    release(partial);
    return payload;
  }

  #check(length: number): number {
    if (length < SHORTEST || length % BLOCK !== 0 || length > this.longest()) {
      throw protocolError(`a packet of ${length} bytes`);
    }
    return length;
  }

  #open(packet: Buffer): Buffer {
    const decipher = createDecipheriv(this.name, this.key, this.iv);
    decipher.setAAD(packet.subarray(0, 4));
    decipher.setAuthTag(packet.subarray(packet.length - TAG));
    const opened = decipher.update(packet.subarray(4, packet.length - TAG));
    try {
      decipher.final();
    } catch {
      throw protocolError("a packet was damaged or forged on its way");
    }
    increment(this.iv);
    this.inSeqno = (this.inSeqno + 1) >>> 0;
    const padding = opened[0] ?? 0;
    if (padding < LEAST_PADDING || padding > opened.length - 2)
      throw protocolError("a packet without a message");
    return opened.subarray(1, opened.length - padding);
  }
}

function paddingFor(payloadLength: number): number {
  const padding = BLOCK - ((1 + payloadLength) % BLOCK);
  return padding < LEAST_PADDING ? padding + BLOCK : padding;
}

const noise = Buffer.alloc(4096);
let noiseAt = noise.length;

function randomPadding(length: number): Buffer {
  if (noiseAt + length > noise.length) {
    randomFillSync(noise);
    noiseAt = 0;
  }
  noiseAt += length;
  return noise.subarray(noiseAt - length, noiseAt);
}

/** The last eight bytes of the nonce count packets (RFC 5647, 7.1). */
function increment(iv: Buffer): void {
  for (let at = 11; at >= 4; at--) {
    const next = ((iv[at] ?? 0) + 1) & 0xff;
    iv[at] = next;
    if (next !== 0) return;
  }
}
