import type { ReportedCondition } from "../../../platform-client/agent-report.ts";
import { CONDITIONS, type ConditionCode } from "../../../telemetry/condition-codes.ts";
import { byWeight, explained, type Raised } from "../../../telemetry/conditions.ts";
import { VERSION } from "../../../version.ts";
import type { AgentReportRow, HealthRow } from "../../store/health.ts";
import type { Deadlines } from "./deadlines.ts";
import { readConditions } from "./health.ts";

/** What is known alike of gateways and relays. */
export interface AgentFacts {
  kind: "gateway" | "relay";
  name: string;
  health: HealthRow | undefined;
  /** Newest first. */
  reports: AgentReportRow[];
}

const HEARTBEAT_MS = { gateway: 180_000, relay: 1_800_000 };
/** Two heartbeats with their jitter, and the answer to the second one. */
const LATE_MS = { gateway: 2.2 * HEARTBEAT_MS.gateway + 30_000, relay: 2.2 * HEARTBEAT_MS.relay + 30_000 };
/** Certificates are renewed after half to two thirds of their life. */
const TOO_LATE = 1 / 4;
/** Certificates are dated back by 5 min (ACCEPTANCE, "Lifetimes"): beyond that nothing fits any more. */
const SKEW_MS = { noted: 60_000, fatal: 300_000 };
/** Minor versions behind this program that are still taken for current. */
const MINORS_BEHIND = 2;

/** What the platform sees better itself, or what can't be true of somebody who has just called it. */
const NOT_FROM_AGENTS: ReadonlySet<string> = new Set<ConditionCode>([
  "NETWORK_DOWN",
  "PLATFORM_UNREACHABLE",
  "ACCESS_REVOKED",
  "NO_TUNNEL",
  "ONE_RELAY",
  "PROBE_FAILED",
]);
/** Counts where the platform sees trouble at that relay too: the tunnel may be up again since it was said. */
const OF_A_TUNNEL: ReadonlySet<string> = new Set<ConditionCode>(["RELAY_UNREACHABLE", "RELAY_REFUSED"]);

/** What is wrong with the process, its machine and its credentials, as far as the platform can tell. */
export function agentConditions(facts: AgentFacts, deadlines: Deadlines): Raised[] {
  return [revoked(facts), duplicate(facts, deadlines), clock(facts), version(facts)]
    .concat(late(facts, deadlines), certificate(facts, deadlines))
    .filter((raised) => raised !== undefined);
}

/** Whether it has called so long ago that it can't be well. */
export function isLate({ kind, reports: [newest] }: AgentFacts, deadlines: Deadlines): boolean {
  return newest !== undefined && deadlines.silentFor(newest.last_at, LATE_MS[kind]);
}

/** All that is raised with what the agent says of itself: causes only, the worst first. */
export function withOwnWords(raised: Raised[], facts: AgentFacts, deadlines: Deadlines): ReportedCondition[] {
  const said = facts.reports
    .filter((report) => !deadlines.over(report.last_at, LATE_MS[facts.kind]))
    .flatMap(({ conditions }) => readConditions(conditions))
    .filter(({ code, about }) => {
      if (NOT_FROM_AGENTS.has(code)) return false;
      if (raised.some((own) => own.code === code && own.about === about)) return false;
      return !OF_A_TUNNEL.has(code) || raised.some((own) => own.about === about);
    });
  const known = said.flatMap(({ code, since, text, fix, about }) =>
    isKnown(code) ? [{ code, since, text, fix, ...(about !== undefined && { about }) }] : [],
  );
  // Of a newer daemon: shown as it says, it explains nothing.
  const unknown = said.filter(({ code }) => !isKnown(code));
  return [...explained([...raised, ...known]), ...unknown].sort(byWeight);
}

function isKnown(code: string): code is ConditionCode {
  return Object.hasOwn(CONDITIONS, code);
}

