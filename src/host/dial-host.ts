import { isIP } from "node:net";
import { SallyportError } from "../telemetry/error.ts";

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const DNS_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
/** Resolvers take `1.2.3` for 1.2.0.3, so a name may not end in a number. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

/**
 * The name or address under which something of ours is dialled: a DNS name in lower case, IPv4, or IPv6 without
 * brackets (given with or without). No port, scheme or zone.
 * @throws SallyportError USAGE that names `what` was being read
 */
export function requireDialHost(text: string, what: string): string {
  const host = text.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isIP(host) !== 0 && !host.includes("%")) return host;
  if (DNS_NAME.test(host) && !ENDS_IN_NUMBER.test(host)) return host;
  throw new SallyportError(
    "USAGE",
    `${what} must be a DNS name or an IP address, without port: ${JSON.stringify(text.slice(0, 80))} is neither`,
  );
}
