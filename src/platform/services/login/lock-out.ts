import { createHash } from "node:crypto";
import { SallyportError } from "../../../telemetry/error.ts";
import {
  countLoginFailure,
  deleteLoginFailuresBefore,
  forgetLoginFailures,
} from "../../store/login-failures.ts";
import type { Core } from "../core.ts";
import { networkOf } from "./failure-limiter.ts";

const WINDOW_MS = 60_000;
/** Failures a minute (PROTOCOL A, "login/enroll"), of one address at one account, on all replicas together. */
const FAILURES = 10;

/** Where somebody guesses, and at what. */
export interface Guess {
  address: string;
  account: string;
}

/**
 * Counts an attempt at a password before it is checked, so that many at once don't slip through. Take it back with
 * `forgetAttempts`.
 * @throws SallyportError RATE_LIMITED
 */
export async function countAttempt(core: Core, guess: Guess): Promise<void> {
  const now = core.now();
  const windowStart = new Date(now.getTime() - WINDOW_MS).toISOString();
  const count = await core.store.transaction(async (sql) => {
    await deleteLoginFailuresBefore(sql, windowStart);
    return await countLoginFailure(sql, keyOf(guess), { now: now.toISOString(), windowStart });
  });
  if (count <= FAILURES) return;
  const message = "Too many failed attempts: wait a minute, then try again.";
  throw new SallyportError("RATE_LIMITED", message, { retryAfter: WINDOW_MS / 1000 });
}

export async function forgetAttempts(core: Core, guess: Guess): Promise<void> {
  await core.store.transaction((sql) => forgetLoginFailures(sql, keyOf(guess)));
}

/** Of one length, whatever was typed for an account. */
function keyOf({ address, account }: Guess): string {
  return createHash("sha256")
    .update(`${networkOf(address)} ${account}`)
    .digest("hex");
}
