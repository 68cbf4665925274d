/**
 * The insides of ssh2 1.17.0 that the transport uses. They are not ssh2's public interface: `reach-ins.ts` checks the
 * version and the shape at start, so that another ssh2 fails loudly.
 */
declare module "ssh2/lib/protocol/Protocol.js" {
  import type { CipherGCMTypes } from "node:crypto";

  export interface Negotiated {
    kex: string;
    serverHostKey: string;
  }

  export interface DiffieHellman {
    computeSecret(other: Buffer): Buffer;
  }

  export interface KeyExchange {
    type: string;
    groupName?: string;
    hashName: string;
    negotiated: Negotiated;
    sessionID: Buffer | undefined;
    remoteExtInfoEnabled: boolean;
    _dh: DiffieHellman | null;
    _public: Buffer | null;
    _sentNEWKEYS: boolean;
    /** Server: an object that signs. Client: the blob that the server sent. */
    _hostKey: unknown;
    generateKeys(): void;
    computeSecret(other: Buffer): Buffer | Error;
  }

  export interface PacketCipher {
    outSeqno: number;
    allocPacket(payloadLength: number): Buffer;
    encrypt(packet: Buffer): void;
    free(): void;
    /** AES-GCM only. */
    _encSSLName?: CipherGCMTypes;
    _encKey?: Buffer;
    _encIV?: Buffer;
  }

  export type OnPayload = (payload: Buffer) => number | false | undefined;

  export interface PacketDecipher {
    inSeqno: number;
    _onPayload: OnPayload;
    decrypt(chunk: Buffer, start: number, end: number): number | false | undefined;
    free(): void;
    /** AES-GCM only. */
    _decipherSSLName?: CipherGCMTypes;
    _decipherKey?: Buffer;
    _decipherIV?: Buffer;
  }

  /** What the server signs an exchange with. */
  export interface HostKey {
    type: string;
    getPublicSSH(): Buffer;
    sign(data: Buffer, hash: string | undefined): Buffer | Error;
  }

  export interface Direction {
    cipher: string[];
    mac: string[];
    compress: string[];
    lang: string[];
  }

  export interface ProtocolConfig {
    server: boolean;
    ident: string;
    offer: { kex: string[]; serverHostKey: string[]; cs: Direction; sc: Direction };
    hostKeys?: Record<string, HostKey>;
    hostVerifier?: (blob: Buffer) => boolean;
    messageHandlers: { DISCONNECT(protocol: Protocol, reason: number, description: string): void };
    onWrite(data: Uint8Array): void;
    onError(error: Error): void;
    onHeader(header: { identRaw: string }): void;
    onHandshakeComplete(): void;
  }

  class Protocol {
    constructor(config: ProtocolConfig);
    /** Sends the identification line. */
    start(): void;
    parse(chunk: Buffer, start: number, end: number): void;
    rekey(): void;
    cleanup(): void;
    _cipher: PacketCipher;
    _decipher: PacketDecipher | undefined;
    _kex: KeyExchange | undefined;
    /** Our KEXINIT while a key exchange is under way. */
    _kexinit: Buffer | undefined;
    _hostKeys: Record<string, HostKey> | undefined;
    _onPayload: OnPayload;
    _onHandshakeComplete: (negotiated: Negotiated) => void;
  }

  export default Protocol;
}
