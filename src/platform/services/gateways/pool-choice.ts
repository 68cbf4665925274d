import type { CandidateRow } from "../../store/gateway-loads.ts";
import type { HealthStatus } from "../health/health.ts";

/** PROTOCOL H.4: a member that a client did not get through is passed over for so long. */
export const SUSPECT_MS = 60_000;
/** An older report of load says nothing. Gateways in a pool report every 10 s. */
const REPORT_MS = 35_000;

export interface Candidate {
  row: CandidateRow;
  status: HealthStatus;
}

const REACHABLE: ReadonlySet<HealthStatus> = new Set<HealthStatus>(["healthy", "degraded"]);

/**
 * The member of a pool that a new connection goes to (PROTOCOL H.4): of those that are reachable, without those that
 * have just failed unless all have, the one with the fewest connections where each says how many it has, otherwise any.
 * Undefined when none is reachable.
 * @param random uniform in [0, 1)
 */
export function chooseMember(
  candidates: Candidate[],
  now: Date,
  random: () => number,
): CandidateRow | undefined {
  const reachable = candidates.filter(({ status }) => isReachable(status)).map(({ row }) => row);
  const trusted = reachable.filter((row) => !isSuspect(row, now));
  const members = trusted.length > 0 ? trusted : reachable;
  const loads = members.map((row) => loadOf(row, now));
  const least = loads.includes(undefined) ? undefined : Math.min(...loads.map((load) => load ?? 0));
  const best = least === undefined ? members : members.filter((_, index) => loads[index] === least);
  return best[Math.floor(random() * best.length)];
}

export function isReachable(status: HealthStatus): boolean {
  return REACHABLE.has(status);
}

export function isSuspect(row: Pick<CandidateRow, "failed_at">, now: Date): boolean {
  return row.failed_at !== null && Date.parse(row.failed_at) + SUSPECT_MS > now.getTime();
}

/** Open connections and those about to be opened; undefined without a recent report. */
export function loadOf(row: CandidateRow, now: Date): number | undefined {
  const { active_channels: active, reported_at: reportedAt, reserved } = row;
  if (active === null || reportedAt === null) return undefined;
  return Date.parse(reportedAt) + REPORT_MS < now.getTime() ? undefined : active + reserved;
}
