import { SallyportError } from "../../telemetry/error.ts";
import type { RawSocket } from "../socket.ts";
import { Staging } from "../staging.ts";
import type { Algorithms } from "./algorithms.ts";
import type { Carrier, CarrierEvents } from "./carrier.ts";
import { ClearOutput, type ClearSender } from "./clear-data.ts";
import { broken, failedInside } from "./failures.ts";
import {
  FOREIGN,
  LONGEST_EARLY_PACKET,
  LONGEST_PACKET,
  MOST_HELD_BACK,
  MOST_STAGED,
  OWN_MAX_PACKET,
  type SshLimits,
} from "./limits.ts";
import {
  DISCONNECT,
  disconnectMessage,
  MESSAGE,
  numberMessage,
  PeerDisconnected,
  protocolError,
  readDisconnect,
} from "./messages.ts";
import { PacketLayer, type TransportRole } from "./packet-layer.ts";
import { RekeyPolicy, type Traffic } from "./rekey.ts";
import type { Timers } from "./timers.ts";

/** How long what was written before a close may take to leave. */
const LINGER_MS = 2000;
/** A key exchange waits for everything that the peer has queued before it. */
const EXCHANGE_MS = 60_000;

/** Who reads the messages: first the authentication, then the connection. */
export interface TransportEvents extends CarrierEvents {
  /** The peer's identification line is here. */
  identified?(): void;
  /** New keys are in use, the first ones or later ones. */
  keysChanged?(): void;
}

export interface TransportOptions {
  role: TransportRole;
  limits: SshLimits;
  timers: Timers;
  /** Narrower than usual: what a peer with other software offers. */
  algorithms?: Algorithms;
}

/**
 * One SSH connection below its channels: when messages may leave, when keys change, and how it ends. Everything that
 * the peer does wrong ends it with SSH_MSG_DISCONNECT; nothing is thrown at the socket.
 */
export class SshTransport implements Carrier {
  events: TransportEvents | null = null;
  readonly longestSent = OWN_MAX_PACKET;
  readonly #packets: PacketLayer;
  readonly #staging: Staging;
  readonly #rekey: RekeyPolicy;
  readonly #timers: Timers;
  #socket: RawSocket | null = null;
  #received = 0;
  readonly #clearOutput: ClearOutput;
  #peerReadsClear = false;
  #authenticated = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #stopWaiting = () => {};
  #stopLinger = () => {};
  #closed = false;

  constructor(o: TransportOptions) {
    const { timers } = o;
    const server = "server" in o.role;
    this.#timers = timers;
    this.#rekey = new RekeyPolicy(o.limits, () => timers.now());
    this.#staging = new Staging({ room: () => this.#room(), now: () => timers.now() });
    this.#clearOutput = new ClearOutput(this.#staging, (message) => this.#packets.write(message));
    this.#packets = new PacketLayer({
      role: o.role,
      staging: this.#staging,
      longest: () => (this.#authenticated ? LONGEST_PACKET : LONGEST_EARLY_PACKET),
      events: {
        message: (payload) => this.#receive(payload),
        clearData: (channel, piece) => {
          if (!this.#closed) this.events?.channelData?.(channel, piece);
        },
        exchanging: (byPeer) => this.#exchanging(byPeer),
        keysChanged: () => this.#keysChanged(),
        failed: (error) => this.#close(failedInside(error, server)),
      },
      ...(o.algorithms ? { algorithms: o.algorithms } : {}),
    });
  }

  /** The whole line, `SSH-2.0-...`; empty before it came. */
  get peerIdent(): string {
    return this.#packets.peerIdent;
  }

  get peerIsSallyport(): boolean {
    return this.peerIdent.startsWith("SSH-2.0-Sallyport_");
  }

  get maxPacket(): number {
    return this.peerIsSallyport && this.#packets.takesLongPackets ? OWN_MAX_PACKET : FOREIGN.maxPacket;
  }

  get sessionId(): Buffer {
    return this.#packets.sessionId;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get mayTransmit(): boolean {
    return !this.#closed && !this.#packets.exchanging && !this.#staging.full;
  }

  open(socket: RawSocket): void {
    this.#socket = socket;
    this.#staging.open(socket);
    this.#packets.start();
  }

