import { lookup } from "node:dns/promises";
import { formatHostPort } from "../host/address.ts";
import { SallyportError } from "../telemetry/error.ts";
import { formatAddress } from "./ip-address.ts";
import { canonicalHost } from "./target-host.ts";
import type { TargetPolicy } from "./target-policy.ts";

export interface Target {
  /** Name or address in any spelling; IPv6 with or without brackets. */
  host: string;
  port: number;
}

/** Address literals of a name, best first. Rejects or answers none when there are none. */
export type Resolver = (name: string) => Promise<string[]>;

/** A name with more addresses than this is tried on the first ones only. */
const MOST_ADDRESSES = 8;

/**
 * The addresses of a target that the policy lets us dial, canonical literals, IPv6 and IPv4 in turn. Whoever dials
 * must dial exactly these: the name is not looked up again.
 * @throws SallyportError TARGET_UNRESOLVED | TARGET_DENIED
 */
export async function resolveTarget(
  target: Target,
  policy: TargetPolicy,
  resolve: Resolver = systemResolver,
): Promise<string[]> {
  const { host, port } = target;
  if (port < 1 || port > 65_535)
    throw new SallyportError("TARGET_UNRESOLVED", `${port} is no port of a target.`);
  const addresses = await addressesOf(host, resolve);
  const decisions = addresses.map((address) => ({ address, decision: policy.decide(host, port, address) }));
  const allowed = decisions.filter(({ decision }) => decision.allowed).map(({ address }) => address);
  if (allowed.length > 0) return interleave(allowed).slice(0, MOST_ADDRESSES);
  const refused = decisions[0];
  if (!refused || refused.decision.allowed) throw unresolved(host);
  const { rule, fix } = refused.decision;
  const asked = targetLabel(target);
  const dialled = formatHostPort(refused.address, port);
  const what = asked === dialled ? asked : `${asked} (${dialled})`;
  throw new SallyportError(
    "TARGET_DENIED",
    `The gateway's owner does not allow ${what}: ${rule}. To allow it: ${fix}`,
  );
}

/** `host:port` as the client asked for it, for messages. */
export function targetLabel({ host, port }: Target): string {
  return formatHostPort(host.replace(/^\[(.*)\]$/, "$1"), port);
}

/** This machine, as in a rule (target-rule.ts): nobody need be asked (RFC 6761, 6.3). */
const LOOPBACK = ["127.0.0.1", "::1"];

/** What the machine's resolver says, its hosts file included. */
const systemResolver: Resolver = async (name) => {
  if (name === "localhost") return LOOPBACK;
  const answers = await lookup(name, { all: true, verbatim: true });
  return answers.map(({ address }) => address);
};

async function addressesOf(host: string, resolve: Resolver): Promise<string[]> {
  const { address, name } = canonicalHost(host);
  if (address) return [formatAddress(address)];
  if (name === undefined) throw unresolved(host);
  const answers = await resolve(name).catch((cause: unknown) => {
    throw unresolved(host, cause);
  });
  const found = answers.flatMap((answer) => {
    const { address: literal } = canonicalHost(answer);
    return literal ? [formatAddress(literal)] : [];
  });
  if (found.length === 0) throw unresolved(host);
  return [...new Set(found)];
}

/** IPv6 and IPv4 in turn (RFC 8305, 4), each family in the resolver's order, the resolver's first choice first. */
function interleave(addresses: string[]): string[] {
  const first = addresses.filter((address) => isIPv6(address) === isIPv6(addresses[0] ?? ""));
  const second = addresses.filter((address) => !first.includes(address));
  return first
    .flatMap((address, index) => [address, ...second.slice(index, index + 1)])
    .concat(second.slice(first.length));
}

function isIPv6(address: string): boolean {
  return address.includes(":");
}

/** TARGET_UNRESOLVED: there is no such name, or no answer from the DNS. */
export function unresolved(host: string, cause?: unknown): SallyportError {
  return new SallyportError(
    "TARGET_UNRESOLVED",
    `The gateway cannot resolve ${JSON.stringify(host.slice(0, 253))}: check the name and the gateway's DNS.`,
    { cause },
  );
}
