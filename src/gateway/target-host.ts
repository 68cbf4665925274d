import { domainToASCII } from "node:url";
import { type IpAddress, parseAddress } from "./ip-address.ts";

/** What a client asked for, in one form: an address, or a name, or neither when it can be no host. */
export interface CanonicalHost {
  address: IpAddress | undefined;
  name: string | undefined;
}

/** Labels as resolvers take them; underscores occur in service names. */
const NAME = /^[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/;

/**
 * Undoes the spellings of a host that mean the same to a resolver: upper case, a final dot, brackets, IDN, and the
 * decimal, octal, hex and short forms of IPv4.
 */
export function canonicalHost(host: string): CanonicalHost {
  const trimmed = host.replace(/\.$/, "");
  const address = parseAddress(trimmed);
  if (address) return { address, name: undefined };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the question is whether any byte is not ASCII
  const ascii = /^[\x00-\x7f]*$/.test(trimmed) ? trimmed.toLowerCase() : domainToASCII(trimmed);
  const viaIdn = parseAddress(ascii);
  if (viaIdn) return { address: viaIdn, name: undefined };
  const valid = ascii.length <= 253 && NAME.test(ascii);
  return { address: undefined, name: valid ? ascii : undefined };
}
