import { SallyportError } from "../telemetry/error.ts";
import type { IpAddress } from "./ip-address.ts";
import { type IpRange, parseRange, rangeContains } from "./ip-range.ts";
import { canonicalHost } from "./target-host.ts";

/** One `--allow` or `--deny` (EXTENSIONS X6): a name, a `*.suffix` or a block of addresses, for some ports or all. */
export interface TargetRule {
  /** As the owner wrote it. */
  text: string;
  /** Address blocks, for a rule on addresses; `localhost` has two. Empty for a rule on names. */
  ranges: readonly IpRange[];
  /** Lower-case name, or `.suffix` for `*.suffix`; undefined for a rule on addresses. */
  name: string | undefined;
  ports: { from: number; to: number } | undefined;
}

/** What a rule is asked about. */
export interface RuleQuestion {
  /** The name that was asked for, canonical; undefined when an address was. */
  name: string | undefined;
  port: number;
  /** What will be dialled. */
  address: IpAddress;
}

/**
 * Reads `host | IP | CIDR | *.suffix`, each with optional `:port` or `:port-port`; IPv6 with a port in brackets.
 * @throws SallyportError CONFIG_INVALID naming the rule
 */
export function parseRule(text: string): TargetRule {
  const { host, ports } = splitPorts(text);
  if (/^localhost\.?$/i.test(host)) return { text, ranges: LOCALHOST, name: undefined, ports };
  const range = parseRange(host);
  if (range && isPlain(host)) return { text, ranges: [range], name: undefined, ports };
  if (range) throw invalid(text, "write the address in its usual form");
  if (host.includes("/")) throw invalid(text, "write a block like 10.0.0.0/8, no bits set past its prefix");
  if (NUMERIC_END.test(host)) throw invalid(text, "that is neither an address nor a name");
  const suffix = host.startsWith("*.");
  const { name } = canonicalHost(suffix ? host.slice(2) : host);
  if (!name) throw invalid(text, "use a host name, an address, a block such as 10.0.0.0/8 or *.suffix");
  return { text, ranges: [], name: suffix ? `.${name}` : name, ports };
}

export function ruleMatches(rule: TargetRule, question: RuleQuestion): boolean {
  if (!portMatches(rule, question.port)) return false;
  if (rule.name === undefined) return rule.ranges.some((range) => rangeContains(range, question.address));
  if (question.name === undefined) return false;
  return rule.name.startsWith(".") ? question.name.endsWith(rule.name) : question.name === rule.name;
}

export function portMatches(rule: TargetRule, port: number): boolean {
  return !rule.ports || (port >= rule.ports.from && port <= rule.ports.to);
}

/** What `localhost` stands for in a rule (X6), whatever the machine's resolver says. */
const LOCALHOST: readonly IpRange[] = [
  { family: 4, value: 0x7f000001n, prefix: 32 },
  { family: 6, value: 1n, prefix: 128 },
];

/** No name ends in a number (RFC 1123, 2.1): what does is a mistyped address. */
const NUMERIC_END = /(^|\.)(\d+|0x[0-9a-f]*)\.?$/i;

/** Octal, hex and short forms mean different things to different programs: a rule may not use them. */
function isPlain(host: string): boolean {
  return host.includes(":") || /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}(\/\d+)?$/.test(host);
}

function splitPorts(text: string): { host: string; ports: TargetRule["ports"] } {
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(text);
  const bareIpv6 = !bracketed && (text.match(/:/g)?.length ?? 0) > 1;
  if (bareIpv6) return { host: text, ports: undefined };
  const [host = "", ports] = bracketed
    ? [bracketed[1] ?? "", bracketed[2]]
    : text.includes(":")
      ? [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)]
      : [text, undefined];
  if (bracketed && !host.includes(":")) throw invalid(text, "brackets are for IPv6 addresses");
  if (host === "") throw invalid(text, "the host is missing");
  return { host, ports: ports === undefined ? undefined : parsePorts(text, ports) };
}

function parsePorts(text: string, ports: string): { from: number; to: number } {
  const [, first, second] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(ports) ?? [];
  const from = Number(first);
  const to = second === undefined ? from : Number(second);
  if (first === undefined || from < 1 || to > 65_535 || from > to) {
    throw invalid(text, "a port is a number from 1 to 65535, a range is written 8000-8010");
  }
  return { from, to };
}

function invalid(text: string, why: string): SallyportError {
  return new SallyportError(
    "CONFIG_INVALID",
    `${JSON.stringify(text.slice(0, 300))} is no target rule: ${why}.`,
  );
}
