export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  next(): number;
  /** Starts over, after a success that lasted. */
  reset(): void;
}

interface BackoffOptions {
  /** Least wait, and half the ceiling of the first one. */
  baseMs?: number;
  /** Greatest wait. */
  capMs?: number;
  /** Uniform in [0, 1). */
  random?: () => number;
}

/**
 * Exponential backoff with full jitter: each wait is uniform between the base and a ceiling that doubles up to the cap,
 * so a thousand peers that lost the same relay do not come back in step (ACCEPTANCE F15) and none spins.
 */
export function fullJitter(options: BackoffOptions = {}): Backoff {
  const { baseMs = 500, capMs = 30_000, random = Math.random } = options;
  let ceiling = baseMs;
  return {
    next() {
      ceiling = Math.min(capMs, ceiling * 2);
      return baseMs + random() * (ceiling - baseMs);
    },
    reset() {
      ceiling = baseMs;
    },
  };
}
