import { SallyportError } from "../../telemetry/error.ts";
import type { Outcome, Step } from "./step.ts";

/**
 * Certificates are valid from five minutes before their issue, and clients' for five minutes after it (PROTOCOL C):
 * a clock that is further off makes new ones useless.
 */
const MOST_SKEW_MS = 4 * 60_000;
const NOTABLE_SKEW_MS = 30_000;

export const CLOCK = "clock";

/**
 * @param skewMs how far this machine's clock is ahead
 * @throws SallyportError CLOCK_WRONG
 */
export function judgeClock(skewMs: number, whose: string): Outcome {
  const size = Math.abs(skewMs);
  const text = `${duration(size)} ${skewMs > 0 ? "ahead of" : "behind"} ${whose} clock`;
  if (size > MOST_SKEW_MS) throw new SallyportError("CLOCK_WRONG", `This machine's clock is ${text}.`);
  if (size <= NOTABLE_SKEW_MS) return `within ${duration(NOTABLE_SKEW_MS)} of ${whose} clock`;
  return {
    verdict: "warning",
    detail: text,
    code: "CLOCK_WRONG",
    fix: "Set the clock, for example with NTP.",
  };
}

/**
 * The clock's step where nobody can be asked: a certificate that we have and that is not valid yet was issued in what
 * this machine takes for the future.
 */
export function clockStep(
  certificates: () => { name: string; from: Date }[],
  needs: string[],
  now: () => Date,
): Step {
  return {
    id: CLOCK,
    title: "Clock",
    needs,
    async run() {
      const early = certificates().find(({ from }) => from > now());
      if (!early) return "no certificate at hand is from the future";
      const message = `This machine's clock is behind: its certificate ${early.name} is not valid before ${early.from.toISOString()}.`;
      throw new SallyportError("CLOCK_WRONG", message);
    },
  };
}

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
