import { type IpRange, parseRange } from "./ip-range.ts";

/** A block that no target may lie in unless the network's owner names an address inside it (EXTENSIONS X6). */
export interface DeniedRange {
  range: IpRange;
  /** What lives there, as the refusal says it. */
  what: string;
}

/** [block, what], IPv4. */
const IPV4: [string, string][] = [
  ["169.254.169.254/32", "metadata address"],
  ["169.254.170.2/32", "metadata address"],
  ["100.100.100.200/32", "metadata address"],
  ["168.63.129.16/32", "metadata address"],
  ["192.0.0.192/32", "metadata address"],
  ["169.254.0.0/16", "link-local address"],
  ["127.0.0.0/8", "loopback address"],
  ["0.0.0.0/8", "unspecified address"],
  ["224.0.0.0/4", "multicast address"],
  ["255.255.255.255/32", "broadcast address"],
];

/** [block, what], IPv6 proper. */
const IPV6: [string, string][] = [
  ["fd00:ec2::254/128", "metadata address"],
  ["fd00:ec2::23/128", "metadata address"],
  ["fd20:ce::254/128", "metadata address"],
  ["fe80::/10", "link-local address"],
  ["::1/128", "loopback address"],
  ["::/128", "unspecified address"],
  ["ff00::/8", "multicast address"],
];

/**
 * Where an IPv4 address hides inside an IPv6 one, and how many bits stand before it: IPv4-compatible (RFC 4291),
 * IPv4-translated (RFC 7915), NAT64 (RFC 6052) and 6to4 (RFC 3056). IPv4-mapped needs no entry, `parseAddress`
 * reads it as IPv4.
 */
const EMBEDDINGS: [string, number][] = [
  ["::", 96],
  ["::ffff:0:0:0", 96],
  ["64:ff9b::", 96],
  ["2002::", 16],
];

/** The built-in denials, narrowest first where they overlap. */
export const DENIED_RANGES: readonly DeniedRange[] = [
  ...IPV4.map(([text, what]) => ({ range: constant(text), what })),
  ...IPV6.map(([text, what]) => ({ range: constant(text), what })),
  ...EMBEDDINGS.flatMap(([prefix, bits]) =>
    IPV4.map(([text, what]) => ({
      range: embed(constant(text), constant(prefix).value, bits),
      what: `${what} inside an IPv6 one`,
    })),
  ),
];

function embed(inner: IpRange, prefix: bigint, bits: number): IpRange {
  return { family: 6, value: prefix | (inner.value << BigInt(96 - bits)), prefix: bits + inner.prefix };
}

function constant(text: string): IpRange {
  const range = parseRange(text);
  if (!range) throw new RangeError(`${text} is no address block`);
  return range;
}
