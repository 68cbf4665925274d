import type { Timers } from "../../src/tunnel/ssh/timers.ts";

interface Entry {
  due: number;
  every: number | null;
  callback: () => void;
}

/** Monotonic time that moves only by `advance`. */
export class FakeTimers implements Timers {
  #now = 1000;
  readonly #entries = new Set<Entry>();

  /** Timers that nobody has cancelled and that have not fired. */
  get pending(): number {
    return this.#entries.size;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    return this.#add({ due: this.#now + ms, every: null, callback });
  }

  every(ms: number, callback: () => void): () => void {
    return this.#add({ due: this.#now + ms, every: ms, callback });
  }

  /** Moves on step by step; between two steps the event loop turns, so that what was sent arrives. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#now = next.due;
      if (next.every === null) this.#entries.delete(next);
      else next.due += next.every;
      next.callback();
      await turns();
    }
    this.#now = end;
    await turns();
  }

  /** Time passes without anything being run, as when the process is stopped. */
  freeze(ms: number): void {
    this.#now += ms;
  }

  #add(entry: Entry): () => void {
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  #next(end: number): Entry | undefined {
    return [...this.#entries].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
  }
}

/** Lets a message cross a connection in memory a few times. */
export async function turns(count = 6): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
