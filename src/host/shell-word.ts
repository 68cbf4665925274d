/** A word for a POSIX shell, in quotes where it needs them: printed commands are copied and run. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
