import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { within } from "./deadline.ts";

export interface HostRuleOptions {
  /** `--allow-private-hosts`: relays may live in private networks and on this machine. */
  allowPrivate: boolean;
  /** Whether the platform itself listens on loopback only: then its relays may be on this machine too. */
  onLoopback: boolean;
  resolve?: (host: string) => Promise<string[]>;
  /** What is judged, for messages; "A relay" unless told. */
  subject?: string;
}

/** A name server that does not answer holds up nobody for longer. */
const RESOLVE_MS = 3000;
/** Longest DNS name. */
const NAME_LIMIT = 253;
/** The last label begins with a letter, or resolvers read the name as a number: 0x7f000001 is 127.0.0.1. */
const DNS_NAME = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Which hosts a relay, or whatever else the platform dials by order of its people, may have (ACCEPTANCE B11: it can't be
 * made to dial inside). One rule: public addresses always; private ones with `allowPrivate`; loopback with `allowPrivate`, or when the
 * platform listens on loopback only (everything on one machine); link-local, metadata, unspecified, multicast and
 * broadcast addresses never. A name is judged by every address it has, each time it is dialled.
 */
export class HostRule {
  readonly #options: HostRuleOptions;

  constructor(options: HostRuleOptions) {
    this.#options = options;
  }

  /** The same rule for something else, for example "A Kubernetes API". */
  of(subject: string): HostRule {
    return new HostRule({ ...this.#options, subject });
  }

  get #subject(): string {
    return this.#options.subject ?? "A relay";
  }

  /**
   * The form that is stored: lower case, an IPv6 address in brackets, without port. A name is not resolved here.
   * @throws SallyportError REQUEST_INVALID
   */
  normalise(text: string): string {
    const host = text.trim().toLowerCase().replace(/\.$/, "");
    const address = host.replace(/^\[(.*)\]$/, "$1");
    if (isIPv4(host)) return this.#permitted(host, host);
    if (isIPv6(address) && !address.includes("%")) {
      return `[${this.#permitted(canonicalIPv6(address), address)}]`;
    }
    if (host.length > NAME_LIMIT || !DNS_NAME.test(host)) {
      throw invalid(`${this.#subject}'s host is a DNS name or an address, without scheme and port.`);
    }
    if (host === "localhost" || host.endsWith(".localhost")) this.#permitted("127.0.0.1", host);
    return host;
  }

  /**
   * The form that is stored, like `normalise`. A name that has addresses already is judged by all of them now; one that
   * has none yet may get them later, and is judged when it is dialled.
   * @throws SallyportError REQUEST_INVALID
   */
  async admit(text: string): Promise<string> {
    const host = this.normalise(text);
    if (isIP(host) || host.startsWith("[")) return host;
    for (const address of await this.#addressesByNow(host)) this.#permitted(address, host);
    return host;
  }

  async #addressesByNow(host: string): Promise<string[]> {
    try {
      const slow = () => new SallyportError("TIMEOUT", `The name ${host} is not resolved in time.`);
      return await within(RESOLVE_MS, this.#resolve(host), slow);
    } catch (error) {
      if (error instanceof SallyportError) return [];
      throw error;
    }
  }

  /**
   * The address to dial for a stored host, after every address of it was judged.
   * @throws SallyportError RELAY_UNREACHABLE, REQUEST_INVALID
   */
  async addressOf(host: string): Promise<string> {
    const literal = host.replace(/^\[(.*)\]$/, "$1");
    if (isIP(literal)) return this.#permitted(literal, literal);
    const addresses = await this.#resolve(host);
    for (const address of addresses) this.#permitted(address, host);
    const [first] = addresses;
    if (first !== undefined) return first;
    throw new SallyportError("RELAY_UNREACHABLE", `The name ${host} has no address.`);
  }

  async #resolve(host: string): Promise<string[]> {
    try {
      return await (this.#options.resolve ?? resolveAll)(host);
    } catch (error) {
      throw new SallyportError(
        "RELAY_UNREACHABLE",
        `The name ${host} can't be resolved: ${describe(error)}.`,
        { cause: error },
      );
    }
  }

  #permitted(address: string, host: string): string {
    const kind = kindOf(address);
    const { allowPrivate, onLoopback } = this.#options;
    if (kind === "public") return address;
    if (kind === "private" && allowPrivate) return address;
    if (kind === "loopback" && (allowPrivate || onLoopback)) return address;
    if (kind === "forbidden")
      throw invalid(`${this.#subject} can't be at ${host}: nothing to dial has such an address.`);
    throw invalid(
      `${this.#subject} can't be at ${host}, a ${kind} address: start the platform with --allow-private-hosts if it lives in your own network.`,
    );
  }
}

async function resolveAll(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map((entry) => entry.address);
}

type AddressKind = "public" | "private" | "loopback" | "forbidden";

const RANGES: Record<Exclude<AddressKind, "public">, string[]> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"],
  forbidden: [
    "0.0.0.0/8",
    "169.254.0.0/16",
    "100.100.100.200/32",
    "192.0.0.0/24",
    "224.0.0.0/3",
    "::/128",
    "fe80::/10",
    "fec0::/10",
    "fd00:ec2::254/128",
    "ff00::/8",
    // Ways to write an IPv4 address in IPv6: NAT64, 6to4, Teredo, IPv4-compatible.
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
    "2001::/32",
    "::/96",
  ],
};

const LISTS: [AddressKind, BlockList][] = [
  // ::1 is inside ::/96, so loopback is asked first; metadata is inside private, so that is asked last.
  ["loopback", blockList(RANGES.loopback)],
  ["forbidden", blockList(RANGES.forbidden)],
  ["private", blockList(RANGES.private)],
];

function kindOf(address: string): AddressKind {
  const plain = address.replace(/%.*$/, "");
  const family = isIPv4(plain) ? "ipv4" : "ipv6";
  // Asked apart: BlockList takes a mapped address for the IPv4 address in it.
  if (family === "ipv6" && MAPPED.test(canonicalIPv6(plain))) return "forbidden";
  return LISTS.find(([, list]) => list.check(plain, family))?.[0] ?? "public";
}

const MAPPED = /^::ffff:/;

/** The shortest spelling (RFC 5952). */
function canonicalIPv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function blockList(ranges: string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", bits] = range.split("/");
    list.addSubnet(network, Number(bits), isIPv4(network) ? "ipv4" : "ipv6");
  }
  return list;
}

function invalid(message: string): SallyportError {
  return new SallyportError("REQUEST_INVALID", message);
}
