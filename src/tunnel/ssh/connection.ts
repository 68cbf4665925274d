import type { SshCertificate } from "../../pki/ssh-certificate.ts";
import { SshReader, SshWriter } from "../../pki/ssh-wire.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { ByteStream } from "../stream.ts";
import type { Carrier, CarrierEvents } from "./carrier.ts";
import type { ChannelHost } from "./channel.ts";
import { ChannelLine } from "./channel-line.ts";
import { ChannelOpening, type ChannelRequest } from "./channel-opening.ts";
import { ChannelTable } from "./channel-table.ts";
import { CLEAR_DATA } from "./clear-data.ts";
import { Keepalive } from "./keepalive.ts";
import type { SshLimits } from "./limits.ts";
import { DISCONNECT, MESSAGE, protocolError } from "./messages.ts";
import type { Timers } from "./timers.ts";
import type { SshTransport } from "./transport.ts";
import type { WindowBudget } from "./window.ts";

export { ChannelRefused, type ChannelRequest } from "./channel-opening.ts";

const DATA_HEADER = 9;

export interface ConnectionOptions {
  role: "server" | "client";
  carrier: Carrier;
  limits: SshLimits;
  budget: WindowBudget;
  timers: Timers;
  /** None: every channel that the peer opens is refused. */
  onChannel?: ((request: ChannelRequest) => void) | undefined;
  /** The name of a global request that the peer makes; it is refused all the same. */
  onRequest?: ((name: string) => void) | undefined;
}

export interface SshConnectionOptions extends Omit<ConnectionOptions, "carrier"> {
  transport: SshTransport;
  /** One character per byte. */
  username: string;
  peerCertificate: SshCertificate;
  remoteAddress: string;
  /** Everything on the channels is TLS: between two of our ends it is not encrypted again (clear-data.ts). */
  channelsAreTls?: boolean | undefined;
}

/** A connection and its channels (RFC 4254). Both ends are alike. */
export class Connection {
  readonly role: "server" | "client";
  readonly #limits: SshLimits;
  readonly #timers: Timers;
  readonly #carrier: Carrier;
  readonly #table = new ChannelTable();
  readonly #line: ChannelLine;
  readonly #opening: ChannelOpening;
  readonly #keepalive: Keepalive;
  readonly #onRequest: ((name: string) => void) | undefined;
  #drained: (() => void)[] = [];
  #end: { error: SallyportError | null } | null = null;
  #closedListeners: ((error: SallyportError | null) => void)[] = [];

