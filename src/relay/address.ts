import { BlockList, isIP } from "node:net";
import { SallyportError } from "../telemetry/error.ts";

/**
 * What counts as one peer for limits: an IPv4 address, or the /64 of an IPv6 one, since a single host usually has a
 * whole /64 to choose from.
 */
export function addressGroup(address: string): string {
  const plain = withoutMapping(address);
  if (isIP(plain) !== 6) return plain;
  return `${groupsOf(plain).slice(0, 4).join(":")}::/64`;
}

export type AddressMatcher = (address: string) => boolean;

/**
 * Matches addresses inside any of the given addresses and CIDRs.
 * @throws SallyportError CONFIG_INVALID
 */
export function matchAddresses(ranges: string[]): AddressMatcher {
  const list = new BlockList();
  for (const range of ranges) {
    const [base = "", prefix, ...rest] = range.split("/");
    const version = isIP(base);
    const most = version === 4 ? 32 : 128;
    const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (version === 0 || rest.length > 0 || bits < 0 || bits > most) {
      throw new SallyportError(
        "CONFIG_INVALID",
        `${JSON.stringify(range.slice(0, 80))} is no address range: write an address or a CIDR such as 10.0.0.0/8`,
      );
    }
    list.addSubnet(base, bits, version === 4 ? "ipv4" : "ipv6");
  }
  return (address) => {
    const plain = withoutMapping(address);
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 4 ? "ipv4" : "ipv6");
  };
}

/** A dual-stack listener reports IPv4 peers as ::ffff:a.b.c.d. */
function withoutMapping(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address.replace(/%.*$/, "");
}

/** The eight groups of a valid IPv6 address, without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = address.toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(missing).fill("0"), ...right].map((group) =>
    group.replace(/^0+(?=.)/, ""),
  );
}
