import type { Code } from "../../telemetry/codes.ts";
import { release, share } from "../release.ts";
import { DISCONNECT, disconnectMessage, MESSAGE, protocolError } from "../ssh/messages.ts";
import { errorLine } from "../status-line.ts";

/*
 * `sallyport-mux/1`: the messages of RFC 4254 (channels, their data and windows, global requests) and SSH_MSG_DISCONNECT,
 * each behind its length as a uint32, inside a TLS session. No SSH transport: TLS encrypts, and has authenticated both
 * ends. Data may be written and read in pieces of any size.
 */

const LENGTH = 4;
/** Before the bytes of SSH_MSG_CHANNEL_DATA: length, message type, channel, length of the data. */
const DATA_HEADER = LENGTH + 9;
/** Of every other message; a text of the peer's is the longest thing in one. */
const LONGEST_MESSAGE = 4096;

export interface FrameReaderEvents {
  /** A message other than data; lent until this returns. */
  message(payload: Buffer): void;
  /** Data for a channel, as much of it as has come; belongs to the reader. */
  data(channel: number, piece: Buffer): void;
}

/** Takes messages apart as they arrive, in chunks of any size. */
export class FrameReader {
  readonly #head = Buffer.alloc(DATA_HEADER);
  #headLength = 0;
  /** A message other than data that has not come as a whole. */
  #message: Buffer | null = null;
  #messageLength = 0;
  /** Of the data that is coming: its channel, and the bytes still missing. */
  #channel = 0;
  #missing = 0;

  /** @param longestData of one message */
  constructor(
    private readonly events: FrameReaderEvents,
    private readonly longestData: number,
  ) {}

  /** Takes the chunk over. @throws SallyportError SSH_PROTOCOL for what is no message */
  read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#missing > 0) at += this.#data(chunk, at);
      else if (this.#message) at += this.#fill(this.#message, chunk, at);
      else at += this.#fillHead(chunk, at);
    }
    release(chunk);
  }

  #data(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    this.#missing -= end - at;
    this.events.data(this.#channel, share(chunk, at, end));
    return end - at;
  }

  #fill(message: Buffer, bytes: Buffer, at: number): number {
    const copied = bytes.copy(message, this.#messageLength, at);
    this.#messageLength += copied;
    if (this.#messageLength === message.length) {
      this.#message = null;
      this.events.message(message);
    }
    return copied;
  }

  #fillHead(bytes: Buffer, at: number): number {
    const wanted = this.#headLength > LENGTH && this.#isData ? DATA_HEADER : LENGTH + 1;
    const copied = bytes.copy(this.#head, this.#headLength, at, at + wanted - this.#headLength);
    this.#headLength += copied;
    if (this.#headLength === DATA_HEADER) this.#beginData();
    else if (this.#headLength === LENGTH + 1 && !this.#isData) this.#beginMessage();
    return copied;
  }

  get #isData(): boolean {
    return this.#head[LENGTH] === MESSAGE.channelData;
  }

  #beginData(): void {
    const length = this.#head.readUInt32BE(LENGTH + 5);
    if (this.#head.readUInt32BE(0) !== length + DATA_HEADER - LENGTH) {
      throw protocolError("a data message of another length");
    }
    if (length > this.longestData) throw protocolError("a data message that is longer than agreed");
    this.#channel = this.#head.readUInt32BE(LENGTH + 1);
    this.#missing = length;
    this.#headLength = 0;
  }

  #beginMessage(): void {
    const length = this.#head.readUInt32BE(0);
    if (length === 0 || length > LONGEST_MESSAGE) throw protocolError(`a message of ${length} bytes`);
    const message = Buffer.allocUnsafe(length);
    message[0] = this.#head[LENGTH] ?? 0;
    this.#headLength = 0;
    if (length === 1) return this.events.message(message);
    this.#message = message;
    this.#messageLength = 1;
  }
}

/** A message other than data, behind its length. */
export function frame(payload: Buffer): Buffer {
  const out = Buffer.allocUnsafe(LENGTH + payload.length);
  out.writeUInt32BE(payload.length);
  out.set(payload, LENGTH);
  return out;
}

/** What goes before so many bytes of data. */
export function dataHeader(channel: number, length: number): Buffer {
  const out = Buffer.allocUnsafe(DATA_HEADER);
  out.writeUInt32BE(DATA_HEADER - LENGTH + length);
  out[LENGTH] = MESSAGE.channelData;
  out.writeUInt32BE(channel, LENGTH + 1);
  out.writeUInt32BE(length, LENGTH + 5);
  return out;
}

/** The text of SSH_MSG_DISCONNECT that refuses or ends a session; the far end reads the code back. */
export function refusalText(code: Code, message: string): string {
  return errorLine(code, message).toString("utf8").trimEnd();
}

/** The whole of what a client hears whose session is refused before it begins. */
export function refusalFrame(code: Code, message: string): Buffer {
  return frame(disconnectMessage(DISCONNECT.byApplication, refusalText(code, message)));
}
