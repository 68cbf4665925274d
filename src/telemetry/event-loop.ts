import type { Metrics } from "./metrics.ts";

const EVERY_MS = 1000;
/** Samples remembered: half a minute. */
const MOST = 30;

/** How late timers are: the time for which everything else in this process had to wait. Closed with the daemon. */
export class EventLoopLag {
  readonly #lags: number[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  #due: number;

  constructor(private readonly now: () => number = () => performance.now()) {
    this.#due = now() + EVERY_MS;
    this.#timer = setInterval(() => this.sample(), EVERY_MS);
    this.#timer.unref();
  }

  /** A timer that was due a second after the last one has fired. */
  sample(): void {
    const now = this.now();
    this.#lags.push(Math.max(0, now - this.#due));
    if (this.#lags.length > MOST) this.#lags.shift();
    this.#due = now + EVERY_MS;
  }

  /** Milliseconds, within the last half minute. */
  get worst(): number {
    return Math.max(0, ...this.#lags);
  }

  measureInto(metrics: Metrics): void {
    metrics.beforeRead(() => metrics.eventLoopLag.set(this.worst / 1000));
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
