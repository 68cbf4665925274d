import { stat } from "node:fs/promises";
import { systemCode } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";

/** Of a file's mode: everybody on this machine may read it. */
const READABLE_BY_ALL = 0o004;

/**
 * Warns once of files with secrets in them that everybody on this machine can read, with the command that ends it. A
 * group may: whoever runs a daemon chooses its group. What is not there, or can't be looked at, is passed over.
 */
export async function warnOfExposed(paths: readonly (string | undefined)[], log: Logger): Promise<void> {
  const exposed: string[] = [];
  for (const path of paths) if (path !== undefined && (await isExposed(path))) exposed.push(path);
  if (exposed.length === 0) return;
  log.warn("Everybody on this machine can read what is to be secret", {
    fix: `chmod 600 ${exposed.join(" ")}`,
  });
}

async function isExposed(path: string): Promise<boolean> {
  try {
    return ((await stat(path)).mode & READABLE_BY_ALL) !== 0;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}
