import type { Moment } from "./moment.ts";

/** Collects the times at which a judgement stops to hold by itself. */
export class Deadlines {
  readonly #now: number;
  readonly #watchedSince: string;
  #next = Number.POSITIVE_INFINITY;

  constructor({ now, watchedSince }: Moment) {
    this.#now = now.getTime();
    this.#watchedSince = watchedSince;
  }

  /** Whether that time has come; if not, the judgement holds until then at most. */
  over(time: Date | string, plusMs = 0): boolean {
    const at = new Date(time).getTime() + plusMs;
    if (at <= this.#now) return true;
    this.#next = Math.min(this.#next, at);
    return false;
  }

  /** The same for the time until somebody has to be heard of again: while the platform was away nobody could. */
  silentFor(lastHeard: string, milliseconds: number): boolean {
    return this.over(lastHeard > this.#watchedSince ? lastHeard : this.#watchedSince, milliseconds);
  }

  get next(): Date | null {
    return Number.isFinite(this.#next) ? new Date(this.#next) : null;
  }
}
