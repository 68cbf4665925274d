import { FOREIGN, type SshLimits } from "./limits.ts";

const MIB = 1024 * 1024;
/** A window that is used up faster than this is too small for the path (or for the machine). */
const ROUND_MS = 1000;

/**
 * Caps the sum of all receive windows of a process: what peers may send without asking again. One for all connections.
 * Its first half is open to everybody, so that new channels start with, and busy ones grow to, a wide window; the
 * second half is kept for the least window of new channels.
 */
export class WindowBudget {
  #used = 0;

  /** @param limit bytes */
  constructor(readonly limit = 256 * MIB) {}

  get used(): number {
    return this.#used;
  }

  /** More than three quarters are gone: wide windows shrink as their credit comes back. */
  get tight(): boolean {
    return this.#used > this.limit * 0.75;
  }

  /** Grants `want`, or when short of it `least`, or 0. */
  reserve(want: number, least: number): number {
    const granted = this.#used + want <= this.limit / 2 ? want : this.#used + least <= this.limit ? least : 0;
    this.#used += granted;
    return granted;
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}

export interface WindowOptions {
  budget: WindowBudget;
  limits: Pick<SshLimits, "initialWindow" | "maxWindow" | "minWindow">;
  /** Foreign peers get at most 2 MiB. */
  peerIsSallyport: boolean;
  now: () => number;
}

/**
 * The receive window of one channel: starts small, doubles while whole windows are consumed within a second, up to the
 * limit and as far as the budget goes.
 */
export class ReceiveWindow {
  /** What the peer may still send. */
  #credit: number;
  /** Consumed, but not given back yet. */
  #due = 0;
  #roundBytes = 0;
  #roundStart = 0;
  #closed = false;
  readonly #most: number;

  /** Null when the budget has nothing left. */
  static reserve(o: WindowOptions): ReceiveWindow | null {
    const size = o.budget.reserve(o.limits.initialWindow, o.limits.minWindow);
    return size === 0 ? null : new ReceiveWindow(size, o);
  }

  private constructor(
    private size: number,
    private readonly o: WindowOptions,
  ) {
    this.#credit = size;
    this.#most = o.peerIsSallyport ? o.limits.maxWindow : Math.min(o.limits.maxWindow, FOREIGN.maxWindow);
  }

  /** What the channel open or its confirmation announces. */
  get credit(): number {
    return this.#credit;
  }

  /** Bytes have arrived; false when the peer had no credit for them. */
  take(bytes: number): boolean {
    this.#credit -= bytes;
    return this.#credit >= 0;
  }

  /** Bytes have been consumed. @returns credit to announce now, or 0: small amounts are gathered */
  give(bytes: number): number {
    if (this.#closed) return 0;
    this.#due += bytes;
    this.#measure(bytes);
    // Waiting for half the window instead would halve the throughput of a long path.
    if (this.#due < Math.min(this.size / 8, MIB)) return 0;
    this.#shrink();
    const credit = this.#due;
    this.#due = 0;
    this.#credit += credit;
    return credit;
  }

  /** Returns everything to the budget. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.o.budget.release(this.size);
  }

  #measure(bytes: number): void {
    if (this.#roundBytes === 0) this.#roundStart = this.o.now();
    this.#roundBytes += bytes;
    if (this.#roundBytes < this.size) return;
    this.#roundBytes = 0;
    if (this.o.now() - this.#roundStart < ROUND_MS) this.#grow();
  }

  #grow(): void {
    const more = this.o.budget.reserve(Math.min(this.size, this.#most - this.size), 0);
    this.size += more;
    this.#due += more;
  }

  #shrink(): void {
    if (!this.o.budget.tight) return;
    const less = Math.min(this.#due, this.size - this.o.limits.initialWindow);
    if (less <= 0) return;
    this.o.budget.release(less);
    this.size -= less;
    this.#due -= less;
  }
}
