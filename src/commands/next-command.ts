import { selfName } from "../host/self.ts";
import { shellWord } from "../host/shell-word.ts";

/** What to type next in the same shell: it can be copied as it is printed, whichever way the program was called. */
export function nextCommand(...words: string[]): string {
  return [selfName(), ...words.map(shellWord)].join(" ");
}
