export function median(values: number[]): number {
  return percentile(values, 0.5);
}

/** The smallest value that at least `share` of the values do not exceed; NaN of nothing. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Three significant digits are more than a benchmark on shared cores can tell. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
