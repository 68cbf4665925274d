const ESCAPED_NUL = Buffer.from("\\u0000");
const BACKSLASH = 0x5c;

/**
 * Whether a JSON text holds the character NUL. PostgreSQL's texts can't, and a single one would fail everything that is
 * stored in the same transaction, other people's heartbeats too.
 */
export function holdsNul(json: Buffer): boolean {
  for (let at = json.indexOf(ESCAPED_NUL); at !== -1; at = json.indexOf(ESCAPED_NUL, at + 1)) {
    let before = at;
    while (before > 0 && json[before - 1] === BACKSLASH) before--;
    // An even number of backslashes before this one: each pair is a backslash of its own.
    if ((at - before) % 2 === 0) return true;
  }
  return json.includes(0);
}
