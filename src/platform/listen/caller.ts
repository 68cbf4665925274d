import { isIP } from "node:net";
import { type AddressMatcher, plainAddress } from "../../host/address-ranges.ts";

/** Who is at the other end of a request, as far as those say who are believed. */
export interface Caller {
  /** Limits, penalties and the audit log go by it. */
  address: string;
  /** The caller's own line is encrypted; undefined = a proxy that is not trusted, or says nothing, may know better. */
  https: boolean | undefined;
}

/** Proxies in a row; whatever stands further left is not looked at. */
const MOST_HOPS = 16;

/**
 * Reads X-Forwarded-For and X-Forwarded-Proto of proxies that are trusted, and of nobody else: from the right, each hop
 * was written down by the one after it, so the rightmost hop that is no proxy of ours is the caller.
 * @param peer the other end of the connection
 */
export function callerOf(
  headers: Headers,
  peer: string,
  { isProxy, overTls }: { isProxy: AddressMatcher; overTls: boolean },
): Caller {
  const direct = plainAddress(peer);
  if (!isProxy(direct)) return { address: direct, https: overTls ? true : undefined };
  const hops = values(headers.get("x-forwarded-for")).slice(-MOST_HOPS).reverse();
  let address = direct;
  for (const hop of hops) {
    const heard = addressOf(hop);
    if (heard === undefined) break;
    address = heard;
    if (!isProxy(heard)) break;
  }
  // The last one is the word of the proxy that we hear it from.
  const scheme = values(headers.get("x-forwarded-proto")).at(-1)?.toLowerCase();
  return { address, https: scheme === undefined ? undefined : scheme === "https" };
}

function values(header: string | null): string[] {
  return (header ?? "").split(",").flatMap((value) => value.trim() || []);
}

/** Some proxies write a port, and brackets around IPv6. Undefined = no address: an obfuscated name, or rubbish. */
function addressOf(hop: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
  const address = plainAddress(bare);
  return isIP(address) === 0 ? undefined : address;
}
