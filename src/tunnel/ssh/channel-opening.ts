import { type SshReader, SshWriter } from "../../pki/ssh-wire.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { ByteStream } from "../stream.ts";
import type { Carrier } from "./carrier.ts";
import { type ChannelHost, type PeerEnd, SshChannel } from "./channel.ts";
import type { ChannelTable, PendingOpen } from "./channel-table.ts";
import { LEAST_MAX_PACKET, type SshLimits } from "./limits.ts";
import { MESSAGE, numberMessage, OPEN_FAILURE, peerText, protocolError } from "./messages.ts";
import { OpenRules } from "./open-rules.ts";
import type { Timers } from "./timers.ts";
import { ReceiveWindow, type WindowBudget } from "./window.ts";

const OPEN_MS = 10_000;

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

export interface ChannelOpeningOptions {
  carrier: Carrier;
  table: ChannelTable;
  host: ChannelHost;
  limits: SshLimits;
  budget: WindowBudget;
  timers: Timers;
  /** None: every channel that the peer opens is refused. */
  onChannel?: (request: ChannelRequest) => void;
  /** A channel that was being opened is gone. */
  onGone: () => void;
}

/** Channels in the making, at either end: limits, windows, and messages 90 to 92. */
export class ChannelOpening {
  readonly #o: ChannelOpeningOptions;
  readonly #rules: OpenRules;
  /** Windows of channels that the peer wants and nobody has answered yet. */
  readonly #requested = new Set<ReceiveWindow>();
  #draining = false;
  #lost: SallyportError | null = null;

  constructor(o: ChannelOpeningOptions) {
    this.#o = o;
    this.#rules = new OpenRules(o.limits, () => o.timers.now());
  }

  /** Channels that are open or being opened. */
  get count(): number {
    return this.#o.table.size + this.#requested.size;
  }

  /** From now on neither end opens any. */
  drain(): void {
    this.#draining = true;
  }

  /** The connection is gone. */
  close(error: SallyportError, pending: PendingOpen[]): void {
    this.#lost = error;
    for (const { window, refused } of pending) {
      window.close();
      refused(error);
    }
    for (const window of this.#requested) window.close();
    this.#requested.clear();
  }

  open(type: string, payload: Buffer, timeoutMs = OPEN_MS): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      const { table, timers, carrier } = this.#o;
      const window = this.#admitOwn();
      const cancel = timers.after(timeoutMs, () => {
        pending.abandoned = true;
        reject(new SallyportError("TIMEOUT", "The peer did not answer the opening of a channel in time."));
      });
      const pending: PendingOpen = {
        window,
        abandoned: false,
        confirmed(channel) {
          cancel();
          resolve(channel);
        },
        refused(error) {
          cancel();
          reject(error);
        },
      };
      const message = new SshWriter().byte(MESSAGE.channelOpen).string(type).uint32(table.reserve(pending));
      carrier.send(message.uint32(window.credit).uint32(carrier.maxPacket).raw(payload).toBuffer());
    });
  }

  /** CHANNEL_OPEN_CONFIRMATION. */
  confirmed(id: number, reader: SshReader): void {
    const { table, host } = this.#o;
    const pending = table.pending(id);
    const channel = new SshChannel(host, id, pending.window, readPeerEnd(reader));
    table.put(channel);
    if (pending.abandoned) channel.destroy();
    else pending.confirmed(channel);
  }

  /** CHANNEL_OPEN_FAILURE. */
  refused(id: number, reader: SshReader): void {
    const pending = this.#o.table.pending(id);
    const reason = reader.uint32();
    const text = peerText(reader.string());
    this.#o.table.remove(id);
    pending.window.close();
    pending.refused(refusal(reason, text));
    this.#o.onGone();
  }

  /** CHANNEL_OPEN. */
  requested(reader: SshReader): void {
    const { onChannel } = this.#o;
    const type = reader.latin1(256);
    const peer = readPeerEnd(reader);
    if (!onChannel) return this.#refuse(peer, OPEN_FAILURE.prohibited, "no channels are accepted here");
    if (this.#draining) return this.#refuse(peer, OPEN_FAILURE.shortage, "draining");
    const objection = this.#rules.objection("theirs", this.count);
    if (objection) return this.#refuse(peer, OPEN_FAILURE.shortage, objection);
    const window = this.#reserveWindow();
    if (!window) return this.#refuse(peer, OPEN_FAILURE.shortage, "no memory for another channel");
    this.#requested.add(window);
    onChannel(this.#request(type, Buffer.from(reader.rest()), window, peer));
  }

  #request(type: string, payload: Buffer, window: ReceiveWindow, peer: PeerEnd): ChannelRequest {
    let answered = false;
    const answer = () => {
      if (answered) throw new SallyportError("INTERNAL", "A channel request was answered twice.");
      answered = true;
      this.#requested.delete(window);
    };
    return {
      type,
      payload,
      accept: () => {
        answer();
        return this.#accept(window, peer);
      },
      reject: (reason, text) => {
        answer();
        window.close();
        this.#refuse(peer, reason, text);
        this.#o.onGone();
      },
    };
  }

  #accept(window: ReceiveWindow, peer: PeerEnd): ByteStream {
    const { table, host, carrier } = this.#o;
    const channel = new SshChannel(host, table.allot(), window, peer);
    if (this.#lost) {
      channel.lost(this.#lost);
      return channel;
    }
    table.put(channel);
    const numbers = [peer.id, channel.id, window.credit, carrier.maxPacket];
    carrier.send(numberMessage(MESSAGE.channelOpenConfirmation, ...numbers));
    return channel;
  }

  #refuse(peer: PeerEnd, reason: number, text: string): void {
    if (!this.#rules.mayRefuse()) throw protocolError("channel opens without end");
    const message = new SshWriter().byte(MESSAGE.channelOpenFailure).uint32(peer.id).uint32(reason);
    this.#o.carrier.send(message.string(text).string("").toBuffer());
  }

  /** @throws SallyportError why not */
  #admitOwn(): ReceiveWindow {
    if (this.#lost) throw this.#lost;
    if (this.#draining)
      throw new SallyportError("DRAINING", "The SSH connection is being drained; use another one.");
    const objection = this.#rules.objection("ours", this.count);
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
    const { budget, limits, carrier, timers } = this.#o;
    const { peerIsSallyport } = carrier;
    return ReceiveWindow.reserve({ budget, limits, peerIsSallyport, now: () => timers.now() });
  }
}

/** @throws SallyportError SSH_PROTOCOL for packets so small that they only cost time */
function readPeerEnd(reader: SshReader): PeerEnd {
  const peer = { id: reader.uint32(), window: reader.uint32(), maxPacket: reader.uint32() };
  if (peer.maxPacket < LEAST_MAX_PACKET) throw protocolError(`channel packets of ${peer.maxPacket} bytes`);
  return peer;
}

function refusal(reason: number, text: string): SallyportError {
  if (reason !== OPEN_FAILURE.shortage) return new ChannelRefused(reason, text);
  const message = `The peer has no room for another channel: ${text || "no reason given"}.`;
  return new SallyportError("RESOURCE_SHORTAGE", message);
}
