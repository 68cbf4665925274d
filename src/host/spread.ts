import { type Clock, sleepFor } from "./clock.ts";

interface SpreadOptions {
  act: () => void;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Ends it. */
  signal: AbortSignal;
}

/**
 * Does something once at a random moment within a given time, so that many who are told at the same moment do not act at
 * the same moment (ACCEPTANCE F15). Told several times meanwhile, it acts once, at the earliest of the moments drawn.
 */
export class Spread {
  readonly #options: SpreadOptions;
  #next: { due: number; superseded: AbortController } | undefined;

  constructor(options: SpreadOptions) {
    this.#options = options;
  }

  within(milliseconds: number): void {
    const { clock, random } = this.#options;
    const due = clock.now() + milliseconds * random();
    if (this.#next && this.#next.due <= due) return;
    this.#next?.superseded.abort();
    this.#next = { due, superseded: new AbortController() };
    void this.#actAt(this.#next);
  }

  async #actAt(next: { due: number; superseded: AbortController }): Promise<void> {
    const { act, clock, signal } = this.#options;
    const stop = AbortSignal.any([signal, next.superseded.signal]);
    await sleepFor(clock, next.due - clock.now(), stop);
    if (stop.aborted) return;
    this.#next = undefined;
    act();
  }
}
