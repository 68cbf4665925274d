import Protocol, {
  type KeyExchange,
  type PacketCipher,
  type PacketDecipher,
} from "ssh2/lib/protocol/Protocol.js";
import { SshWriter } from "../../pki/ssh-wire.ts";
import { VERSION } from "../../version.ts";
import { release } from "../release.ts";
import type { Staging } from "../staging.ts";
import { type Algorithms, offer } from "./algorithms.ts";
import { ClearReader } from "./clear-data.ts";
import { extInfoMessage } from "./ext-info.ts";
import { Group14 } from "./group14.ts";
import type { HostIdentities, HostVerifier } from "./host-certificate.ts";
import { Identification } from "./identification.ts";
import { MESSAGE, PeerDisconnected, peerText, protocolError } from "./messages.ts";
import { GcmOpener, GcmSealer } from "./packet-cipher.ts";
import { assertSsh2, intercept } from "./reach-ins.ts";

const IDENT = `Sallyport_${VERSION}`;

export type TransportRole = { server: HostIdentities } | { client: HostVerifier };

export interface PacketLayerEvents {
  /** A message from the peer that is no part of a key exchange; the payload is only lent, unless it is channel data. */
  message(payload: Buffer): void;
  /** Channel data that came in clear; it belongs to the reader. */
  clearData(channel: number, piece: Buffer): void;
  /** A key exchange has begun; `byPeer`: outside of one, and unasked. */
  exchanging(byPeer: boolean): void;
  /** New keys are in use, the first ones or later ones. */
  keysChanged(): void;
  /** ssh2 found something wrong, has sent SSH_MSG_DISCONNECT itself and can't be used any more. */
  failed(error: Error): void;
}

export interface PacketLayerOptions {
  role: TransportRole;
  /** Narrower than usual: what a peer with other software offers. */
  algorithms?: Algorithms;
  staging: Staging;
  /** Longest packet that is accepted now. */
  longest: () => number;
  events: PacketLayerEvents;
}

assertSsh2();

/**
 * ssh2's `Protocol`, reduced to packets and key exchange, with what it lacks: certificates of hosts, a Diffie-Hellman
 * that does not block, a fast AES-GCM, a right EXT_INFO. Methods throw what the peer did wrong.
 */
export class PacketLayer {
  readonly #o: PacketLayerOptions;
  readonly #protocol: Protocol;
  readonly #identification: Identification;
  readonly #clear: ClearReader;
  #peerIdent = "";
  #sealer: GcmSealer | null = null;
  #opener: GcmOpener | null = null;
  #encrypted = false;

  constructor(o: PacketLayerOptions) {
    this.#o = o;
    this.#identification = new Identification("server" in o.role ? "client" : "server");
    this.#clear = new ClearReader(o.events.clearData);
    this.#protocol = this.#createProtocol(o.role);
  }

  /** The whole line, `SSH-2.0-...`; empty before it came. */
  get peerIdent(): string {
    return this.#peerIdent;
  }

  /** Whether the first keys are in use. */
  get encrypted(): boolean {
    return this.#encrypted;
  }

  /** From our KEXINIT to the new keys nothing but the key exchange may be sent (RFC 4253, 7.1). */
  get exchanging(): boolean {
    return this.#protocol._kexinit !== undefined || !this.#encrypted;
  }

  /** Our NEWKEYS is out, but ssh2 takes up the new keys with the peer's: it could not read what is sent until then. */
  get mute(): boolean {
    return this.exchanging && this.#protocol._kex?._sentNEWKEYS === true;
  }

  /** Our own decipher takes packets of any length; ssh2's stop at 35000 bytes. */
  get takesLongPackets(): boolean {
    return this.#opener !== null;
  }

  /** Only our own ciphers let data in clear pass between two packets. */
  get sendsClear(): boolean {
    return this.#sealer !== null;
  }

  /** Bytes of channel data that came in clear so far. */
  get clearReceived(): number {
    return this.#clear.received;
  }

  get sessionId(): Buffer {
    const id = this.#protocol._kex?.sessionID;
    if (!id) throw protocolError("a message that needs a session came before the first key exchange");
    return id;
  }

