import { BlockList, isIP } from "node:net";
import { SallyportError } from "../telemetry/error.ts";

export type AddressMatcher = (address: string) => boolean;

/**
 * Matches addresses inside any of the given addresses and CIDRs.
 * @throws SallyportError CONFIG_INVALID
 */
export function matchAddresses(ranges: readonly string[]): AddressMatcher {
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
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 4 ? "ipv4" : "ipv6");
  };
}

/** Without the zone of a link-local address; a dual-stack listener reports IPv4 peers as ::ffff:a.b.c.d. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address.replace(/%.*$/, "");
}
