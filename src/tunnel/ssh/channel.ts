import { release } from "../release.ts";
import type { ByteStream, ByteStreamHandler } from "../stream.ts";
import { type ClearSender, LEAST_CLEAR } from "./clear-data.ts";
import { MESSAGE, numberMessage, protocolError } from "./messages.ts";
import type { ReceiveWindow } from "./window.ts";

const MAX_UINT32 = 0xffff_ffff;
/** Data messages that one channel may send before the next one that waits has its turn. */
const TURN = 2;

/** The connection as its channels see it. */
export interface ChannelHost {
  readonly peerIsSallyport: boolean;
  /** Longest data message that is sent, whatever the peer takes. */
  readonly maxPacket: number;
  /** Whether data may be added to the output now. */
  readonly mayTransmit: boolean;
  /** Where there is one, and a chunk is not too small, data goes by it. */
  readonly clear: ClearSender | null;
  send(payload: Buffer): void;
  sendData(channel: number, data: Buffer, start: number, length: number): void;
  /** Puts the channel in line, unless it is there; `transmit` is called when it is its turn, perhaps at once. */
  enqueue(channel: SshChannel): void;
  /** Both ends have closed the channel: its number is free. */
  forget(channel: SshChannel): void;
}

/** What the peer said about its end when the channel was opened. */
export interface PeerEnd {
  id: number;
  window: number;
  maxPacket: number;
}

interface Queued {
  chunk: Buffer;
  /** Of the chunk, whose memory may be given back as soon as its end was lent. */
  length: number;
  offset: number;
  /** Its beginning was sent in clear, from where it lies. */
  lent: boolean;
}

/**
 * One SSH channel as a byte stream (RFC 4254, 5). CHANNEL_CLOSE is sent when both directions have ended, or on
 * `destroy`; afterwards nothing more is sent on the channel (late credit would be fatal to a Go peer).
 */
export class SshChannel implements ByteStream {
  #peer: PeerEnd;
  #handler: ByteStreamHandler | null = null;
  #early: Buffer[] = [];
  #queue: Queued[] = [];
  #ending = false;
  #endSent = false;
  #peerEnded = false;
  #closeSent = false;
  #closed = false;
  #error: Error | null = null;

  constructor(
    private readonly host: ChannelHost,
    readonly id: number,
    private readonly window: ReceiveWindow,
    peer: PeerEnd,
  ) {
    this.#peer = { ...peer, maxPacket: Math.min(peer.maxPacket, host.maxPacket) };
  }

