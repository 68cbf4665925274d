import type { Code } from "../../telemetry/codes.ts";

/** What a diagnosis says of one thing it looked at. */
export type Verdict = "ok" | "warning" | "failed" | "skipped";

/** One thing to look at on the way: a name, a port, a handshake. Collectors make them, `diagnose` runs them in order. */
export interface Step {
  /** Stable, for scripts: `relay-dns`. */
  id: string;
  /** Which one, where there are several: a relay's name. */
  about?: string | undefined;
  /** For people. */
  title: string;
  /** From start to answer, 10 s unless told. */
  timeoutMs?: number;
  /** Keys of the steps without which this one makes no sense: when one has failed, this one is skipped. */
  needs?: readonly string[];
  /** Keys of the steps whose failure explains a failure of this one: then it is skipped, and names no cause of its own. */
  explainedBy?: readonly string[];
  /** Says what was found. A failure is thrown: a SallyportError, its message the cause. */
  run(signal: AbortSignal): Promise<Outcome>;
}

/** A text is a good answer. */
export type Outcome =
  | string
  | { verdict: "warning"; detail: string; code?: Code; fix: string }
  | { verdict: "skipped"; detail: string };

/** Steps that belong together and what they hold open. */
export interface Collector {
  /** A function where they depend on what was found before. */
  steps: Step[] | (() => Step[]);
  /** Lets go of everything. Safe to call twice. */
  close?(): void;
}

/** What makes a step unlike all others of its run. */
export function keyOf({ id, about }: { id: string; about?: string | null | undefined }): string {
  return about === undefined || about === null ? id : `${id} ${about}`;
}

/** There is nothing to look at here, which hinders nobody. */
export function notApplicable(detail: string): Outcome {
  return { verdict: "skipped", detail };
}
