import Protocol, {
  type KeyExchange,
  type PacketCipher,
  type PacketDecipher,
} from "ssh2/lib/protocol/Protocol.js";
import { SshWriter } from "../../pki/ssh-wire.ts";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { VERSION } from "../../version.ts";
import { release } from "../release.ts";
import type { RawSocket } from "../socket.ts";
import { HIGH_WATER, Staging } from "../staging.ts";
import { type Algorithms, offer } from "./algorithms.ts";
import { extInfoMessage } from "./ext-info.ts";
import { Group14 } from "./group14.ts";
import type { HostIdentities, HostVerifier } from "./host-certificate.ts";
import { Identification } from "./identification.ts";
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
  PeerDisconnected,
  peerText,
  protocolError,
  readDisconnect,
} from "./messages.ts";
import { GcmOpener, GcmSealer } from "./packet-cipher.ts";
import { assertSsh2, intercept } from "./reach-ins.ts";
import { RekeyPolicy, type Traffic } from "./rekey.ts";
import type { Timers } from "./timers.ts";

const IDENT = `Sallyport_${VERSION}`;
/** How long what was written before a close may take to leave. */
const LINGER_MS = 2000;
/** A key exchange waits for everything that the peer has queued before it. */
const EXCHANGE_MS = 60_000;

/** Who reads the messages: first the authentication, then the connection. */
export interface TransportEvents {
  /** A message that is none of the transport's own. The payload is only lent, unless it is channel data. */
  message(type: number, payload: Buffer): void;
  /** New keys are in use, the first ones or later ones. */
  keysChanged(): void;
  /** Output may be added again, see `mayTransmit`. */
  room(): void;
  /** Bytes have come in. */
  heard(): void;
  /** Once. Null: we closed it in order. */
  closed(error: SallyportError | null): void;
}

export type TransportRole = { server: HostIdentities } | { client: HostVerifier };

export interface TransportOptions {
  role: TransportRole;
  limits: SshLimits;
  timers: Timers;
  /** Narrower than usual: what a peer with other software offers. */
  algorithms?: Algorithms;
}

assertSsh2();

/**
 * Packets, key exchange and rekeying of one SSH connection, over ssh2's `Protocol`. Everything that the peer does
 * wrong ends the connection with SSH_MSG_DISCONNECT; nothing is thrown at the socket.
 */
export class SshTransport {
  events: TransportEvents | null = null;
  readonly #protocol: Protocol;
  readonly #identification: Identification;
  #sealer: GcmSealer | null = null;
  #opener: GcmOpener | null = null;
  readonly #staging = new Staging(() => this.#room());
  readonly #rekey: RekeyPolicy;
  readonly #timers: Timers;
  #socket: RawSocket | null = null;
  #peerIdent = "";
  #received = 0;
  #encrypted = false;
  #authenticated = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #stopWaiting = () => {};
  #stopLinger = () => {};
  #closed = false;

  constructor(o: TransportOptions) {
    this.#timers = o.timers;
    this.#rekey = new RekeyPolicy(o.limits, () => o.timers.now());
    this.#identification = new Identification("server" in o.role ? "client" : "server");
    this.#protocol = this.#createProtocol(o.role, o.algorithms);
  }

  /** The whole line, `SSH-2.0-...`; empty before it came. */
  get peerIdent(): string {
    return this.#peerIdent;
  }

  /** Larger packets and windows than the common ones are only for our own ends. */
  get peerIsSallyport(): boolean {
    return this.#peerIdent.startsWith("SSH-2.0-Sallyport_");
  }

  /** Largest payload of a data packet that we accept: ssh2's own deciphers stop at 35000 bytes. */
  get maxPacket(): number {
    return this.peerIsSallyport && this.#opener ? OWN_MAX_PACKET : FOREIGN.maxPacket;
  }

