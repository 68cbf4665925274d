import { SallyportError } from "../telemetry/error.ts";

export interface HostPort {
  /** Without brackets. */
  host: string;
  port: number;
}

/**
 * Reads `host:port`, `[v6]:port`, or only a host where a default port is known.
 * @throws SallyportError USAGE that names `what` was being read
 */
export function parseHostPort(text: string, what: string, defaultPort?: number): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/@]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host === undefined || host.length > 253 || port === undefined || port > 65_535) {
    throw new SallyportError(
      "USAGE",
      `${what} must look like host:port, for example 127.0.0.1:8080 or [::1]:8080, not ${JSON.stringify(text.slice(0, 80))}.`,
    );
  }
  return { host, port };
}

/** `host:port`, an IPv6 address in brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
