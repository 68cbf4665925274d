/**
 * The header with which a load balancer says on whose behalf it connects: PROXY protocol, version 2
 * (haproxy.org/download/2.9/doc/proxy-protocol.txt, section 2.2).
 */

/** Who really connects. Undefined: the load balancer itself, to see whether we live (command LOCAL). */
export interface ProxyHeader {
  address: string | undefined;
  /** Bytes of the header; what follows belongs to the connection. */
  length: number;
}

/** What came is no header that we take; `code` is for those who count, the text for the log. */
export class ProxyHeaderInvalid extends Error {
  override name = "ProxyHeaderInvalid";
}

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const VERSION_1 = Buffer.from("PROXY ", "latin1");
const FIXED_BYTES = 16;
/** With additions such as a client's TLS details; the addresses alone have at most 36 bytes. */
const HEADER_LIMIT = 4096;

const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;

/**
 * Reads the header at the beginning of `bytes`; undefined while it is not whole.
 * @throws ProxyHeaderInvalid as soon as it is clear that there is none
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  requireSignature(bytes);
  if (bytes.length < FIXED_BYTES) return undefined;
  const [command, family] = [bytes.readUInt8(12), bytes.readUInt8(13)];
  const length = FIXED_BYTES + bytes.readUInt16BE(14);
  if (command !== LOCAL && command !== PROXY) {
    throw new ProxyHeaderInvalid(`version and command 0x${command.toString(16)} are unknown`);
  }
  if (length > HEADER_LIMIT)
    throw new ProxyHeaderInvalid(`it has ${length} bytes, ${HEADER_LIMIT} are the most`);
  if (bytes.length < length) return undefined;
  if (command === LOCAL) return { address: undefined, length };
  return { address: sourceOf(family, bytes.subarray(FIXED_BYTES, length)), length };
}

function requireSignature(bytes: Buffer): void {
  const seen = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.subarray(0, seen).equals(SIGNATURE.subarray(0, seen))) return;
  const start = bytes.subarray(0, VERSION_1.length);
  if (start.equals(VERSION_1)) {
    throw new ProxyHeaderInvalid(
      "it is of version 1; set the load balancer to version 2 of the PROXY protocol",
    );
  }
  if (start.equals(VERSION_1.subarray(0, start.length))) return;
  throw new ProxyHeaderInvalid(
    "there is none; set the load balancer to send version 2 of the PROXY protocol",
  );
}

/** Source address, destination address, source port, destination port. */
function sourceOf(family: number, addresses: Buffer): string {
  if (family === TCP4 && addresses.length >= 12) return [...addresses.subarray(0, 4)].join(".");
  if (family === TCP6 && addresses.length >= 36) return ipv6(addresses.subarray(0, 16));
  throw new ProxyHeaderInvalid(`addresses of family 0x${family.toString(16)} in ${addresses.length} bytes`);
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i));
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return [...bytes.subarray(12)].join(".");
  // The URL parser writes addresses as RFC 5952 wants them.
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}
