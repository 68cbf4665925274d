import { visible } from "../telemetry/visible.ts";

/** Data goes to stdout, words for people to stderr, so that pipes stay clean. What peers said can't move the cursor. */
export function printLine(text: string): void {
  process.stdout.write(`${visible(text)}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

/** A message for the person at the terminal. */
export function say(text: string): void {
  process.stderr.write(`${visible(text)}\n`);
}

/** Columns padded to their widest cell; the first row is the heading. */
export function printTable(heading: string[], rows: string[][]): void {
  for (const line of tableLines(heading, rows)) printLine(line);
}

/** The lines of such a table; a cell is never more than one line. */
export function tableLines(heading: string[], rows: string[][]): string[] {
  const all = [heading, ...rows].map((row) => row.map((cell) => visible(cell.replace(/[\n\t]/g, " "))));
  const widths = heading.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
