import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Carrier, CarrierEvents } from "../ssh/carrier.ts";
import { disconnectMessage, MESSAGE, numberMessage, protocolError, readDisconnect } from "../ssh/messages.ts";
import type { Timers } from "../ssh/timers.ts";
import { parseErrorLine } from "../status-line.ts";
import { CutShort, type TlsSession } from "../tls/tls-session.ts";
import { dataHeader, FrameReader, frame } from "./frames.ts";

/** Data of one message: so many full TLS records. */
const MAX_DATA = 32 * 16 * 1024;
/** Channels stop adding above this many bytes that have not left, and go on below half of it. */
const HIGH_WATER = 1024 * 1024;
/** Answers that a peer provokes and does not read. */
const MOST_UNREAD = 4 * HIGH_WATER;
/** Less data than this is put into one TLS record with the messages before it. */
const SMALL = 4096;
/** How long what was written before a close may take to leave. */
const LINGER_MS = 2000;

/** Carries a connection's messages in a TLS session (frames.ts). */
export class MuxCarrier implements Carrier {
  events: CarrierEvents | null = null;
  readonly peerIsSallyport = true;
  readonly maxPacket = MAX_DATA;
  readonly longestSent = MAX_DATA;
  readonly #stream: TlsSession;
  readonly #timers: Timers;
  readonly #reader: FrameReader;
  /** Not written yet; it goes out at the end of this turn of the event loop. */
  #output: Buffer[] = [];
  #scheduled = false;
  #unwritten = 0;
  #closed = false;
  #streamIsOver = false;
  #stopLinger = () => {};

  /** @param onOver nothing moves on the stream any more */
  constructor(
    stream: TlsSession,
    timers: Timers,
    private readonly onOver: () => void = () => {},
  ) {
    this.#stream = stream;
    this.#timers = timers;
    this.#reader = new FrameReader(
      {
        message: (payload) => this.#message(payload),
        data: (channel, piece) => this.events?.channelData?.(channel, piece),
      },
      this.maxPacket,
    );
  }

  /** Begins to read; `events` is set. */
  start(): void {
    const stream = this.#stream;
    stream.attach({
      data: (chunk) => this.#receive(chunk),
      end: () => this.#close(lost(null)),
      written: (bytes) => this.#written(bytes),
      closed: (error) => {
        this.#streamIsOver = true;
        this.#stopLinger();
        this.#close(lost(error));
        this.onOver();
      },
    });
  }

  get mayTransmit(): boolean {
    return !this.#closed && this.#unwritten < HIGH_WATER;
  }

  send(payload: Buffer): void {
    if (this.#closed) return;
    this.#add(frame(payload));
    if (this.#unwritten > MOST_UNREAD) this.#fail(protocolError("it does not read what it asked for"));
  }

  sendData(channel: number, data: Buffer, start: number, length: number): void {
    if (this.#closed) return;
    this.#add(dataHeader(channel, length));
    const part = data.subarray(start, start + length);
    if (length < SMALL) return this.#add(Buffer.from(part));
    this.#unwritten += length;
    this.#flush(part);
  }

  unimplemented(): void {
    this.send(numberMessage(MESSAGE.unimplemented, 0));
  }

  checkAge(): void {}

  disconnect(reason: number, text: string, error: SallyportError | null = null): void {
    if (this.#closed) return;
    this.#add(frame(disconnectMessage(reason, text)));
    this.#close(error && broken(error));
  }

  #add(bytes: Buffer): void {
    this.#output.push(bytes);
    this.#unwritten += bytes.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Messages that wait become one TLS record, or few; data that follows them is lent until this returns. */
  #flush(data?: Buffer): void {
    const output = this.#output;
    if (output.length === 0) return;
    this.#output = [];
    const messages = Buffer.concat(output);
    this.#stream.writeTogether(data ? [messages, data] : [messages]);
  }

  #written(bytes: number): void {
    const wasFull = this.#unwritten >= HIGH_WATER / 2;
    this.#unwritten -= bytes;
    if (wasFull && this.#unwritten < HIGH_WATER / 2 && !this.#closed) this.events?.room();
  }

  /** Memory is bounded by the channels' windows, so the session itself never stalls. */
  #receive(chunk: Buffer): void {
    const { length } = chunk;
    if (!this.#closed) {
      this.events?.heard();
      try {
        this.#reader.read(chunk);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#stream.consumed(length);
  }

  #message(payload: Buffer): void {
    if (this.#closed) return;
    const type = payload[0] ?? 0;
    if (type === MESSAGE.disconnect) {
      const { peerReason } = readDisconnect(payload);
      return this.#close(parseErrorLine(peerReason) ?? ended(peerReason));
    }
    if (type >= MESSAGE.globalRequest) return this.events?.message(type, payload);
    // RFC 4253, 11.2 to 11.4: passed over.
    if (type < MESSAGE.ignore || type > MESSAGE.debug) throw protocolError(`message ${type}`);
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    const failure = broken(error);
    this.#add(frame(disconnectMessage(2, failure.message)));
    this.#close(failure);
  }

  #close(error: SallyportError | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#flush();
    if (!this.#streamIsOver) {
      this.#stopLinger = this.#timers.after(LINGER_MS, () => this.#stream.destroy());
      this.#stream.end();
    }
    this.events?.closed(error);
  }
}

function broken(error: unknown): SallyportError {
  const message = `The shared session with the far end broke: ${describe(error)}.`;
  return new SallyportError("TLS_FAILED", message, { cause: error });
}

/** What TLS knows better, as that our certificate was refused, is said as it is. */
function lost(cause: Error | null): SallyportError {
  return cause instanceof SallyportError ? cause : new CutShort(cause);
}

function ended(reason: string): SallyportError {
  const why = reason.replace(/\.$/, "") || "it gave no reason";
  return new SallyportError("DRAINING", `The far end closed the shared session: ${why}.`);
}
