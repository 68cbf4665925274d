/** Runs so many pieces of work at once, in the order of the calls. Who waits for too long is turned away. */
export class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** @throws what `late` gives after so many milliseconds without a turn, or what `work` throws */
  async run<T>(work: () => Promise<T>, patienceMs: number, late: () => Error): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(patienceMs, late);
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  #turn(patienceMs: number, late: () => Error): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#waiting.delete(mine);
      reject(late());
    }, patienceMs);
    const mine = () => {
      clearTimeout(timer);
      resolve();
    };
    this.#waiting.add(mine);
    return promise;
  }

  /** A turn that ends is handed over, so nobody can slip in between. */
  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
