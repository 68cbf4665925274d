import { decodeProtocols } from "../alpn.ts";

const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const CLIENT_HELLO = 1;
const VERSION_AND_RANDOM = 34;
const ALPN_EXTENSION = 16;

/**
 * The protocols that a ClientHello offers (RFC 8446, 4.1.2; RFC 7301, 3.1), read from its first record. None where it
 * offers none, and where it cannot be read: BoringSSL, which gets it next, says so better.
 */
export function offeredProtocols(record: Buffer): string[] {
  try {
    return readProtocols(record.subarray(RECORD_HEADER));
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** @throws RangeError for what ends too early */
function readProtocols(message: Buffer): string[] {
  if (message[0] !== CLIENT_HELLO) return [];
  let at = HANDSHAKE_HEADER + VERSION_AND_RANDOM;
  at += 1 + message.readUInt8(at);
  at += 2 + message.readUInt16BE(at);
  at += 1 + message.readUInt8(at);
  const end = at + 2 + message.readUInt16BE(at);
  for (at += 2; at < end; ) {
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 2);
    at += 4;
    // Two more bytes of length come before the list.
    if (type === ALPN_EXTENSION) return decodeProtocols(message.subarray(at + 2, at + length));
    at += length;
  }
  return [];
}
