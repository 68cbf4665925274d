import type { Diagnosis, StepResult } from "../../client/diagnose/diagnose.ts";
import { printLine, printTable } from "../output.ts";

/** Longer details are cut; the cause is printed whole below. */
const DETAIL_WIDTH = 90;

/** One line a step, then the cause and what to do. */
export function printDiagnosis({ place, subject, steps, cause, verdict }: Diagnosis): void {
  printLine(`${subject}, seen from the ${place}`);
  printLine("");
  printTable(["STEP", "VERDICT", "TIME", "WHAT WAS FOUND"], steps.map(row));
  printLine("");
  for (const step of steps.filter((each) => each.verdict === "warning")) {
    printLine(`Warning: ${step.title}: ${step.detail}. ${step.fix ?? ""}`.trimEnd());
  }
  if (!cause) return printLine(verdict === "ok" ? "All is well." : "It works.");
  const about = cause.about === null ? "" : ` ${cause.about}`;
  printLine(`Cause: ${cause.text} [${cause.code}, step ${cause.step}${about}]`);
  printLine(`Fix:   ${cause.fix}`);
}

function row({ title, about, verdict, milliseconds, detail }: StepResult): string[] {
  const name = about === null ? title : `${title} (${about})`;
  const shown = detail.length > DETAIL_WIDTH ? `${detail.slice(0, DETAIL_WIDTH)}...` : detail;
  return [name, verdict, milliseconds === null ? "" : `${Math.round(milliseconds)} ms`, shown];
}
