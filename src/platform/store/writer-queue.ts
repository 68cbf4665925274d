import { SallyportError } from "../../telemetry/error.ts";

/** More writers than this waiting means that the disk does not keep up. */
const WAITING_LIMIT = 1000;

/** Runs one piece of work at a time, in the order of the calls. */
export class WriterQueue {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @throws SallyportError DATABASE_UNAVAILABLE when the queue is full, or what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_LIMIT) {
      throw new SallyportError("DATABASE_UNAVAILABLE", "The database is overloaded: try again in a moment.");
    }
    this.#waiting++;
    const mine = this.#last.then(work);
    this.#last = mine.then(settled, settled);
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }

  /** Resolves when all that was queued so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}

/** Who called `run` has the result; the next in the queue only needs to know that it is over. */
function settled(): void {}
