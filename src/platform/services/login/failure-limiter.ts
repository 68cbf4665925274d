import { isIPv6 } from "node:net";
import { SallyportError } from "../../../telemetry/error.ts";

const WINDOW_MS = 60_000;
/** Failures a minute (PROTOCOL A, "login/enroll"). */
const FAILURES = 10;
/** Keys kept at once; past it the oldest are forgotten, so that memory stays bounded under a flood. */
const KEYS = 20_000;

/**
 * Counts failed logins by (address, resource): a caller who succeeds is never slowed, and neighbours behind the same
 * address don't lock each other out (ACCEPTANCE, "Else"). Per process; with several replicas each counts for itself.
 */
export class FailureLimiter {
  readonly #now: () => Date;
  readonly #failures = new Map<string, { count: number; since: number }>();

  constructor(now: () => Date) {
    this.#now = now;
  }

  /**
   * Counts an attempt at something guessable before it is tried, so that many at once don't slip through. Take it back
   * with `succeeded`.
   * @throws SallyportError RATE_LIMITED
   */
  attempt(address: string, resource: string): void {
    const { count, retryAfter } = this.#count(key(address, resource));
    if (count > FAILURES) throw limited(retryAfter);
  }

  succeeded(address: string, resource: string): void {
    this.#failures.delete(key(address, resource));
  }

  /**
   * Counts a failure and gives the error to throw: the failure itself, or RATE_LIMITED once there were too many. For
   * secrets too long to guess: a good one always passes, however many bad ones came from its neighbours.
   */
  failed(address: string, resource: string, failure: SallyportError): SallyportError {
    const { count, retryAfter } = this.#count(key(address, resource));
    return count > FAILURES ? limited(retryAfter) : failure;
  }

  /** One more. @returns how many there are now, and in how many seconds the count begins anew */
  #count(name: string): { count: number; retryAfter: number } {
    const now = this.#now().getTime();
    const entry = this.#entry(name) ?? { count: 0, since: now };
    entry.count = Math.min(entry.count + 1, FAILURES + 1);
    this.#failures.delete(name);
    this.#failures.set(name, entry);
    this.#forgetOldest();
    return { count: entry.count, retryAfter: Math.ceil((entry.since + WINDOW_MS - now) / 1000) };
  }

  #entry(name: string): { count: number; since: number } | undefined {
    const entry = this.#failures.get(name);
    if (entry && this.#now().getTime() - entry.since < WINDOW_MS) return entry;
    this.#failures.delete(name);
    return undefined;
  }

  #forgetOldest(): void {
    if (this.#failures.size <= KEYS) return;
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined) this.#failures.delete(oldest);
  }
}

function key(address: string, resource: string): string {
  return `${networkOf(address)} ${resource}`;
}

/** Whoever has an IPv6 address has its whole /64. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(":").length;
  return [...groups, ...Array<string>(Math.max(missing, 0)).fill("0"), ...(tail ?? "").split(":")]
    .slice(0, 4)
    .join(":");
}

function limited(retryAfter: number): SallyportError {
  const message = "Too many failed attempts: wait a minute, then try again.";
  return new SallyportError("RATE_LIMITED", message, { retryAfter });
}
