import { SallyportError } from "../../telemetry/error.ts";

/** Runs at most `parallel` pieces of work at once; at most `waiting` more wait for their turn. */
export class Slots {
  readonly #parallel: number;
  readonly #waiting: number;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(parallel: number, waiting: number) {
    this.#parallel = parallel;
    this.#waiting = waiting;
  }

  /** @throws SallyportError RESOURCE_SHORTAGE when too many wait already, or what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#parallel) await this.#turn();
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#running--;
    }
  }

  /** The slot of whoever ends is handed over, so nobody can slip in between. */
  #turn(): Promise<void> {
    if (this.#queue.length >= this.#waiting) {
      throw new SallyportError("RESOURCE_SHORTAGE", "The platform is busy: try again in a moment.");
    }
    return new Promise((resolve) => this.#queue.push(resolve));
  }
}
