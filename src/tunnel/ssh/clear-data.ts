import { share } from "../release.ts";
import type { Staging } from "../staging.ts";
import { MESSAGE, numberMessage, protocolError } from "./messages.ts";

/*
 * Channel data in clear, between two of our own ends on whose channels everything is TLS already: encrypting it again
 * would protect nobody. It is a local extension (RFC 4250, 4.1.1):
 *
 *   byte 192, uint32 recipient channel, uint32 length
 *
 * is a packet like any other, encrypted and authenticated. Right behind it, in no packet, come `length` bytes for that
 * channel; they take window as SSH_MSG_CHANNEL_DATA does (RFC 4254, 5.2). Nothing comes between them, so neither does
 * a key exchange. Only who has said `CLEAR_DATA` in a global request is sent any.
 *
 * Who changes these bytes on their way breaks the TLS inside; who takes some away or adds some, the next SSH packet too.
 */

/** The global request by which an end says that it reads such data. It wants no answer: others pass over it. */
export const CLEAR_DATA = "clear-data@sallyport";

/** Smaller chunks are encrypted: it costs less than a message of their own, and the handshakes inside are small. */
export const LEAST_CLEAR = 4 * 1024;
/** Longest run of bytes behind one message. */
export const LONGEST_CLEAR = 1024 * 1024;

/** Sends channel data in clear. */
export interface ClearSender {
  /** The most that goes behind one message now, in bytes. */
  readonly longest: number;
  /**
   * Sends a part of a chunk from where it lies, only while data may be sent. The part belongs to the sender from now on,
   * the whole chunk with its last part.
   */
  send(channel: number, chunk: Buffer, start: number, length: number): void;
}

/** Our data in clear, into the staging between two packets. */
export class ClearOutput implements ClearSender {
  /** Bytes so far. */
  sent = 0;

  /** @param write encrypts a message */
  constructor(
    private readonly staging: Staging,
    private readonly write: (message: Buffer) => void,
  ) {}

  get longest(): number {
    return Math.min(LONGEST_CLEAR, this.staging.highWater);
  }

  send(channel: number, chunk: Buffer, start: number, length: number): void {
    this.sent += length;
    this.write(clearMessage(channel, length));
    this.staging.lend(chunk, start, length);
  }
}

export function clearMessage(channel: number, length: number): Buffer {
  return numberMessage(MESSAGE.clearData, channel, length);
}

/** The peer's data in clear, piece by piece as it arrives. */
export class ClearReader {
  /** Bytes so far. */
  received = 0;
  #open = false;
  #channel = 0;
  #left = 0;

  /** @param deliver takes a piece over */
  constructor(private readonly deliver: (channel: number, piece: Buffer) => void) {}

  /** Whether the peer may send any; until it does, the message is one that nobody knows. */
  get open(): boolean {
    return this.#open;
  }

  /** Whether the next bytes are data in clear. */
  get expecting(): boolean {
    return this.#left > 0;
  }

  accept(): void {
    this.#open = true;
  }

  /** The message before the data. @throws SallyportError SSH_PROTOCOL */
  announced(payload: Buffer): void {
    if (payload.length !== 9) throw protocolError("a malformed announcement of data");
    const length = payload.readUInt32BE(5);
    if (length === 0 || length > LONGEST_CLEAR)
      throw protocolError(`an announcement of ${length} bytes of data`);
    this.#channel = payload.readUInt32BE(1);
    this.#left = length;
  }

  /** Delivers what of the data lies in the chunk from `at` on, and returns where to go on. */
  take(chunk: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#left);
    this.#left -= to - at;
    this.received += to - at;
    this.deliver(this.#channel, share(chunk, at, to));
    return to;
  }
}
