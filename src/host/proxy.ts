import { BlockList, isIP } from "node:net";
import { SallyportError } from "../telemetry/error.ts";
import type { Environment } from "./environment.ts";

/** A proxy for connections to the outside, as the environment names it. Names are resolved by the proxy. */
export interface OutboundProxy {
  /** `https`: TLS to the proxy itself. SOCKS5 with or without `h` is the same here, as to Go's programs. */
  protocol: "http" | "https" | "socks5";
  /** Without brackets. */
  host: string;
  port: number;
  /** Both or neither. */
  login: { username: string; password: string } | undefined;
}

export interface Destination {
  /** `tunnel`: anything but HTTP, the SSH of a relay for example. */
  protocol: "http" | "https" | "tunnel";
  /** With or without brackets. */
  host: string;
  port: number;
}

/** Best first; each in upper case, then in lower case. */
const VARIABLES = {
  http: ["HTTP_PROXY", "ALL_PROXY"],
  https: ["HTTPS_PROXY", "ALL_PROXY"],
  tunnel: ["ALL_PROXY", "HTTPS_PROXY"],
} as const;

const DEFAULT_PORT = { http: 80, https: 443, socks5: 1080 } as const;

/**
 * The proxy that a connection has to take, or undefined for a direct one. `NO_PROXY` lists what goes direct: names with
 * what is below them, `.suffix` or `*.suffix` for only what is below, addresses, CIDRs, each with an optional `:port`,
 * and `*` for everything. This machine itself is never reached through a proxy.
 * @throws SallyportError CONFIG_INVALID when the variable can't be used; never shows its value
 */
export function chooseProxy(env: Environment, to: Destination): OutboundProxy | undefined {
  const found = firstSet(env, VARIABLES[to.protocol]);
  if (!found) return undefined;
  const host = bare(to.host);
  if (isThisMachine(host) || goesDirect(env, host, to.port)) return undefined;
  return parseProxy(found.value, found.name);
}

/** Whether any variable names a proxy, for whatever destination. */
export function namesProxy(env: Environment): boolean {
  return firstSet(env, ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) !== undefined;
}

/** For messages: scheme, host and port, never the login. */
export function describeProxy({ protocol, host, port }: OutboundProxy): string {
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function firstSet(env: Environment, names: readonly string[]): { name: string; value: string } | undefined {
  for (const name of names.flatMap((upper) => [upper, upper.toLowerCase()])) {
    const value = env[name]?.trim();
    if (value) return { name, value };
  }
  return undefined;
}

function parseProxy(text: string, variable: string): OutboundProxy {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  const protocol = url && /^(https?|socks5)h?:$/.exec(url.protocol.replace("socks:", "socks5:"))?.[1];
  if (!url?.hostname || !protocol || !isProtocol(protocol)) {
    throw new SallyportError(
      "CONFIG_INVALID",
      `${variable} in the environment names no proxy that can be used: write http://, https:// or socks5://, then host:port.`,
    );
  }
  return {
    protocol,
    host: bare(url.hostname),
    port: Number(url.port) || DEFAULT_PORT[protocol],
    login: url.username === "" ? undefined : loginOf(url, variable),
  };
}

function isProtocol(text: string): text is OutboundProxy["protocol"] {
  return Object.hasOwn(DEFAULT_PORT, text);
}

function loginOf(url: URL, variable: string): { username: string; password: string } {
  try {
    return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch (cause) {
    const message = `The login in ${variable} has a stray %: write %25 for the sign itself.`;
    throw new SallyportError("CONFIG_INVALID", message, { cause });
  }
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function goesDirect(env: Environment, host: string, port: number): boolean {
  const list = env.NO_PROXY || env.no_proxy || "";
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== "");
  return entries.some((entry) => covers(entry.toLowerCase(), host, port));
}

function covers(entry: string, host: string, port: number): boolean {
  if (entry === "*") return true;
  // An IPv6 address without brackets is all address.
  const [, bracketed, plain, only] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  const pattern = bracketed ?? plain ?? entry;
  if (only !== undefined && Number(only) !== port) return false;
  if (isIP(host) !== 0) return coversAddress(pattern, host);
  const suffix = pattern.replace(/^\*\./, ".");
  if (suffix.startsWith(".")) return host.endsWith(suffix);
  return host === suffix || host.endsWith(`.${suffix}`);
}

function coversAddress(pattern: string, address: string): boolean {
  const [network = "", bits] = pattern.split("/");
  const family = isIP(network);
  const most = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (family === 0 || family !== isIP(address) || !(prefix <= most)) return false;
  const list = new BlockList();
  const type = family === 6 ? "ipv6" : "ipv4";
  list.addSubnet(network, prefix, type);
  return list.check(address, type);
}

/** In lower case, without brackets and without the dot of the DNS root. */
function bare(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
}
