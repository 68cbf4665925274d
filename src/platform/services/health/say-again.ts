import { type ReportedCondition, TEXT_LENGTH } from "../../../platform-client/agent-report.ts";
import { byWeight } from "../../../telemetry/conditions.ts";
import type { HealthRow } from "../../store/health.ts";
import { type Health, readConditions, type SaidHealth } from "./health.ts";

/** The same words with the times since when they hold: what was said before keeps its own. */
export function sayAgain(health: Health, before: HealthRow | undefined, now: Date): SaidHealth {
  const earlier = new Map(readConditions(before?.conditions ?? "[]").map((one) => [keyOf(one), one.since]));
  const conditions = health.conditions
    .map((one) => ({
      ...one,
      since: earlier.get(keyOf(one)) ?? (one.since || now.toISOString()),
      text: one.text.slice(0, TEXT_LENGTH),
      fix: one.fix.slice(0, TEXT_LENGTH),
    }))
    .sort(byWeight);
  const since = before?.status === health.status ? before.since : now.toISOString();
  return { ...health, conditions, since };
}

/** Whether people would see more than other words for the same. */
export function isNews({ status, conditions }: SaidHealth, before: HealthRow | undefined): boolean {
  const keys = (all: ReportedCondition[]) =>
    all
      .map(keyOf)
      .sort((a, b) => a.localeCompare(b))
      .join("\n");
  return before?.status !== status || keys(readConditions(before.conditions)) !== keys(conditions);
}

function keyOf({ code, about = "" }: ReportedCondition): string {
  return `${code} ${about}`;
}
