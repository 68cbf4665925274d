import { z } from "zod";
import { type ReportedCondition, reportedCondition } from "../../../platform-client/agent-report.ts";

/** As people are shown it (PROTOCOL E, EXTENSIONS X7). */
export const HEALTH_STATUSES = ["unregistered", "healthy", "degraded", "unreachable"] as const;
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** How a gateway or a relay is, and why. */
export interface Health {
  status: HealthStatus;
  /** The worst first; causes only, not what follows from them. */
  conditions: ReportedCondition[];
  /** The first time at which this may change with nothing happening; null = never. */
  until: Date | null;
}

/** Health as it was said last: its conditions and its status keep their `since`. */
export interface SaidHealth extends Health {
  /** Of the status, RFC 3339. */
  since: string;
}

const stored = z.array(reportedCondition);

export function readConditions(json: string): ReportedCondition[] {
  // As it is most of the time, and lists are long.
  return json === "[]" ? [] : stored.parse(JSON.parse(json));
}

export function isHealthStatus(text: string): text is HealthStatus {
  return HEALTH_STATUSES.some((status) => status === text);
}

/** Whether anything but an information is wrong. */
export function isTrouble({ severity }: Pick<ReportedCondition, "severity">): boolean {
  return severity !== "info";
}
