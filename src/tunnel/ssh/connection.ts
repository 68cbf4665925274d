import type { SshCertificate } from "../../pki/ssh-certificate.ts";
import { SshReader, SshWriter } from "../../pki/ssh-wire.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { ByteStream } from "../stream.ts";
import { type ChannelHost, type PeerEnd, SshChannel } from "./channel.ts";
import { ChannelLine } from "./channel-line.ts";
import { ChannelTable, type PendingOpen } from "./channel-table.ts";
import { Keepalive } from "./keepalive.ts";
import { LEAST_MAX_PACKET, type SshLimits } from "./limits.ts";
import { DISCONNECT, MESSAGE, numberMessage, OPEN_FAILURE, peerText, protocolError } from "./messages.ts";
import { OpenRules } from "./open-rules.ts";
import type { Timers } from "./timers.ts";
import type { SshTransport, TransportEvents } from "./transport.ts";
import { ReceiveWindow, type WindowBudget } from "./window.ts";

const OPEN_MS = 10_000;
const DATA_HEADER = 9;

/** A channel that the peer wants to open. Answer it once; the connection's end answers it too. */
export interface ChannelRequest {
  type: string;
  /** What the type brings along; may be empty (PROTOCOL 0.1). */
  payload: Buffer;
  accept(): ByteStream;
  /** @param reason RFC 4254, 5.1: 1 prohibited, 2 connect failed, 3 unknown type, 4 resource shortage */
  reject(reason: number, text: string): void;
}

/** The peer would not open a channel, for a reason other than a shortage. */
export class ChannelRefused extends SallyportError {
  constructor(
    /** RFC 4254, 5.1. A Go gateway says 3 for some milliseconds after authentication. */
    readonly reason: number,
    text: string,
  ) {
    super("GATEWAY_BUSY", `The peer refused the channel: ${text || `reason ${reason}`}.`);
  }
}

export interface ConnectionOptions {
  role: "server" | "client";
  transport: SshTransport;
  /** One character per byte. */
  username: string;
  peerCertificate: SshCertificate;
  remoteAddress: string;
  limits: SshLimits;
  budget: WindowBudget;
  timers: Timers;
  /** None: every channel that the peer opens is refused. */
  onChannel?: (request: ChannelRequest) => void;
}

/** An authenticated SSH connection and its channels (RFC 4254). Both ends are alike. */
export class SshConnection {
  readonly role: "server" | "client";
  readonly username: string;
  /** The user's certificate at the server, the host's at the client. */
  readonly peerCertificate: SshCertificate;
  readonly remoteAddress: string;
  readonly peerIdent: string;
  readonly #o: ConnectionOptions;
  readonly #transport: SshTransport;
  readonly #table = new ChannelTable();
  readonly #line: ChannelLine;
  readonly #rules: OpenRules;
  readonly #keepalive: Keepalive;
  readonly #host: ChannelHost;
  /** Windows of channels that the peer wants and nobody has answered yet. */
  readonly #requested = new Set<ReceiveWindow>();
  #draining: (() => void) | null = null;
  #end: { error: SallyportError | null } | null = null;
  #closedListeners: ((error: SallyportError | null) => void)[] = [];

