import { SallyportError } from "../../../telemetry/error.ts";
import type { Actor } from "../actors.ts";
import { networkOf } from "./failure-limiter.ts";

/** Requests a second that one caller may make all the time, and how many at once after a pause. */
const PER_SECOND = 200;
const BURST = 6000;
/** Callers remembered; past it the one that was here longest ago is forgotten, and begins anew. */
const CALLERS = 20_000;

/**
 * Keeps one caller, say a gateway that asks again and again, from taking the platform from everybody else (PROTOCOL A,
 * rate limits): a bucket for each person, identity, gateway and relay, whichever token they use and wherever they call
 * from. Per process; with several replicas each counts for itself.
 */
export class RequestRate {
  readonly #buckets = new Map<string, { left: number; at: number }>();

  /** @param now milliseconds that never go back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** @throws SallyportError RATE_LIMITED */
  count(actor: Actor): void {
    const name = callerOf(actor);
    const now = this.now();
    const { left, at } = this.#buckets.get(name) ?? { left: BURST, at: now };
    const refilled = Math.min(BURST, left + ((now - at) / 1000) * PER_SECOND);
    this.#buckets.delete(name);
    this.#buckets.set(name, { left: Math.max(0, refilled - 1), at: now });
    const oldest = this.#buckets.size > CALLERS ? this.#buckets.keys().next().value : undefined;
    if (oldest !== undefined) this.#buckets.delete(oldest);
    if (refilled >= 1) return;
    throw new SallyportError(
      "RATE_LIMITED",
      `More than ${PER_SECOND} requests a second from one caller: go on more slowly.`,
      { retryAfter: 1 },
    );
  }
}

function callerOf(actor: Actor): string {
  switch (actor.kind) {
    case "person":
      return `person ${actor.userId}`;
    case "identity":
      return `identity ${actor.identityId}`;
    case "gateway":
      return `gateway ${actor.gatewayId}`;
    case "relay":
      return `relay ${actor.relayId}`;
    default:
      return `${actor.kind} ${networkOf(actor.address)}`;
  }
}