function revoked({ kind, name, health }: AgentFacts): Raised | undefined {
  if (!health?.revoked_at) return undefined;
  return {
    code: "ACCESS_REVOKED",
    since: health.revoked_at,
    text: `The access of the ${kind} ${name} was revoked.`,
    fix: `If it is still wanted, enroll it again ("sallyport ${kind} deploy-command ${name}"), or give its machine identity a new secret.`,
  };
}

/** Two processes that both go on calling. One that was restarted is not heard of again. */
function duplicate({ kind, name, reports }: AgentFacts, deadlines: Deadlines): Raised | undefined {
  const alive = reports.filter(
    ({ instance, last_at }) => instance !== "" && !deadlines.over(last_at, LATE_MS[kind]),
  );
  const [newer, older] = alive.sort((a, b) => b.first_at.localeCompare(a.first_at));
  if (!newer || !older || older.last_at <= newer.first_at) return undefined;
  return {
    code: "GATEWAY_DUPLICATE",
    since: newer.first_at,
    text: `Two processes call as the ${kind} ${name}: their calls overlap since ${newer.first_at}.`,
    fix: `Stop one of them. Each ${kind} needs an enrollment of its own; if the other one is not yours, revoke ${name}.`,
  };
}

function clock({ kind, name, reports: [newest] }: AgentFacts): Raised | undefined {
  const skew = newest?.skew_ms ?? 0;
  if (!newest || Math.abs(skew) < SKEW_MS.noted) return undefined;
  return {
    code: Math.abs(skew) < SKEW_MS.fatal ? "CLOCK_SKEWED" : "CLOCK_WRONG",
    since: "",
    text: `The clock of the ${kind} ${name} is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? "ahead" : "behind"}.`,
    fix: "Set the clock of its machine, for example with NTP; or the platform's, if that is the wrong one.",
  };
}

function version({ kind, name, reports: [newest] }: AgentFacts): Raised | undefined {
  if (!newest?.version || !isOldVersion(newest.version, VERSION)) return undefined;
  return {
    code: "VERSION_OLD",
    since: newest.first_at,
    text: `The ${kind} ${name} runs version ${newest.version}, the platform ${VERSION}.`,
    fix: `Replace its program by version ${VERSION} and restart it; open connections get time to end.`,
  };
}

export function isOldVersion(text: string, own: string): boolean {
  const [major = 0, minor = 0] = text.split(".").map(Number);
  const [ownMajor = 0, ownMinor = 0] = own.split(".").map(Number);
  return major < ownMajor || (major === ownMajor && minor < ownMinor - MINORS_BEHIND);
}

function late(facts: AgentFacts, deadlines: Deadlines): Raised | undefined {
  const { kind, name, reports } = facts;
  const [newest] = reports;
  if (!newest || !isLate(facts, deadlines)) return undefined;
  return {
    code: "HEARTBEAT_LATE",
    since: "",
    text: `The ${kind} ${name} called the platform last at ${newest.last_at}.`,
    fix: "See whether its process runs, and whether its machine reaches the platform.",
  };
}

function certificate({ kind, name, health }: AgentFacts, deadlines: Deadlines): Raised | undefined {
  const { certificate_from: from, certificate_until: until } = health ?? {};
  if (!from || !until) return undefined;
  const end = Date.parse(until);
  const warnAt = new Date(end - (end - Date.parse(from)) * TOO_LATE);
  if (!deadlines.over(warnAt)) return undefined;
  const expired = deadlines.over(until);
  return {
    code: expired ? "CERTIFICATE_EXPIRED" : "CERTIFICATE_EXPIRES",
    since: expired ? until : warnAt.toISOString(),
    text: `The certificates of the ${kind} ${name} ${expired ? "ended" : "end"} at ${until}: it has not fetched new ones.`,
    fix: "See whether its process runs and reaches the platform; its log says why it does not renew them.",
  };
}
