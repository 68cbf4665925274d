import { SshReader, SshWriter } from "../../pki/ssh-wire.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** Message numbers of RFC 4250, 4.1 that this layer reads or writes itself. */
export const MESSAGE = {
  disconnect: 1,
  ignore: 2,
  unimplemented: 3,
  debug: 4,
  serviceRequest: 5,
  serviceAccept: 6,
  extInfo: 7,
  kexInit: 20,
  userauthRequest: 50,
  userauthFailure: 51,
  userauthSuccess: 52,
  userauthBanner: 53,
  userauthPkOk: 60,
  globalRequest: 80,
  requestSuccess: 81,
  requestFailure: 82,
  channelOpen: 90,
  channelOpenConfirmation: 91,
  channelOpenFailure: 92,
  channelWindowAdjust: 93,
  channelData: 94,
  channelExtendedData: 95,
  channelEof: 96,
  channelClose: 97,
  channelRequest: 98,
  channelSuccess: 99,
  channelFailure: 100,
  /** Of the range for local extensions (clear-data.ts). */
  clearData: 192,
} as const;

/** RFC 4250, 4.2.2. */
export const DISCONNECT = { protocolError: 2, byApplication: 11, noMoreAuthMethods: 14 } as const;

/** RFC 4250, 4.3. */
export const OPEN_FAILURE = { prohibited: 1, connectFailed: 2, unknownType: 3, shortage: 4 } as const;

/** A text of the peer, for logs and messages: one line of printable characters, at most 200. */
export function peerText(bytes: Buffer): string {
  const text = bytes.subarray(0, 800).toString("utf8");
  return text
    .replace(/[\p{C}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, 200);
}

/** `byte, uint32` and so on: a message with one number. */
export function numberMessage(type: number, ...numbers: number[]): Buffer {
  const message = Buffer.allocUnsafe(1 + 4 * numbers.length);
  message[0] = type;
  numbers.forEach((number, index) => void message.writeUInt32BE(number, 1 + 4 * index));
  return message;
}

export function disconnectMessage(reason: number, text: string): Buffer {
  return new SshWriter().byte(MESSAGE.disconnect).uint32(reason).string(text).string("").toBuffer();
}

/** The peer said SSH_MSG_DISCONNECT. */
export class PeerDisconnected extends SallyportError {
  constructor(
    /** RFC 4250, 4.2.2; 11 is the usual one. */
    readonly reason: number,
    /** What the peer said, cleaned by `peerText`; `replaced` is EXTENSIONS X3. */
    readonly peerReason: string,
  ) {
    super(
      "SSH_DISCONNECTED",
      `The peer ended the SSH connection: ${peerReason.replace(/\.$/, "") || `reason ${reason}`}.`,
    );
  }
}

export function readDisconnect(payload: Buffer): PeerDisconnected {
  const reader = new SshReader(payload, 1);
  return new PeerDisconnected(reader.uint32(), peerText(reader.string()));
}

/** What the peer did wrong, as the end of a sentence. */
export function protocolError(what: string): SallyportError {
  return new SallyportError("SSH_PROTOCOL", `The SSH peer broke the protocol: ${what}.`);
}
