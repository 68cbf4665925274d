/** What one process holds while nothing goes on, its garbage collected. */
export interface Sample {
  rssMB: number;
  heapMB: number;
  descriptors: number;
  timers: number;
  sockets: number;
  promises: number;
  functions: number;
}

export type Measure = keyof Sample;

export interface Finding {
  measure: Measure;
  first: number;
  last: number;
  /** By the fitted line, from the first sample after the warm-up to the last. */
  growth: number;
  /** What it may be, however long it took. */
  bound: number;
  leaks: boolean;
}

/**
 * Growth that is noise: so much, or a share of what there was. A leak passes any of them, given time; caches do not, such
 * as the 256 leaves that every bundle of authorities keeps (some 10 KB and a function each).
 */
const BOUNDS: Record<Measure, { least: number; share: number }> = {
  rssMB: { least: 24, share: 0.15 },
  heapMB: { least: 8, share: 0.1 },
  descriptors: { least: 4, share: 0 },
  timers: { least: 6, share: 0.1 },
  sockets: { least: 4, share: 0 },
  promises: { least: 60, share: 0.1 },
  functions: { least: 1000, share: 0.05 },
};

export const MEASURES = Object.keys(BOUNDS) as Measure[];

/** Each measure of samples taken at even distances, the warm-up left out. */
export function judge(samples: readonly Sample[]): Finding[] {
  return MEASURES.map((measure) => {
    const values = samples.map((sample) => sample[measure]);
    const [first = 0, last = 0] = [values[0], values.at(-1)];
    const growth = slope(values) * (values.length - 1);
    const { least, share } = BOUNDS[measure];
    const bound = Math.max(least, share * middle(values));
    return { measure, first, last, growth, bound, leaks: growth > bound };
  });
}

/** Theil and Sen's: the middle one of the slopes between any two, which a few odd samples do not turn. */
export function slope(values: readonly number[]): number {
  const slopes = values.flatMap((from, i) => values.slice(i + 1).map((to, j) => (to - from) / (j + 1)));
  return middle(slopes);
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
