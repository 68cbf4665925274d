/**
 * The words that somebody most likely meant: those one or two slips away (a letter too many, missing, another one, two
 * swapped), nearest first, and those that begin alike. At most three.
 */
function nearest(word: string, known: readonly string[]): string[] {
  const most = word.length <= 4 ? 1 : 2;
  return known
    .map((candidate) => ({ candidate, slips: slips(word, candidate) }))
    .filter(({ candidate, slips }) => slips <= most || (word.length >= 3 && candidate.startsWith(word)))
    .toSorted((a, b) => a.slips - b.slips)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** "did you mean --a or --b?", or undefined. @param spell how a word is typed, for example with its dashes */
export function didYouMean(
  word: string,
  known: readonly string[],
  spell: (word: string) => string = (candidate) => candidate,
): string | undefined {
  const words = nearest(word, known).map(spell);
  return words.length === 0 ? undefined : `did you mean ${words.join(" or ")}?`;
}

/** Edit distance in which two swapped neighbours count once (optimal string alignment). */
function slips(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + differs);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(i - 2, j - 2) + 1);
      }
      row.push(least);
    }
  }
  return at(a.length, b.length);
}
