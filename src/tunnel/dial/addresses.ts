import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** Addresses of a name, best first. */
export type Resolver = (name: string) => Promise<string[]>;

/** A name with more addresses than this is tried on the first ones only. */
const MOST_ADDRESSES = 8;

/**
 * What to dial for a host, IPv6 and IPv4 in turn (RFC 8305, 4): the address itself, or those of the name in the
 * resolver's order. Rejects with what the resolver says.
 */
export async function addressesOf(host: string, resolve: Resolver = systemResolver): Promise<string[]> {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare.replace(/%.*$/, "")) !== 0) return [bare];
  return interleave([...new Set(await resolve(bare))]).slice(0, MOST_ADDRESSES);
}

/** What the machine's resolver says, its hosts file included. */
const systemResolver: Resolver = async (name) => {
  const answers = await lookup(name, { all: true, verbatim: true });
  return answers.map(({ address }) => address);
};

function interleave(addresses: string[]): string[] {
  const isV6 = (address: string | undefined) => address?.includes(":") ?? false;
  const first = addresses.filter((address) => isV6(address) === isV6(addresses[0]));
  const second = addresses.filter((address) => isV6(address) !== isV6(addresses[0]));
  return first
    .flatMap((address, index) => [address, ...second.slice(index, index + 1)])
    .concat(second.slice(first.length));
}
