import { SallyportError } from "../../telemetry/error.ts";

/**
 * Runs at most `parallel` pieces of work at once; at most `waiting` more wait for their turn, of which at most `each` are
 * somebody's, so that nobody fills the queue for the others.
 */
export class Slots {
  readonly #parallel: number;
  readonly #waiting: number;
  readonly #each: number;
  readonly #queue: (() => void)[] = [];
  readonly #byWhom = new Map<string, number>();
  #running = 0;

  constructor(parallel: number, waiting: number, each = Number.POSITIVE_INFINITY) {
    this.#parallel = parallel;
    this.#waiting = waiting;
    this.#each = each;
  }

  /**
   * @param whose who has it done; undefined is nobody in particular
   * @throws SallyportError RESOURCE_SHORTAGE when too many wait already, or what `work` throws
   */
  async run<T>(work: () => Promise<T>, whose?: string): Promise<T> {
    if (this.#running >= this.#parallel) await this.#turn(whose);
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
  async #turn(whose: string | undefined): Promise<void> {
    const theirs = whose === undefined ? 0 : (this.#byWhom.get(whose) ?? 0);
    if (this.#queue.length >= this.#waiting || theirs >= this.#each) {
      throw new SallyportError("RESOURCE_SHORTAGE", "The platform is busy: try again in a moment.");
    }
    if (whose !== undefined) this.#byWhom.set(whose, theirs + 1);
    await new Promise<void>((resolve) => this.#queue.push(resolve));
    if (whose === undefined) return;
    const left = (this.#byWhom.get(whose) ?? 1) - 1;
    if (left > 0) this.#byWhom.set(whose, left);
    else this.#byWhom.delete(whose);
  }
}
