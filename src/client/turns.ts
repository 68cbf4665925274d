import { SallyportError } from "../telemetry/error.ts";

interface Waiter {
  begin(): void;
}

interface Queue {
  running: number;
  waiting: Set<Waiter>;
}

/**
 * Lets at most `most` pieces of work per key run at a time; the others wait in the order in which they came. A relay
 * admits only a few connections per address that have not proved who they are yet, and drops one of them for each
 * newcomer: a program that opens fifty connections at once must not lose most of them.
 */
export class Turns {
  readonly #queues = new Map<string, Queue>();

  constructor(private readonly most: number) {}

  /** Work that waits, for all keys. */
  get waiting(): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + queue.waiting.size, 0);
  }

  /**
   * Waits for a turn and returns what ends it, to be called once.
   * @throws SallyportError TIMEOUT after `timeoutMs`; the signal's reason
   */
  async take(
    key: string,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<() => void> {
    const queue = this.#queues.get(key) ?? { running: 0, waiting: new Set<Waiter>() };
    this.#queues.set(key, queue);
    if (queue.running >= this.most) await wait(queue, timeoutMs, signal);
    else queue.running++;
    return () => this.#release(key, queue);
  }

  /** The turn goes to whoever waits longest. */
  #release(key: string, queue: Queue): void {
    const [next] = queue.waiting;
    if (next) return next.begin();
    queue.running--;
    if (queue.running === 0) this.#queues.delete(key);
  }
}

function wait(queue: Queue, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      queue.waiting.delete(waiter);
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    };
    const waiter: Waiter = {
      begin() {
        leave();
        resolve();
      },
    };
    const aborted = () => {
      leave();
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      leave();
      reject(new SallyportError("TIMEOUT", "Too many connections to the relay are being opened; try again."));
    }, timeoutMs);
    signal?.addEventListener("abort", aborted, { once: true });
    queue.waiting.add(waiter);
    if (signal?.aborted) aborted();
  });
}