  /** Over for its owner, perhaps still waiting for the peer's CHANNEL_CLOSE. */
  get closed(): boolean {
    return this.#closed;
  }

  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) handler.data(chunk);
    if (this.#peerEnded) handler.end();
    if (this.#closed) handler.closed(this.#error);
  }

  write(chunk: Buffer): void {
    if (this.#closed || chunk.length === 0) return;
    if (this.#ending) return this.#handler?.written(chunk.length);
    this.#queue.push({ chunk, length: chunk.length, offset: 0, lent: false });
    if (this.#queue.length === 1 && this.#peer.window > 0) this.host.enqueue(this);
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#finishSending();
  }

  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#sendClose();
    this.#finish(error ?? new Error("destroyed"));
  }

  consumed(bytes: number): void {
    if (this.#closed || this.#closeSent) return;
    const credit = this.window.give(bytes);
    if (credit > 0 && !this.#peerEnded) {
      this.host.send(numberMessage(MESSAGE.channelWindowAdjust, this.#peer.id, credit));
    }
  }

  /** Sends what the peer's window, the output and one turn allow, and gets in line again if there is more. */
  transmit(): void {
    let left = TURN * this.host.maxPacket;
    let sent = 0;
    for (let head = this.#queue[0]; head && left > 0; head = this.#queue[0]) {
      if (this.#peer.window === 0 || !this.host.mayTransmit) break;
      const length = this.#sendPart(head);
      // A write may be how a socket is found to be gone.
      if (this.#closed) return;
      head.offset += length;
      this.#peer.window -= length;
      left -= length;
      sent += length;
      if (head.offset < head.length) continue;
      this.#queue.shift();
      if (!head.lent) release(head.chunk);
    }
    if (this.#queue.length > 0 && this.#peer.window > 0) this.host.enqueue(this);
    if (sent > 0) this.#handler?.written(sent);
    this.#finishSending();
  }

  /** CHANNEL_WINDOW_ADJUST. */
  adjusted(credit: number): void {
    const waited = this.#peer.window === 0;
    this.#peer.window += credit;
    if (this.#peer.window > MAX_UINT32) throw protocolError("a channel window of more than 2^32-1 bytes");
    if (waited && this.#queue.length > 0) this.host.enqueue(this);
  }

  /** CHANNEL_DATA; the bytes now belong to the channel. */
  received(data: Buffer): void {
    this.#account(data.length);
    if (this.#closed || this.#closeSent || data.length === 0) return;
    if (this.#handler) this.#handler.data(data);
    else this.#early.push(data);
  }

  /** CHANNEL_EXTENDED_DATA: nobody wants it, but it took credit. */
  discarded(length: number): void {
    this.#account(length);
    this.consumed(length);
  }

  /** CHANNEL_EOF. */
  peerEnded(): void {
    if (this.#peerEnded) throw protocolError("a second end of a channel");
    this.#peerEnded = true;
    if (this.#closed) return;
    this.#handler?.end();
    this.#closeIfDone();
  }

  /** CHANNEL_CLOSE. */
  peerClosed(): void {
    this.#sendClose();
    this.host.forget(this);
    if (this.#closed) return;
    // Between our own ends it means that the peer gave up; others say no more than this at an ordinary end.
    if (this.host.peerIsSallyport) return this.#finish(new Error("the peer gave the channel up"));
    const announced = this.#peerEnded;
    this.#peerEnded = true;
    if (!announced) this.#handler?.end();
    this.#finish(null);
  }

  /** CHANNEL_REQUEST: none is known. */
  requested(wantReply: boolean): void {
    if (wantReply && !this.#closeSent) this.host.send(numberMessage(MESSAGE.channelFailure, this.#peer.id));
  }

  /** The connection is gone. */
  lost(error: Error): void {
    this.#closeSent = true;
    this.#finish(error);
  }

  #account(bytes: number): void {
    if (this.#peerEnded) throw protocolError("channel data after its end");
    if (!this.window.take(bytes)) throw protocolError("more channel data than its window allows");
  }

  /** Returns how many bytes it was. */
  #sendPart(head: Queued): number {
    const { chunk, offset } = head;
    const { id, window, maxPacket } = this.#peer;
    const { clear } = this.host;
    const left = Math.min(head.length - offset, window);
    if (clear && (head.lent || head.length >= LEAST_CLEAR)) {
      const length = Math.min(left, clear.longest);
      head.lent = true;
      clear.send(id, chunk, offset, length);
      return length;
    }
    const length = Math.min(left, maxPacket);
    this.host.sendData(id, chunk, offset, length);
    return length;
  }

  #finishSending(): void {
    if (!this.#ending || this.#endSent || this.#closeSent || this.#queue.length > 0) return;
    this.#endSent = true;
    this.host.send(numberMessage(MESSAGE.channelEof, this.#peer.id));
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (!this.#endSent || !this.#peerEnded) return;
    this.#sendClose();
    this.#finish(null);
  }

  #sendClose(): void {
    if (this.#closeSent) return;
    this.#closeSent = true;
    this.host.send(numberMessage(MESSAGE.channelClose, this.#peer.id));
  }

  #finish(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.window.close();
    const dropped = this.#queue;
    this.#queue = [];
    const handler = this.#handler;
    if (!handler) return;
    const bytes = dropped.reduce((sum, { length, offset }) => sum + length - offset, 0);
    if (bytes > 0) handler.written(bytes);
    handler.closed(error);
  }
}
