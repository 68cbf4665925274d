/** At most 300 characters of a peer's text, on one line. */
export function printable(text: string): string {
  return text
    .replace(/[^\P{C}]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 300);
}
