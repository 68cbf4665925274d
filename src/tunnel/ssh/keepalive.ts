import type { Timers } from "./timers.ts";

/** Requests that may be unanswered at once; a peer that sends bytes but no answers is alive all the same. */
const MOST_UNANSWERED = 4;

export interface KeepaliveOptions {
  timers: Timers;
  intervalMs: number;
  deadAfterMs: number;
  /** Sends the request. */
  ask(): void;
  /** Nothing has come for too long. */
  dead(): void;
}

/** Asks the peer for a sign of life, and notices when there is none. */
export class Keepalive {
  #heard: number;
  #asked: number;
  #ticked: number;
  #unanswered = 0;
  readonly #stop: () => void;

  constructor(private readonly o: KeepaliveOptions) {
    this.#heard = this.#asked = this.#ticked = o.timers.now();
    this.#stop = o.timers.every(o.intervalMs / 4, () => this.#tick());
  }

  /** Any byte will do. */
  heard(): void {
    this.#heard = this.o.timers.now();
  }

  /** An answer has come; false when nobody asked. */
  answered(): boolean {
    if (this.#unanswered === 0) return false;
    this.#unanswered -= 1;
    return true;
  }

  close(): void {
    this.#stop();
  }

  #tick(): void {
    const now = this.o.timers.now();
    // We ourselves were stopped or very late: what the peer sent meanwhile has not been read yet.
    if (now - this.#ticked > this.o.intervalMs) this.#heard = Math.max(this.#heard, now - this.o.intervalMs);
    this.#ticked = now;
    if (now - this.#heard >= this.o.deadAfterMs) return this.o.dead();
    if (now - this.#asked < this.o.intervalMs || this.#unanswered >= MOST_UNANSWERED) return;
    this.#asked = now;
    this.#unanswered += 1;
    this.o.ask();
  }
}
