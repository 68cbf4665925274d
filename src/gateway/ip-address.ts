import { isIPv6 } from "node:net";

/** An address in the one form that decisions are made on. IPv4-mapped IPv6 (`::ffff:a.b.c.d`) counts as IPv4. */
export interface IpAddress {
  family: 4 | 6;
  /** IPv4 as 32 bits, IPv6 as 128 bits. */
  value: bigint;
}

const V4_BITS = 32n;
const MAPPED_PREFIX = 0xffffn;

/**
 * Reads an address literal in every spelling that a resolver takes: dotted, short (`127.1`), octal (`0177.0.0.1`), hex
 * and plain decimal IPv4 as `inet_aton(3)` does, and IPv6 with or without brackets. Undefined when it is a name.
 */
export function parseAddress(text: string): IpAddress | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (bare.includes(":")) return isIPv6(bare) && !bare.includes("%") ? fromIPv6(bare) : undefined;
  const value = fromIPv4(bare);
  return value === undefined ? undefined : { family: 4, value };
}

/** The canonical text: dotted IPv4, or IPv6 as RFC 5952 writes it, without brackets. */
export function formatAddress(address: IpAddress): string {
  if (address.family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => (address.value >> shift) & 0xffn).join(".");
  }
  const groups: string[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) {
    groups.push(((address.value >> shift) & 0xffffn).toString(16));
  }
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

/** `inet_aton(3)`: one to four numbers, each decimal, octal or hex; the last one fills the remaining bytes. */
function fromIPv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length > 4) return undefined;
  let value = 0n;
  for (const [index, part] of parts.entries()) {
    const number = fromNumber(part);
    if (number === undefined) return undefined;
    const bits = index === parts.length - 1 ? 8n * BigInt(5 - parts.length) : 8n;
    if (number >> bits !== 0n) return undefined;
    value = (value << bits) | number;
  }
  return value;
}

function fromNumber(text: string): bigint | undefined {
  if (text.length > 16) return undefined;
  if (/^0x[0-9a-f]+$/i.test(text)) return BigInt(text);
  if (/^0[0-7]*$/.test(text)) return BigInt(`0o${text}`);
  return /^[1-9][0-9]*$/.test(text) ? BigInt(text) : undefined;
}

/** @param text an IPv6 address that `isIPv6` has accepted, without zone. */
function fromIPv6(text: string): IpAddress {
  const [head = "", tail] = text.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = new Array<bigint>(8 - before.length - after.length).fill(0n);
  const value = [...before, ...zeros, ...after].reduce((sum, group) => (sum << 16n) | group, 0n);
  if (value >> V4_BITS === MAPPED_PREFIX) return { family: 4, value: value & 0xffffffffn };
  return { family: 6, value };
}

function groupsOf(text: string): bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const value = fromIPv4(group) ?? 0n;
    return [value >> 16n, value & 0xffffn];
  });
}