  constructor(o: ConnectionOptions) {
    const { carrier, limits, timers } = o;
    this.role = o.role;
    this.#onRequest = o.onRequest;
    this.#limits = limits;
    this.#timers = timers;
    this.#carrier = carrier;
    this.#line = new ChannelLine(() => carrier.mayTransmit);
    this.#opening = new ChannelOpening({
      ...{ carrier, limits, timers, budget: o.budget, table: this.#table },
      host: this.#channelHost(),
      onGone: () => this.#drainedIfEmpty(),
      ...(o.onChannel ? { onChannel: o.onChannel } : {}),
    });
    this.#keepalive = new Keepalive({
      timers,
      intervalMs: limits.keepaliveMs,
      deadAfterMs: limits.deadAfterMs,
      ask: () => this.#askForLife(),
      dead: () => this.#dead(),
    });
    carrier.events = this.#events();
  }

  /** Channels that are open or being opened. */
  get channelCount(): number {
    return this.#opening.count;
  }

  /**
   * Opens a channel; 10 s unless told. @throws SallyportError GATEWAY_BUSY (limits), RESOURCE_SHORTAGE (memory here, or
   * the peer says so), ChannelRefused, TIMEOUT, DRAINING, SSH_DISCONNECTED
   */
  openChannel(type: string, payload: Buffer, o: { timeoutMs?: number } = {}): Promise<ByteStream> {
    return this.#opening.open(type, payload, o.timeoutMs);
  }

  /** Every listener is called once, also one that comes too late. Null: this end closed it in order. */
  onClosed(listener: (error: SallyportError | null) => void): void {
    const end = this.#end;
    if (end) queueMicrotask(() => listener(end.error));
    else this.#closedListeners.push(listener);
  }

  /**
   * A global request of that name which wants no answer: peers that do not know it pass over it (RFC 4254, 4). Nothing
   * happens once the connection is over.
   */
  notify(name: string): void {
    const message = new SshWriter().byte(MESSAGE.globalRequest).string(name).boolean(false);
    this.#carrier.send(message.toBuffer());
  }

  /** Sends SSH_MSG_DISCONNECT and closes. Safe to call twice. */
  disconnect(reason: number, text: string): void {
    this.#carrier.disconnect(reason, text);
  }

  /** Opens and accepts no more channels, waits for the present ones, at most `graceMs`, then disconnects. */
  async drain(graceMs: number): Promise<void> {
    if (this.#end) return;
    this.#opening.drain();
    const drained = Promise.withResolvers<void>();
    const cancel = this.#timers.after(graceMs, drained.resolve);
    this.#drained.push(drained.resolve);
    this.#drainedIfEmpty();
    await drained.promise;
    cancel();
    this.disconnect(DISCONNECT.byApplication, "draining");
  }

  #channelHost(): ChannelHost {
    const carrier = this.#carrier;
    return {
      peerIsSallyport: carrier.peerIsSallyport,
      maxPacket: carrier.longestSent,
      get mayTransmit() {
        return carrier.mayTransmit;
      },
      get clear() {
        return carrier.clear ?? null;
      },
      send: (payload) => carrier.send(payload),
      sendData: (channel, data, start, length) => carrier.sendData(channel, data, start, length),
      enqueue: (channel) => this.#line.enqueue(channel),
      forget: (channel) => {
        this.#table.remove(channel.id);
        this.#drainedIfEmpty();
      },
    };
  }

  #events(): CarrierEvents {
    return {
      message: (type, payload) => this.#receive(type, payload),
      channelData: (channel, data) => this.#table.channel(channel).received(data),
      room: () => this.#line.serve(),
      heard: () => this.#keepalive.heard(),
      closed: (error) => this.#closed(error),
    };
  }

  #receive(type: number, payload: Buffer): void {
    if (type === MESSAGE.channelData) return this.#data(payload);
    const reader = new SshReader(payload, 1);
    if (type === MESSAGE.channelOpen) return this.#opening.requested(reader);
    if (type === MESSAGE.globalRequest) return this.#globalRequest(reader);
    if (type === MESSAGE.requestSuccess || type === MESSAGE.requestFailure) return this.#answered();
    if (type > MESSAGE.channelOpen && type <= MESSAGE.channelFailure)
      return this.#channelMessage(type, reader);
    // RFC 4252, 5.1: requests after the one that succeeded are passed over.
    if (type === MESSAGE.userauthRequest && this.role === "server") return;
    if (type < MESSAGE.globalRequest) throw protocolError(`message ${type} after authentication`);
    this.#carrier.unimplemented();
  }

  #data(payload: Buffer): void {
    if (payload.length < DATA_HEADER) throw protocolError("a data message without data");
    const length = payload.readUInt32BE(5);
    if (length !== payload.length - DATA_HEADER) throw protocolError("a data message of another length");
    if (length > this.#carrier.maxPacket) throw protocolError("a data message that is longer than agreed");
    this.#table.channel(payload.readUInt32BE(1)).received(payload.subarray(DATA_HEADER));
  }

  #channelMessage(type: number, reader: SshReader): void {
    const id = reader.uint32();
    if (type === MESSAGE.channelOpenConfirmation) return this.#opening.confirmed(id, reader);
    if (type === MESSAGE.channelOpenFailure) return this.#opening.refused(id, reader);
    const channel = this.#table.channel(id);
    if (type === MESSAGE.channelWindowAdjust) return channel.adjusted(reader.uint32());
    if (type === MESSAGE.channelEof) return channel.peerEnded();
    if (type === MESSAGE.channelClose) return channel.peerClosed();
    if (type === MESSAGE.channelExtendedData) {
      reader.uint32();
      return channel.discarded(reader.string(this.#carrier.maxPacket).length);
    }
    if (type === MESSAGE.channelRequest) {
      reader.string(256);
      return channel.requested(reader.boolean());
    }
    throw protocolError("an answer to a channel request that was never made");
  }

  /** Infisical's relay refuses every global request as well; an answer counts as a sign of life. */
  #globalRequest(reader: SshReader): void {
    const name = reader.latin1(256);
    if (reader.boolean()) this.#carrier.send(Buffer.of(MESSAGE.requestFailure));
    this.#onRequest?.(name);
  }

  #answered(): void {
    if (!this.#keepalive.answered()) throw protocolError("an answer to a request that was never made");
  }

  #askForLife(): void {
    const message = new SshWriter().byte(MESSAGE.globalRequest).string("keepalive@openssh.com").boolean(true);
    this.#carrier.send(message.toBuffer());
    this.#carrier.checkAge();
  }

  #dead(): void {
    const seconds = Math.round(this.#limits.deadAfterMs / 1000);
    const error = new SallyportError(
      "SSH_DISCONNECTED",
      `The SSH peer has been silent for ${seconds} seconds.`,
    );
    this.#carrier.disconnect(DISCONNECT.byApplication, "no sign of life", error);
  }

  #drainedIfEmpty(): void {
    if (this.channelCount === 0) this.#wakeDrains();
  }

  #wakeDrains(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #closed(error: SallyportError | null): void {
    this.#end = { error };
    this.#keepalive.close();
    this.#line.clear();
    const lost = error ?? new SallyportError("SSH_DISCONNECTED", "The SSH connection was closed.");
    const { channels, pending } = this.#table.clear();
    this.#opening.close(lost, pending);
    for (const channel of channels) channel.lost(lost);
    for (const listener of this.#closedListeners.splice(0)) listener(error);
    this.#wakeDrains();
  }
}

/** An authenticated SSH connection and its channels. */
export class SshConnection extends Connection {
  readonly username: string;
  /** The user's certificate at the server, the host's at the client. */
  readonly peerCertificate: SshCertificate;
  readonly remoteAddress: string;
  readonly peerIdent: string;

  constructor(o: SshConnectionOptions) {
    const { transport, username, peerCertificate, remoteAddress, channelsAreTls = false, ...rest } = o;
    const mayBeClear = channelsAreTls && transport.peerIsSallyport;
    transport.authenticated();
    super({
      ...rest,
      carrier: transport,
      onRequest(name) {
        if (name !== CLEAR_DATA) return rest.onRequest?.(name);
        if (mayBeClear) transport.peerReadsClear();
      },
    });
    if (mayBeClear) {
      transport.readClear();
      this.notify(CLEAR_DATA);
    }
    this.username = username;
    this.peerCertificate = peerCertificate;
    this.remoteAddress = remoteAddress;
    this.peerIdent = transport.peerIdent;
  }
}
