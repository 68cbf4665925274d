import { asSallyportError, SallyportError } from "../../telemetry/error.ts";
import { VERSION } from "../../version.ts";
import { fixOf } from "./fixes.ts";
import { type Collector, keyOf, type Outcome, type Step, type Verdict } from "./step.ts";

/** Where a diagnosis was made. */
export type Place = "gateway" | "relay" | "client";

/** What `doctor --json` prints of a step. Fields may be added, never renamed. */
export interface StepResult {
  id: string;
  about: string | null;
  title: string;
  verdict: Verdict;
  /** Null: it was not run. */
  milliseconds: number | null;
  detail: string;
  code: string | null;
  /** Key of the failed step that explains why this one was skipped. */
  because: string | null;
  fix: string | null;
}

export interface Diagnosis {
  place: Place;
  /** Of the gateway, the relay, or what a client wants to reach. */
  subject: string;
  version: string;
  /** RFC 3339. */
  time: string;
  verdict: "ok" | "warning" | "failed";
  /** The one thing to repair first; null when nothing failed. */
  cause: { step: string; about: string | null; code: string; text: string; fix: string } | null;
  steps: StepResult[];
}

export interface DiagnoseOptions {
  place: Place;
  subject: string;
  collectors: Collector[];
  now?: () => Date;
}

const TIMEOUT_MS = 10_000;

/**
 * Takes the steps one after the other, each with a time-out and an outcome of its own; a failure hides what it
 * explains, so that people read what to repair and nothing else. Never rejects for what a step meets.
 */
export async function diagnose(options: DiagnoseOptions): Promise<Diagnosis> {
  const { place, subject, collectors, now = () => new Date() } = options;
  const results = new Map<string, StepResult>();
  try {
    for (const { steps } of collectors) {
      for (const step of typeof steps === "function" ? steps() : steps) {
        results.set(keyOf(step), await take(step, results));
      }
    }
  } finally {
    for (const { close } of collectors) close?.();
  }
  const steps = [...results.values()];
  return { place, subject, version: VERSION, time: now().toISOString(), ...summary(steps), steps };
}

function summary(steps: StepResult[]): Pick<Diagnosis, "verdict" | "cause"> {
  const failed = steps.find(({ verdict }) => verdict === "failed");
  if (!failed) return { verdict: steps.some(isWarning) ? "warning" : "ok", cause: null };
  const { id, about, code, detail, fix } = failed;
  return {
    verdict: "failed",
    cause: { step: id, about, code: code ?? "INTERNAL", text: detail, fix: fix ?? "" },
  };
}

function isWarning({ verdict }: StepResult): boolean {
  return verdict === "warning";
}

async function take(step: Step, before: ReadonlyMap<string, StepResult>): Promise<StepResult> {
  const blocker = firstFailure(step.needs, before);
  if (blocker) return explained(step, blocker, null);
  const started = performance.now();
  const elapsed = () => Math.round((performance.now() - started) * 10) / 10;
  try {
    const outcome = await within(step);
    const found: Found = typeof outcome === "string" ? { verdict: "ok", detail: outcome } : outcome;
    return result(step, found, elapsed());
  } catch (thrown) {
    const explanation = firstFailure(step.explainedBy, before);
    if (explanation) return explained(step, explanation, elapsed());
    const { code, message } = asSallyportError(thrown, "INTERNAL", `${step.title} could not be looked at`);
    return result(step, { verdict: "failed", detail: message, code, fix: fixOf(code, step.id) }, elapsed());
  }
}

/** The step at the root of all that keeps this one from making sense. */
function firstFailure(
  keys: readonly string[] = [],
  before: ReadonlyMap<string, StepResult>,
): StepResult | undefined {
  for (const key of keys) {
    const found = before.get(key);
    const root = found?.because ? before.get(found.because) : found;
    if (root?.verdict === "failed") return root;
  }
  return undefined;
}

function titleOf({ title, about }: StepResult): string {
  return about === null ? title : `${title} (${about})`;
}

function explained(step: Step, by: StepResult, milliseconds: number | null): StepResult {
  const detail = `explained by "${titleOf(by)}"`;
  return result(step, { verdict: "skipped", detail, because: keyOf(by) }, milliseconds);
}

type Found = Pick<StepResult, "verdict" | "detail"> & Partial<StepResult>;

function result({ id, about, title }: Step, found: Found, milliseconds: number | null): StepResult {
  const { verdict, detail, code = null, because = null, fix = null } = found;
  return { id, about: about ?? null, title, verdict, milliseconds, detail, code, because, fix };
}

async function within(step: Step): Promise<Outcome> {
  const { title, timeoutMs = TIMEOUT_MS } = step;
  const over = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new SallyportError("TIMEOUT", `${title}: there was no answer within ${timeoutMs / 1000} s.`));
  }, timeoutMs);
  try {
    return await Promise.race([step.run(over.signal), late]);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}