  get sessionId(): Buffer {
    const id = this.#protocol._kex?.sessionID;
    if (!id) throw protocolError("a message that needs a session came before the first key exchange");
    return id;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether channels may add data now. */
  get mayTransmit(): boolean {
    return !this.#closed && !this.#exchanging && this.#staging.pending < HIGH_WATER;
  }

  open(socket: RawSocket): void {
    this.#socket = socket;
    this.#staging.open(socket);
    this.#protocol.start();
  }

  /** Bytes from the socket. The chunk belongs to the transport. */
  feed(chunk: Buffer): void {
    if (this.#closed) return;
    this.#received += chunk.length;
    const encrypted = this.#encrypted;
    try {
      this.events?.heard();
      const bytes = this.#peerIdent === "" ? this.#identification.push(chunk) : chunk;
      if (!bytes) return;
      this.#protocol.parse(bytes, 0, bytes.length);
      this.#rekeyIfWorn();
    } catch (error) {
      this.fail(error);
    }
    // Before the first keys are in use ssh2 keeps views of what came in.
    if (encrypted) release(chunk);
  }

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

  /** A message other than channel data. During a key exchange it waits. */
  send(payload: Buffer): void {
    if (this.#closed) return;
    if (!this.#exchanging) {
      this.#encrypt(payload);
      if (this.#staging.pending > MOST_STAGED) this.fail(protocolError("it does not read what it asked for"));
      return;
    }
    this.#held.push(payload);
    this.#heldBytes += payload.length;
    if (this.#heldBytes > MOST_HELD_BACK) this.fail(protocolError("a key exchange does not end"));
  }

  /** SSH_MSG_CHANNEL_DATA; only while `mayTransmit`. */
  sendData(channel: number, data: Buffer, start: number, length: number): void {
    if (this.#sealer) this.#sealer.encryptData(channel, data, start, length);
    else this.#encrypt(dataMessage(channel, data.subarray(start, start + length)));
    this.#rekeyIfWorn();
  }

  /** From now on larger packets are accepted. */
  authenticated(): void {
    this.#authenticated = true;
  }

  /** To be called now and then: keys also wear out with time. */
  checkAge(): void {
    if (this.#rekey.wornByTime()) this.#startExchange();
  }

  /** Says why, then closes. `error` is what `closed` reports: null for an end in order. */
  disconnect(reason: number, text: string, error: SallyportError | null = null): void {
    if (this.#closed) return;
    try {
      this.#encrypt(disconnectMessage(reason, text));
    } catch {
      // Keys that can't be used any more: the peer gets a bare end of the connection.
    }
    this.#close(error);
  }

  /** Ends the connection over something that went wrong here or there. */
  fail(error: unknown): void {
    if (this.#closed) return;
    if (error instanceof PeerDisconnected) return this.#close(error);
    if (error instanceof SallyportError)
      return this.disconnect(DISCONNECT.protocolError, error.message, error);
    // ssh2 throws plain errors at malformed packets.
    const failure = new SallyportError("SSH_PROTOCOL", `The SSH connection broke: ${describe(error)}.`, {
      cause: error,
    });
    this.disconnect(DISCONNECT.protocolError, failure.message, failure);
  }

  /** RFC 4253, 11.4: the answer to a message nobody knows. */
  unimplemented(): void {
    const message = Buffer.alloc(5);
    message[0] = MESSAGE.unimplemented;
    message.writeUInt32BE(((this.#protocol._decipher?.inSeqno ?? 1) - 1) >>> 0, 1);
    this.send(message);
  }

  get #exchanging(): boolean {
    return this.#protocol._kexinit !== undefined || !this.#encrypted;
  }

  #createProtocol(role: TransportRole, algorithms?: Algorithms): Protocol {
    const server = "server" in role;
    const protocol = new Protocol({
      server,
      ident: IDENT,
      offer: offer(server ? role.server.algorithms() : role.client.algorithms(), algorithms),
      ...(server ? { hostKeys: {} } : { hostVerifier: (blob: Buffer) => role.client.verify(blob) }),
      messageHandlers: {
        DISCONNECT: (_, reason, description) => {
          throw new PeerDisconnected(reason, peerText(Buffer.from(description)));
        },
      },
      onWrite: (bytes) => this.#staging.append(bytes),
      onError: (error) => this.#failedInside(error, server),
      onHeader: ({ identRaw }) => {
        this.#peerIdent = identRaw;
      },
      onHandshakeComplete: () => this.#keysChanged(),
    });
    intercept(protocol, "_cipher", (cipher) => this.#ownCipher(cipher));
    intercept(protocol, "_decipher", (decipher) => decipher && this.#ownDecipher(decipher));
    intercept(protocol, "_kex", (exchange) => {
      if (!exchange) return exchange;
      this.#watchExchange();
      useOwnGroup14(exchange);
      if (server) protocol._hostKeys = role.server.present(exchange);
      else role.client.expect(exchange);
      return exchange;
    });
    this.#sendOwnExtInfo(protocol, server);
    const onPayload = protocol._onPayload;
    protocol._onPayload = (payload) => {
      if (payload[0] === MESSAGE.kexInit) {
        this.#peerStartsExchange(protocol);
        return onPayload(payload);
      }
      this.#receive(payload);
      return undefined;
    };
    return protocol;
  }

  /** ssh2's own list has a missing comma and names SHA-1. */
  #sendOwnExtInfo(protocol: Protocol, server: boolean): void {
    const complete = protocol._onHandshakeComplete;
    protocol._onHandshakeComplete = (negotiated) => {
      const wanted = server && !this.#encrypted && protocol._kex?.remoteExtInfoEnabled === true;
      if (wanted) this.#encrypt(extInfoMessage());
      if (protocol._kex) protocol._kex.remoteExtInfoEnabled = false;
      complete(negotiated);
    };
  }

  #ownCipher(cipher: PacketCipher): PacketCipher {
    const { _encSSLName: name, _encKey: key, _encIV: iv } = cipher;
    this.#sealer = name && key && iv ? new GcmSealer(name, key, iv, cipher.outSeqno, this.#staging) : null;
    return this.#sealer ?? cipher;
  }

  #ownDecipher(decipher: PacketDecipher): PacketDecipher {
    const {
      _decipherSSLName: name,
      _decipherKey: key,
      _decipherIV: iv,
      inSeqno,
      _onPayload: onPayload,
    } = decipher;
    const longest = () => (this.#authenticated ? LONGEST_PACKET : LONGEST_EARLY_PACKET);
    this.#opener = name && key && iv ? new GcmOpener(name, key, iv, inSeqno, onPayload, longest) : null;
    if (this.#opener) return this.#opener;
    decipher._onPayload = (payload) => {
      // ssh2 passes over packets without a message, also where strict key exchange allows nothing.
      if (payload.length === 0) throw protocolError("a packet without a message");
      return onPayload(payload);
    };
    return decipher;
  }

  #receive(payload: Buffer): void {
    if (this.#closed) return;
    const type = payload[0] ?? 0;
    if (type === MESSAGE.disconnect) throw readDisconnect(payload);
    if (type <= MESSAGE.debug || type === MESSAGE.extInfo) return;
    if (type >= MESSAGE.kexInit && type < MESSAGE.userauthRequest)
      throw protocolError(`message ${type} out of place`);
    this.events?.message(type, payload);
  }

  #peerStartsExchange(protocol: Protocol): void {
    if (protocol._kexinit === undefined && !this.#rekey.peerMayStart(this.#traffic)) {
      throw protocolError("too many key exchanges");
    }
  }

  #startExchange(): void {
    if (this.#closed || this.#exchanging) return;
    this.#protocol.rekey();
    this.#watchExchange();
  }

  #watchExchange(): void {
    this.#stopWaiting();
    this.#stopWaiting = this.#timers.after(EXCHANGE_MS, () =>
      this.fail(protocolError("a key exchange does not end")),
    );
  }

  #rekeyIfWorn(): void {
    if (this.#rekey.wornByBytes(this.#traffic)) this.#startExchange();
  }

  get #traffic(): Traffic {
    return { received: this.#received, sent: this.#staging.total };
  }

  #keysChanged(): void {
    this.#stopWaiting();
    this.#encrypted = true;
    this.#rekey.changed(this.#traffic);
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const payload of held) this.#encrypt(payload);
    this.events?.keysChanged();
    this.#room();
  }

  #encrypt(payload: Buffer): void {
    const cipher = this.#protocol._cipher;
    const packet = cipher.allocPacket(payload.length);
    packet.set(payload, 5);
    cipher.encrypt(packet);
  }

  #room(): void {
    if (this.#closed) this.#endSocket();
    else if (this.mayTransmit) this.events?.room();
  }

  /** ssh2 has sent its own SSH_MSG_DISCONNECT and can't be used any more. */
  #failedInside(error: Error, server: boolean): void {
    if (!server && error.message.includes("no matching host key format")) {
      const message = "The relay can't prove who it is: it presents no host certificate that can be used.";
      return this.#close(new SallyportError("HOST_CERTIFICATE_REFUSED", message, { cause: error }));
    }
    this.#close(protocolError(peerText(Buffer.from(error.message))));
  }

  #close(error: SallyportError | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWaiting();
    this.#held = [];
    this.#staging.flush();
    this.#protocol.cleanup();
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

function useOwnGroup14(exchange: KeyExchange): void {
  if (exchange.groupName !== "modp14") return;
  exchange.generateKeys = () => {
    if (exchange._dh) return;
    const group = new Group14();
    exchange._dh = group;
    exchange._public = group.publicKey;
  };
}

function dataMessage(channel: number, data: Buffer): Buffer {
  return new SshWriter().byte(MESSAGE.channelData).uint32(channel).string(data).toBuffer();
}
