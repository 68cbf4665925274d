import { resolve } from "node:path";

/** Paths that a conf keeps: its daemon may start in another directory. */
export function absolute(path: string | undefined): string | undefined {
  return path ? resolve(path) : undefined;
}
