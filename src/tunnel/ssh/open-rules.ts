import type { SshLimits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Refusals cost an answer each; a peer that earns more than this is not one to keep. */
const REFUSALS_PER_SECOND = 1000;
const REFUSALS_BURST = 5000;

/** How many channels there may be, and how fast either end may open them. */
export class OpenRules {
  readonly #ours: TokenBucket;
  readonly #theirs: TokenBucket;
  readonly #refusals: TokenBucket;

  constructor(
    private readonly limits: SshLimits,
    now: () => number,
  ) {
    this.#ours = new TokenBucket(limits.opensPerSecond, limits.opensBurst, now);
    this.#theirs = new TokenBucket(limits.opensPerSecond, limits.opensBurst, now);
    this.#refusals = new TokenBucket(REFUSALS_PER_SECOND, REFUSALS_BURST, now);
  }

  /** Why another channel can't be opened now, for the user; null when it can. */
  objection(end: "ours" | "theirs", channels: number): string | null {
    if (channels >= this.limits.channels) return `it already carries ${channels} channels`;
    const bucket = end === "ours" ? this.#ours : this.#theirs;
    if (bucket.take()) return null;
    return `more than ${this.limits.opensPerSecond} channels a second are being opened`;
  }

  /** Whether the peer may be refused once more; if not, the connection has to go. */
  mayRefuse(): boolean {
    return this.#refusals.take();
  }
}
