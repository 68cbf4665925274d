import { networkInterfaces } from "node:os";
import { formatHostPort } from "../host/address.ts";
import { DENIED_RANGES } from "./denied-ranges.ts";
import { formatAddress, type IpAddress, parseAddress } from "./ip-address.ts";
import { type IpRange, rangeContains, rangeWithin } from "./ip-range.ts";
import { canonicalHost } from "./target-host.ts";
import { parseRule, portMatches, type RuleQuestion, ruleMatches, type TargetRule } from "./target-rule.ts";

export type Decision = { allowed: true } | { allowed: false; rule: string; fix: string };

/** Which targets this gateway dials: the network's owner decides, not the platform (EXTENSIONS X6). */
export interface TargetPolicy {
  /**
   * Decides on one address that is about to be dialled. Call it for each address of a name, and dial that address
   * literally, so that a DNS answer changing in between makes no difference (ACCEPTANCE B9).
   * @param host what the client asked for, in any spelling
   */
  decide(host: string, port: number, address: string): Decision;
}

export interface PolicyOptions {
  allow: string[];
  deny: string[];
  /** For the command in a refusal; `<name>` when absent. */
  gatewayName?: string;
  /** The gateway's own control and metrics ports, on any address of this machine. */
  own?: { ports: () => readonly number[]; addresses?: () => readonly string[] };
}

/**
 * A deny rule beats everything; then the gateway's own ports and the built-in denials, which only an allow rule on an
 * address or block inside them lifts, never a name; then, when there is an allow list, it must match.
 * @throws SallyportError CONFIG_INVALID naming a bad rule
 */
export function parsePolicy(options: PolicyOptions): TargetPolicy {
  const allow = options.allow.map(parseRule);
  const deny = options.deny.map(parseRule);
  const ownPorts = options.own?.ports ?? (() => []);
  const ownAddresses = options.own?.addresses ?? machineAddresses;
  const command = `sallyport gateway start ${options.gatewayName ?? "<name>"}`;

  const allowing = (what: string) => {
    const narrows = allow.length === 0 ? " (an --allow list admits only what it names)" : "";
    return `${command} --allow ${what}${narrows}`;
  };

  return {
    decide(host, port, literal) {
      const address = parseAddress(literal);
      if (!address)
        return { allowed: false, rule: "not an address", fix: "ask for a host name or an address" };
      const question: RuleQuestion = { name: canonicalHost(host).name, port, address };
      const target = formatHostPort(formatAddress(address), port);

      const denied = deny.find((rule) => ruleMatches(rule, question));
      if (denied) {
        return {
          allowed: false,
          rule: `--deny ${denied.text}`,
          fix: `${command} without --deny ${denied.text}`,
        };
      }
      if (
        ownPorts().includes(port) &&
        isOwn(address, ownAddresses()) &&
        !allow.some(liftsOwnPort(address, port))
      ) {
        return { allowed: false, rule: "built-in: the gateway's own port", fix: allowing(target) };
      }
      const builtIn = DENIED_RANGES.find(
        ({ range }) => rangeContains(range, address) && !allow.some(lifts(range, address, port)),
      );
      if (builtIn) return { allowed: false, rule: `built-in: ${builtIn.what}`, fix: allowing(target) };
      if (allow.length > 0 && !allow.some((rule) => ruleMatches(rule, question))) {
        const named = question.name === undefined ? target : formatHostPort(question.name, port);
        return { allowed: false, rule: "not in the --allow list", fix: allowing(named) };
      }
      return { allowed: true };
    },
  };
}

/** A rule on an address or block that lies inside the denied block, and covers this address and port. */
function lifts(denied: IpRange, address: IpAddress, port: number) {
  return (rule: TargetRule) =>
    portMatches(rule, port) &&
    rule.ranges.some((range) => rangeWithin(range, denied) && rangeContains(range, address));
}

/** Its own ports are opened only by a rule that names the address and exactly this port. */
function liftsOwnPort(address: IpAddress, port: number) {
  return (rule: TargetRule) =>
    rule.ports?.from === port &&
    rule.ports.to === port &&
    rule.ranges.some((range) => rangeContains(range, address));
}

function isOwn(address: IpAddress, own: readonly string[]): boolean {
  const loopback = DENIED_RANGES.some(
    ({ range, what }) => /loopback|unspecified/.test(what) && rangeContains(range, address),
  );
  return loopback || own.some((text) => text === formatAddress(address));
}

function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
