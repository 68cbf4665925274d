/** Moves the cursor, colours, rings or hides: all control characters but line feed and tab, and what turns the direction of text. */
const UNSEEN = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Text for a terminal, with whatever a peer put into it in plain sight: `\u001b` instead of an escape. What is valid JSON
 * stays so, and means the same.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
