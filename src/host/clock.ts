/** Time as the agents need it; tests pass one that moves by hand. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number;
  /** Waits that long, or until `signal` aborts: then it returns early, without an error. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** A timer started before a suspend fires late by the whole suspend (ACCEPTANCE F4), so long waits look often. */
const LONGEST_NAP_MS = 15_000;

/** Waits until the wall clock says `time`, also across suspends and clock jumps. Returns early when aborted. */
export async function sleepUntil(clock: Clock, time: number, signal?: AbortSignal): Promise<void> {
  while (!signal?.aborted) {
    const left = time - clock.now();
    if (left <= 0) return;
    await clock.sleep(Math.min(left, LONGEST_NAP_MS), signal);
  }
}

/**
 * Waits that long by whichever is first: the wall clock, which runs on over a suspend, or what we waited ourselves, which
 * a clock that is set back does not change (ACCEPTANCE F4). Returns early when aborted, or when `isOver`, which is asked
 * every 15 s, says so.
 */
export async function sleepFor(
  clock: Clock,
  milliseconds: number,
  signal?: AbortSignal,
  isOver: () => boolean = never,
): Promise<void> {
  const due = clock.now() + milliseconds;
  let left = milliseconds;
  while (!signal?.aborted) {
    const nap = Math.min(left, due - clock.now(), LONGEST_NAP_MS);
    if (nap <= 0 || isOver()) return;
    await clock.sleep(nap, signal);
    left -= nap;
  }
}

function never(): boolean {
  return false;
}

/** Waits for the promise, but no longer than that. True when it settled in time, false otherwise or when aborted. */
export async function settlesWithin(
  clock: Clock,
  promise: Promise<unknown>,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const over = new AbortController();
  const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, clock.sleep(milliseconds, stop).then(() => false)]);
  } finally {
    over.abort();
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep(milliseconds, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      signal?.addEventListener("abort", wake);
    });
  },
};
