import { isIP } from "node:net";
import { type HostPort, parseHostPort } from "../host/address.ts";

/** `host:port`, or a port alone, which is then on loopback. @throws SallyportError USAGE that names the flag */
export function parseLocalPort(text: string, flag: string): HostPort {
  return parseHostPort(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text, flag);
}

/** Whether only this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