  constructor(o: ConnectionOptions) {
    this.#o = o;
    this.role = o.role;
    this.username = o.username;
    this.peerCertificate = o.peerCertificate;
    this.remoteAddress = o.remoteAddress;
    this.peerIdent = o.transport.peerIdent;
    this.#transport = o.transport;
    this.#rules = new OpenRules(o.limits, () => o.timers.now());
    this.#line = new ChannelLine(() => o.transport.mayTransmit);
    this.#host = this.#channelHost();
    this.#keepalive = new Keepalive({
      timers: o.timers,
      intervalMs: o.limits.keepaliveMs,
      deadAfterMs: o.limits.deadAfterMs,
      ask: () => this.#askForLife(),
      dead: () => this.#dead(),
    });
    o.transport.authenticated();
    o.transport.events = this.#events();
  }

  /** Channels that are open or being opened. */
  get channelCount(): number {
    return this.#table.size + this.#requested.size;
  }

  /**
   * Opens a channel. @throws SallyportError GATEWAY_BUSY (limits), RESOURCE_SHORTAGE (memory here, or the peer says so),
   * ChannelRefused, TIMEOUT, DRAINING, SSH_DISCONNECTED
   */
  openChannel(type: string, payload: Buffer, o: { timeoutMs?: number } = {}): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      const window = this.#admitOwn();
      const pending: PendingOpen = {
        window,
        abandoned: false,
        confirmed: (channel) => settle(() => resolve(channel)),
        refused: (error) => settle(() => reject(error)),
      };
      const id = this.#table.reserve(pending);
      const cancel = this.#o.timers.after(o.timeoutMs ?? OPEN_MS, () => {
        pending.abandoned = true;
        reject(new SallyportError("TIMEOUT", "The peer did not answer the opening of a channel in time."));
      });
      const settle = (then: () => void) => {
        cancel();
        then();
      };
      this.#transport.send(openMessage(type, id, window.credit, this.#transport.maxPacket, payload));
    });
  }

  /** Every listener is called once, also one that comes too late. Null: this end closed it in order. */
  onClosed(listener: (error: SallyportError | null) => void): void {
    const end = this.#end;
    if (end) queueMicrotask(() => listener(end.error));
    else this.#closedListeners.push(listener);
  }

  /** Sends SSH_MSG_DISCONNECT and closes. Safe to call twice. */
  disconnect(reason: number, text: string): void {
    this.#transport.disconnect(reason, text);
  }

  /** Opens and accepts no more channels, waits for the present ones, at most `graceMs`, then disconnects. */
  async drain(graceMs: number): Promise<void> {
    if (this.#end) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#o.timers.after(graceMs, () => done());
      const before = this.#draining;
      const done = () => {
        cancel();
        before?.();
        resolve();
      };
      this.#draining = done;
      this.#drainedIfEmpty();
    });
    this.disconnect(DISCONNECT.byApplication, "draining");
  }

  /** @throws SallyportError why not */
  #admitOwn(): ReceiveWindow {
    if (this.#end) throw new SallyportError("SSH_DISCONNECTED", "The SSH connection is closed.");
    if (this.#draining)
      throw new SallyportError("DRAINING", "The SSH connection is being drained; use another one.");
    const objection = this.#rules.objection("ours", this.channelCount);
    if (objection)
      throw new SallyportError("GATEWAY_BUSY", `The gateway's connection is busy: ${objection}.`);
    const window = this.#reserveWindow();
    if (window) return window;
    throw new SallyportError(
      "RESOURCE_SHORTAGE",
      "There is no memory left for another channel; try again later.",
    );
  }

  #reserveWindow(): ReceiveWindow | null {
    return ReceiveWindow.reserve({
      budget: this.#o.budget,
      limits: this.#o.limits,
      peerIsSallyport: this.#transport.peerIsSallyport,
      now: () => this.#o.timers.now(),
    });
  }

  #channelHost(): ChannelHost {
    const transport = this.#transport;
    return {
      peerIsSallyport: transport.peerIsSallyport,
      get mayTransmit() {
        return transport.mayTransmit;
      },
      send: (payload) => transport.send(payload),
      sendData: (channel, data, start, length) => transport.sendData(channel, data, start, length),
      enqueue: (channel) => this.#line.enqueue(channel),
      forget: (channel) => {
        this.#table.remove(channel.id);
        this.#drainedIfEmpty();
      },
    };
  }

  #events(): TransportEvents {
    return {
      message: (type, payload) => this.#receive(type, payload),
      keysChanged() {},
      room: () => this.#line.serve(),
      heard: () => this.#keepalive.heard(),
      closed: (error) => this.#closed(error),
    };
  }

  #receive(type: number, payload: Buffer): void {
    if (type === MESSAGE.channelData) return this.#data(payload);
    const reader = new SshReader(payload, 1);
    if (type === MESSAGE.channelOpen) return this.#opened(reader);
    if (type === MESSAGE.globalRequest) return this.#globalRequest(reader);
    if (type === MESSAGE.requestSuccess || type === MESSAGE.requestFailure) return this.#answered();
    if (type > MESSAGE.channelOpen && type <= MESSAGE.channelFailure)
      return this.#channelMessage(type, reader);
    // RFC 4252, 5.1: requests after the one that succeeded are passed over.
    if (type === MESSAGE.userauthRequest && this.role === "server") return;
    if (type < MESSAGE.globalRequest) throw protocolError(`message ${type} after authentication`);
    this.#transport.unimplemented();
  }

  #data(payload: Buffer): void {
    if (payload.length < DATA_HEADER) throw protocolError("a data message without data");
    const length = payload.readUInt32BE(5);
    if (length !== payload.length - DATA_HEADER) throw protocolError("a data message of another length");
    if (length > this.#transport.maxPacket) throw protocolError("a data message that is longer than agreed");
    this.#table.channel(payload.readUInt32BE(1)).received(payload.subarray(DATA_HEADER));
  }

  #channelMessage(type: number, reader: SshReader): void {
    const id = reader.uint32();
    if (type === MESSAGE.channelOpenConfirmation) return this.#confirmed(id, reader);
    if (type === MESSAGE.channelOpenFailure) return this.#refused(id, reader);
    const channel = this.#table.channel(id);
    if (type === MESSAGE.channelWindowAdjust) return channel.adjusted(reader.uint32());
    if (type === MESSAGE.channelEof) return channel.peerEnded();
    if (type === MESSAGE.channelClose) return channel.peerClosed();
    if (type === MESSAGE.channelExtendedData) {
      reader.uint32();
      return channel.discarded(reader.string(this.#transport.maxPacket).length);
    }
    if (type === MESSAGE.channelRequest) {
      reader.string(256);
      return channel.requested(reader.boolean());
    }
    throw protocolError("an answer to a channel request that was never made");
  }

  #confirmed(id: number, reader: SshReader): void {
    const pending = this.#table.pending(id);
    const peer = readPeerEnd(reader);
    const channel = new SshChannel(this.#host, id, pending.window, peer);
    this.#table.put(channel);
    if (pending.abandoned) channel.destroy();
    else pending.confirmed(channel);
  }

  #refused(id: number, reader: SshReader): void {
    const pending = this.#table.pending(id);
    const reason = reader.uint32();
    const text = peerText(reader.string());
    this.#table.remove(id);
    pending.window.close();
    const shortage = `The peer has no room for another channel: ${text || "no reason given"}.`;
    pending.refused(
      reason === OPEN_FAILURE.shortage
        ? new SallyportError("RESOURCE_SHORTAGE", shortage)
        : new ChannelRefused(reason, text),
    );
    this.#drainedIfEmpty();
  }

  #opened(reader: SshReader): void {
    const type = reader.latin1(256);
    const peer = readPeerEnd(reader);
    const refuse = (reason: number, text: string) => this.#refuse(peer.id, reason, text);
    const { onChannel } = this.#o;
    if (!onChannel) return refuse(OPEN_FAILURE.prohibited, "no channels are accepted here");
    if (this.#draining) return refuse(OPEN_FAILURE.shortage, "draining");
    const objection = this.#rules.objection("theirs", this.channelCount);
    if (objection) return refuse(OPEN_FAILURE.shortage, objection);
    const window = this.#reserveWindow();
    if (!window) return refuse(OPEN_FAILURE.shortage, "no memory for another channel");
    let answered = false;
    const answer = () => {
      if (answered) throw new SallyportError("INTERNAL", "A channel request was answered twice.");
      answered = true;
      this.#requested.delete(window);
    };
    this.#requested.add(window);
    onChannel({
      type,
      payload: Buffer.from(reader.rest()),
      accept: () => {
        answer();
        return this.#accept(window, peer);
      },
      reject: (reason, text) => {
        answer();
        window.close();
        refuse(reason, text);
        this.#drainedIfEmpty();
      },
    });
  }

  #accept(window: ReceiveWindow, peer: PeerEnd): ByteStream {
    const channel = new SshChannel(this.#host, this.#table.allot(), window, peer);
    if (this.#end) {
      channel.lost(
        this.#end.error ?? new SallyportError("SSH_DISCONNECTED", "The SSH connection is closed."),
      );
      return channel;
    }
    this.#table.put(channel);
    this.#transport.send(
      numberMessage(
        MESSAGE.channelOpenConfirmation,
        peer.id,
        channel.id,
        window.credit,
        this.#transport.maxPacket,
      ),
    );
    return channel;
  }

  #refuse(peerId: number, reason: number, text: string): void {
    if (!this.#rules.mayRefuse()) throw protocolError("channel opens without end");
    const message = new SshWriter().byte(MESSAGE.channelOpenFailure).uint32(peerId).uint32(reason);
    this.#transport.send(message.string(text).string("").toBuffer());
  }

  /** Infisical's relay refuses every global request as well; an answer counts as a sign of life. */
  #globalRequest(reader: SshReader): void {
    reader.string(256);
    if (reader.boolean()) this.#transport.send(Buffer.of(MESSAGE.requestFailure));
  }

  #answered(): void {
    if (!this.#keepalive.answered()) throw protocolError("an answer to a request that was never made");
  }

  #askForLife(): void {
    const message = new SshWriter().byte(MESSAGE.globalRequest).string("keepalive@openssh.com").boolean(true);
    this.#transport.send(message.toBuffer());
    this.#transport.checkAge();
  }

  #dead(): void {
    const seconds = Math.round(this.#o.limits.deadAfterMs / 1000);
    const error = new SallyportError(
      "SSH_DISCONNECTED",
      `The SSH peer has been silent for ${seconds} seconds.`,
    );
    this.#transport.disconnect(DISCONNECT.byApplication, "no sign of life", error);
  }

  #drainedIfEmpty(): void {
    if (this.channelCount === 0) this.#draining?.();
  }

  #closed(error: SallyportError | null): void {
    this.#end = { error };
    this.#keepalive.close();
    this.#line.clear();
    const lost = error ?? new SallyportError("SSH_DISCONNECTED", "The SSH connection was closed.");
    const { channels, pending } = this.#table.clear();
    for (const { window, refused, abandoned } of pending) {
      window.close();
      if (!abandoned) refused(lost);
    }
    for (const window of this.#requested) window.close();
    this.#requested.clear();
    for (const channel of channels) channel.lost(lost);
    const listeners = this.#closedListeners;
    this.#closedListeners = [];
    for (const listener of listeners) listener(error);
    this.#draining?.();
  }
}

/** @throws SallyportError SSH_PROTOCOL for packets so small that they only cost time */
function readPeerEnd(reader: SshReader): PeerEnd {
  const peer = { id: reader.uint32(), window: reader.uint32(), maxPacket: reader.uint32() };
  if (peer.maxPacket < LEAST_MAX_PACKET) throw protocolError(`channel packets of ${peer.maxPacket} bytes`);
  return peer;
}

function openMessage(type: string, id: number, window: number, maxPacket: number, payload: Buffer): Buffer {
  const message = new SshWriter().byte(MESSAGE.channelOpen).string(type).uint32(id);
  return message.uint32(window).uint32(maxPacket).raw(payload).toBuffer();
}