  /** Sequence number of the packet that is being read. */
  get sequence(): number {
    return ((this.#protocol._decipher?.inSeqno ?? 1) - 1) >>> 0;
  }

  /** Sends the identification line. */
  start(): void {
    this.#protocol.start();
  }

  /** Takes a chunk from the peer over. @throws for everything that is wrong with it */
  read(chunk: Buffer): void {
    // ssh2 keeps parts of what comes before the first keys.
    if (!this.#encrypted) return this.#readEarly(chunk);
    try {
      this.#protocol.parse(chunk, 0, chunk.length);
    } finally {
      release(chunk);
    }
  }

  /** The peer may send channel data in clear from now on. */
  readClear(): void {
    this.#clear.accept();
  }

  /** Encrypts one message now, whatever is going on. */
  write(payload: Buffer): void {
    const cipher = this.#protocol._cipher;
    const packet = cipher.allocPacket(payload.length);
    packet.set(payload, 5);
    cipher.encrypt(packet);
  }

  /** SSH_MSG_CHANNEL_DATA. */
  writeData(channel: number, data: Buffer, start: number, length: number): void {
    if (this.#sealer) return this.#sealer.encryptData(channel, data, start, length);
    const part = data.subarray(start, start + length);
    this.write(new SshWriter().byte(MESSAGE.channelData).uint32(channel).string(part).toBuffer());
  }

  rekey(): void {
    this.#protocol.rekey();
    this.#o.events.exchanging(false);
  }

  /** Nothing works afterwards. Safe to call twice. */
  close(): void {
    this.#protocol.cleanup();
  }

  #readEarly(chunk: Buffer): void {
    const bytes = this.#peerIdent === "" ? this.#identification.push(chunk) : chunk;
    if (bytes) this.#protocol.parse(bytes, 0, bytes.length);
  }

  #createProtocol(role: TransportRole): Protocol {
    const { staging, events, algorithms } = this.#o;
    const server = "server" in role;
    const protocol = new Protocol({
      server,
      ident: IDENT,
      offer: offer(server ? role.server.algorithms() : role.client.algorithms(), algorithms),
      ...(server ? { hostKeys: {} } : { hostVerifier: (blob: Buffer) => role.client.verify(blob) }),
      messageHandlers: {
        DISCONNECT(_, reason, description) {
          throw new PeerDisconnected(reason, peerText(Buffer.from(description)));
        },
      },
      onWrite: (bytes) => staging.append(bytes),
      onError: (error) => events.failed(error),
      onHeader: ({ identRaw }) => {
        this.#peerIdent = identRaw;
      },
      onHandshakeComplete: () => {
        this.#encrypted = true;
        events.keysChanged();
      },
    });
    intercept(protocol, "_cipher", (cipher) => this.#ownCipher(cipher));
    intercept(protocol, "_decipher", (decipher) => decipher && this.#ownDecipher(decipher));
    intercept(protocol, "_kex", (exchange) => exchange && this.#ownExchange(protocol, exchange));
    this.#sendOwnExtInfo(protocol, server);
    this.#readOwnMessages(protocol);
    return protocol;
  }

  #ownExchange(protocol: Protocol, exchange: KeyExchange): KeyExchange {
    const { role, events } = this.#o;
    events.exchanging(false);
    useOwnGroup14(exchange);
    if ("server" in role) protocol._hostKeys = role.server.present(exchange);
    else role.client.expect(exchange);
    return exchange;
  }

  /** ssh2's own list has a missing comma and names SHA-1. */
  #sendOwnExtInfo(protocol: Protocol, server: boolean): void {
    const complete = protocol._onHandshakeComplete;
    protocol._onHandshakeComplete = (negotiated) => {
      const wanted = server && !this.#encrypted && protocol._kex?.remoteExtInfoEnabled === true;
      if (wanted) this.write(extInfoMessage());
      if (protocol._kex) protocol._kex.remoteExtInfoEnabled = false;
      complete(negotiated);
    };
  }

  /** ssh2 would answer messages before authentication, and can't read an empty `direct-tcpip`. */
  #readOwnMessages(protocol: Protocol): void {
    const onPayload = protocol._onPayload;
    protocol._onPayload = (payload) => {
      if (payload[0] === MESSAGE.kexInit) {
        if (protocol._kexinit === undefined) this.#o.events.exchanging(true);
        return onPayload(payload);
      }
      this.#o.events.message(payload);
      return undefined;
    };
  }

  #ownCipher(cipher: PacketCipher): PacketCipher {
    const { _encSSLName: name, _encKey: key, _encIV: iv } = cipher;
    this.#sealer = name && key && iv ? new GcmSealer(name, key, iv, cipher.outSeqno, this.#o.staging) : null;
    return this.#sealer ?? cipher;
  }

  #ownDecipher(decipher: PacketDecipher): PacketDecipher {
    const { _decipherSSLName: name, _decipherKey: key, _decipherIV: iv, inSeqno } = decipher;
    const onPayload = decipher._onPayload;
    this.#opener =
      name && key && iv
        ? new GcmOpener(name, key, iv, inSeqno, onPayload, this.#o.longest, this.#clear)
        : null;
    if (this.#opener) return this.#opener;
    decipher._onPayload = (payload) => {
      // ssh2 passes over packets without a message, also where strict key exchange allows nothing.
      if (payload.length === 0) throw protocolError("a packet without a message");
      return onPayload(payload);
    };
    return decipher;
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
