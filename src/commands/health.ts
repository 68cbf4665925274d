import type { HealthAnswer } from "../platform-client/calls/health.ts";
import { printLine } from "./output.ts";

const WORDS: Record<string, string> = {
  unregistered: "Unregistered",
  healthy: "Healthy",
  degraded: "Degraded",
  unreachable: "Unreachable",
};

/** For people; what a newer platform says is shown as it is. */
export function statusWord({ status }: Pick<HealthAnswer, "status">): string {
  return WORDS[status] ?? status;
}

/** Each condition with what to do about it, the worst first. */
export function printConditions({ conditions }: Pick<HealthAnswer, "conditions">): void {
  for (const { severity, code, title, text, fix, since } of conditions) {
    printLine("");
    printLine(`${severity.toUpperCase()}  ${title} (${code}), since ${since}`);
    printLine(`  ${text}`);
    if (fix !== "") printLine(`  Fix: ${fix}`);
  }
}