  /** Bytes from the socket. The chunk belongs to the transport. */
  feed(chunk: Buffer): void {
    if (this.#closed) return;
    this.#received += chunk.length;
    const { peerIdent } = this.#packets;
    try {
      this.events?.heard();
      this.#packets.read(chunk);
      if (peerIdent === "" && this.peerIdent !== "") this.events?.identified?.();
      this.#rekeyIfWorn();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The socket takes bytes again. */
  drained(): void {
    this.#staging.drained();
  }

  /** The socket is gone. */
  lost(error?: Error): void {
    this.#socket = null;
    const message = "The SSH connection was lost without a word from the peer.";
    this.#close(new SallyportError("SSH_DISCONNECTED", message, { cause: error }));
    this.#stopLinger();
    this.#staging.close();
  }

  /** A message other than channel data: it goes ahead of data that waits. During a key exchange it waits itself. */
  send(payload: Buffer): void {
    if (this.#closed) return;
    if (this.#packets.exchanging) return this.#hold(payload);
    this.#packets.write(payload);
    if (this.#staging.pending > MOST_STAGED) this.fail(protocolError("it does not read what it asked for"));
  }

  sendData(channel: number, data: Buffer, start: number, length: number): void {
    this.#packets.writeData(channel, data, start, length);
    this.#rekeyIfWorn();
  }

  get clear(): ClearSender | null {
    return this.#peerReadsClear && this.#packets.sendsClear ? this.#clearOutput : null;
  }

  /** From now on the peer may send channel data in clear. */
  readClear(): void {
    this.#packets.readClear();
  }

  /** From now on channel data may go in clear. */
  peerReadsClear(): void {
    this.#peerReadsClear = true;
  }

  /** From now on longer packets are accepted. */
  authenticated(): void {
    this.#authenticated = true;
  }

  /** Keys also wear out with time. */
  checkAge(): void {
    if (this.#rekey.wornByTime()) this.#startExchange();
  }

  disconnect(reason: number, text: string, error: SallyportError | null = null): void {
    if (this.#closed) return;
    try {
      if (!this.#packets.mute) this.#packets.write(disconnectMessage(reason, text));
    } catch {
      // Keys that can't be used any more: the peer gets a bare end of the connection.
    }
    this.#close(error);
  }

  /** Ends the connection over something that went wrong here or there. */
  fail(error: unknown): void {
    if (this.#closed) return;
    if (error instanceof PeerDisconnected) return this.#close(error);
    const failure = error instanceof SallyportError ? error : broken(error);
    this.disconnect(DISCONNECT.protocolError, failure.message, failure);
  }

  unimplemented(): void {
    this.send(numberMessage(MESSAGE.unimplemented, this.#packets.sequence));
  }

  #receive(payload: Buffer): void {
    if (this.#closed) return;
    const type = payload[0] ?? 0;
    if (type === MESSAGE.disconnect) throw readDisconnect(payload);
    if (type <= MESSAGE.debug || type === MESSAGE.extInfo) return;
    const ofAnExchange = type >= MESSAGE.kexInit && type < MESSAGE.userauthRequest;
    if (ofAnExchange) throw protocolError(`message ${type} out of place`);
    this.events?.message(type, payload);
  }

  #hold(payload: Buffer): void {
    this.#held.push(payload);
    this.#heldBytes += payload.length;
    if (this.#heldBytes > MOST_HELD_BACK) this.fail(protocolError("a key exchange does not end"));
  }

  #exchanging(byPeer: boolean): void {
    if (byPeer && !this.#rekey.peerMayStart(this.#traffic)) throw protocolError("too many key exchanges");
    this.#stopWaiting();
    const never = () => this.fail(protocolError("a key exchange does not end"));
    this.#stopWaiting = this.#timers.after(EXCHANGE_MS, never);
  }

  #startExchange(): void {
    if (!this.#closed && !this.#packets.exchanging) this.#packets.rekey();
  }

  #rekeyIfWorn(): void {
    if (this.#rekey.wornByBytes(this.#traffic)) this.#startExchange();
  }

  /** What goes in clear does not wear keys out. */
  get #traffic(): Traffic {
    return {
      received: this.#received - this.#packets.clearReceived,
      sent: this.#staging.total - this.#clearOutput.sent,
    };
  }

  #keysChanged(): void {
    this.#stopWaiting();
    this.#rekey.changed(this.#traffic);
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const payload of held) this.#packets.write(payload);
    this.events?.keysChanged?.();
    this.#room();
  }

  #room(): void {
    if (this.#closed) this.#endSocket();
    else if (this.mayTransmit) this.events?.room();
  }

  #close(error: SallyportError | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWaiting();
    this.#held = [];
    this.#staging.flush();
    this.#packets.close();
    this.#endSocket();
    this.events?.closed(error);
  }

  /** What is staged may still leave, for a short while. */
  #endSocket(): void {
    const socket = this.#socket;
    this.#stopLinger();
    if (!socket) return;
    if (this.#staging.pending === 0) return socket.end();
    this.#stopLinger = this.#timers.after(LINGER_MS, () => {
      this.#staging.close();
      socket.terminate();
    });
  }
}
