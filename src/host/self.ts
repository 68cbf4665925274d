import { sep } from "node:path";

/** Bun mounts the files of a compiled executable here. */
const EMBEDDED = /^(?:\/\$bunfs\/|B:[\\/]~BUN[\\/])/;

/** True in the compiled executable, false when run from source. */
export function isCompiled(): boolean {
  return EMBEDDED.test(Bun.main);
}

/** The words that start this very program again with `args`. */
export function selfCommand(args: string[]): string[] {
  return isCompiled() ? [process.execPath, ...args] : [process.execPath, Bun.main, ...args];
}

/** How a person would call it from the same shell: for hints in messages. */
export function selfName(): string {
  if (!isCompiled()) return `npx -y bun@${Bun.version} run sallyport`;
  const called = process.argv0;
  return called.includes(sep) ? called : "sallyport";
}
