import type { Raised } from "../../../telemetry/conditions.ts";
import type { ProbeOutcome } from "../../store/health.ts";
import type { RelayRow } from "../../store/relays.ts";
import { DEFAULT_SSH_PORT, DEFAULT_TLS_PORT } from "../authorities/issuing.ts";
import { type AgentFacts, agentConditions, withOwnWords } from "./agent-conditions.ts";
import { Deadlines } from "./deadlines.ts";
import { type Health, isTrouble } from "./health.ts";
import type { Moment } from "./moment.ts";
import { fixOfPort } from "./port-fixes.ts";

export interface RelayFacts extends AgentFacts {
  relay: RelayRow;
  /** Until when its reports count; null = it has never made any, as Infisical's. */
  leaseExpiresAt: string | null;
  /** What the platform saw at its ports "tls" and "ssh". */
  outcomes: ProbeOutcome[];
}

/** PROTOCOL E: without reports a relay's heartbeat counts for an hour. */
const STALE_MS = 60 * 60 * 1000;

/** How a relay is, and why: the only place where that is decided. Unreachable = clients can't use it. */
export function relayHealth(facts: RelayFacts, moment: Moment): Health {
  const { relay, outcomes, leaseExpiresAt, name } = facts;
  const deadlines = new Deadlines(moment);
  const isRevoked = Boolean(facts.health?.revoked_at);
  if (relay.heartbeat === null && leaseExpiresAt === null && outcomes.length === 0 && !isRevoked) {
    return { status: "unregistered", conditions: [], until: null };
  }
  const ports = outcomes.flatMap((outcome) => failedPort(relay, outcome));
  const raised = [...ports, ...unreachable(relay, outcomes), ...agentConditions(facts, deadlines)];
  if (leaseExpiresAt !== null && deadlines.over(leaseExpiresAt)) {
    raised.push({
      code: "RELAY_SILENT",
      since: leaseExpiresAt,
      text: `No reports come from the relay ${name}: it was stopped, or does not reach the platform.`,
      fix: "See whether its process runs, and whether its machine reaches the platform.",
    });
  }
  if (leaseExpiresAt === null && relay.heartbeat !== null && deadlines.silentFor(relay.heartbeat, STALE_MS)) {
    raised.push({
      code: "HEARTBEAT_LATE",
      since: "",
      text: `The relay ${name} was reached last at ${relay.heartbeat}.`,
      fix: "See whether its process runs and reaches the platform.",
    });
  }
  const conditions = withOwnWords(raised, facts, deadlines);
  const isLost = isRevoked || raised.some(({ code }) => code === "RELAY_TLS_FAILED");
  const status = isLost ? "unreachable" : conditions.some(isTrouble) ? "degraded" : "healthy";
  return { status, conditions, until: deadlines.next };
}

function failedPort(relay: RelayRow, { way, code, text, since }: ProbeOutcome): Raised[] {
  if (code === null) return [];
  const isTls = way === "tls";
  const port = isTls ? (relay.tls_port ?? DEFAULT_TLS_PORT) : (relay.ssh_port ?? DEFAULT_SSH_PORT);
  const what = isTls ? "TLS port" : "SSH port";
  return [
    {
      code: isTls ? "RELAY_TLS_FAILED" : "RELAY_SSH_FAILED",
      since,
      text: `The platform looked at the relay ${relay.name}, ${what} ${port}: ${text ?? ""}`,
      fix: fixOfPort(isTls ? "tls" : "ssh", code, { name: relay.name, port }),
    },
  ];
}

/** Nobody answers at either port: it is not the ports. */
function unreachable({ name, host }: RelayRow, outcomes: ProbeOutcome[]): Raised[] {
  const silent = outcomes.filter(({ code }) => code === "RELAY_UNREACHABLE" || code === "TIMEOUT");
  if (silent.length < 2) return [];
  const [since = ""] = silent.map((outcome) => outcome.since).sort((a, b) => b.localeCompare(a));
  const reasons = [...new Set(silent.map(({ text }) => text ?? ""))].join(" ");
  return [
    {
      code: "RELAY_UNREACHABLE",
      since,
      text: `The platform does not reach the relay ${name} at ${host}: ${reasons}`,
      fix: `See whether its process runs ("sallyport relay status ${name}" on its machine), and whether a firewall is in between.`,
    },
  ];
}
