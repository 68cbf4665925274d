import { SallyportError } from "../telemetry/error.ts";
import { parseDuration } from "./duration.ts";
import { say } from "./output.ts";

/** Flags of commands that may wait for a gateway or a relay. */
export const waitArgs = {
  wait: { type: "boolean", description: "Wait until it is healthy; exit code 4 when it is not in time" },
  timeout: {
    type: "string",
    default: "5m",
    description: "With --wait: for how long, for example 90s or 10m",
    valueHint: "time",
  },
} as const;

/** What is looked at until it is well. */
export interface Awaited {
  /** As messages call it. */
  what: string;
  /** Its status as people read it, and what is wrong with it. */
  look(): Promise<{ status: string; why?: string | undefined }>;
}

const INTERVAL_MS = 1000;

/** @throws SallyportError USAGE, before anything is done */
export function waitSeconds(args: { wait?: boolean | undefined; timeout: string }): number {
  return args.wait ? parseDuration(args.timeout, "--timeout") : 0;
}

/**
 * Says each change of status on stderr until it is Healthy; one that only works in part is not.
 * @throws SallyportError SERVICE_NOT_READY (exit code 4) after that many seconds; whatever asking the platform throws
 */
export async function untilHealthy({ what, look }: Awaited, seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  let said: string | undefined;
  for (;;) {
    const { status, why } = await look();
    if (status === "Healthy") return say(`The ${what} is Healthy.`);
    const now = `${status}${why ? `: ${why}` : ""}`;
    if (now !== said) say(`Waiting for the ${what}: ${now}`);
    said = now;
    if (performance.now() >= deadline) {
      throw new SallyportError(
        "SERVICE_NOT_READY",
        `The ${what} is not Healthy after ${seconds} s but ${now}`,
      );
    }
    await Bun.sleep(Math.min(INTERVAL_MS, Math.max(1, deadline - performance.now())));
  }
}
