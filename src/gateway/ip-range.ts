import { type IpAddress, parseAddress } from "./ip-address.ts";

/** A block of addresses of one family. A single address is a block of full length. */
export interface IpRange {
  family: 4 | 6;
  /** The first address; the bits past `prefix` are zero. */
  value: bigint;
  prefix: number;
}

/** The block of one address. */
function rangeOf(address: IpAddress): IpRange {
  return { ...address, prefix: widthOf(address.family) };
}

/**
 * Reads `10.0.0.0/8`, `fd00::/8` or one address. Undefined when it is neither, or when bits past the prefix are set:
 * `10.0.0.5/8` is a mistake that could open more than was meant. A prefix within `::ffff:0:0/96` is an IPv4 block.
 */
export function parseRange(text: string): IpRange | undefined {
  const [base = "", length, rest] = text.split("/");
  const address = parseAddress(base);
  if (!address || rest !== undefined) return undefined;
  if (length === undefined) return rangeOf(address);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length)) return undefined;
  const mapped = address.family === 4 && base.includes(":");
  const prefix = Number(length) - (mapped ? 96 : 0);
  const width = widthOf(address.family);
  if (prefix < 0 || prefix > width) return undefined;
  const range: IpRange = { ...address, prefix };
  return truncate(range.value, range) === range.value ? range : undefined;
}

export function rangeContains(range: IpRange, address: IpAddress): boolean {
  return range.family === address.family && truncate(address.value, range) === range.value;
}

/** True when all of `inner` lies in `outer`. */
export function rangeWithin(inner: IpRange, outer: IpRange): boolean {
  return inner.prefix >= outer.prefix && rangeContains(outer, inner);
}

function widthOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function truncate(value: bigint, range: IpRange): bigint {
  const shift = BigInt(widthOf(range.family) - range.prefix);
  return (value >> shift) << shift;
}
