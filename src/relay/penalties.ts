export interface PenaltyRule {
  /** First pause; 0 switches penalties off. */
  penaltyMs: number;
  penaltyCapMs: number;
}

/** Addresses remembered at most; the one whose pause began first is forgotten. */
const MOST = 10_000;

interface Penalty {
  pauseMs: number;
  until: number;
}

/**
 * Addresses that failed to authenticate wait before they are heard again: 5 s, doubling to 60 s (ACCEPTANCE). Only
 * failures count; a peer that is merely slow or absent is never banned.
 */
export class Penalties {
  readonly #byGroup = new Map<string, Penalty>();

  constructor(
    private readonly rule: PenaltyRule,
    private readonly now: () => number,
  ) {}

  active(group: string): boolean {
    const penalty = this.#byGroup.get(group);
    if (!penalty) return false;
    if (this.now() < penalty.until) return true;
    // Remembered for one longest pause more, so that the next failure doubles; then all is forgotten.
    if (this.now() >= penalty.until + this.rule.penaltyCapMs) this.#byGroup.delete(group);
    return false;
  }

  add(group: string): void {
    const { penaltyMs, penaltyCapMs } = this.rule;
    if (penaltyMs === 0) return;
    const before = this.#byGroup.get(group);
    // Attempts that were under way when the pause began are the same failure, not a further one.
    if (before !== undefined && this.now() < before.until) return;
    const stillCounts = before !== undefined && this.now() < before.until + penaltyCapMs;
    const pauseMs = Math.min(penaltyCapMs, stillCounts ? before.pauseMs * 2 : penaltyMs);
    this.#byGroup.delete(group);
    this.#byGroup.set(group, { pauseMs, until: this.now() + pauseMs });
    if (this.#byGroup.size <= MOST) return;
    const oldest = this.#byGroup.keys().next().value;
    if (oldest !== undefined) this.#byGroup.delete(oldest);
  }

  forgive(group: string): void {
    this.#byGroup.delete(group);
  }
}
