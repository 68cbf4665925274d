import type { Clock } from "../../src/host/clock.ts";

interface Sleeper {
  due: number;
  wake: () => void;
}

/** A clock for a crowd that talks to something real: it ticks, and after each tick waits until all of them sleep again. */
export class TickingClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();
  #busy = 0;

  constructor(private time = Date.now()) {}

  now(): number {
    return this.time;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { due: this.time + milliseconds, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake);
    });
  }

  /** Time stands still until this work is done. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
    }
  }

  async pass(milliseconds: number, onTick: () => void = () => {}): Promise<void> {
    for (const end = this.time + milliseconds; this.time < end; ) {
      this.time += TICK_MS;
      onTick();
      for (const sleeper of [...this.#sleepers]) if (sleeper.due <= this.time) sleeper.wake();
      await this.#settled();
    }
  }

  async #settled(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#busy > 0);
  }
}

const TICK_MS = 1000;
