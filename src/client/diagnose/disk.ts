import { randomBytes } from "node:crypto";
import { stat, statfs, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileWhole } from "../../host/atomic-file.ts";
import { SallyportError, systemCode } from "../../telemetry/error.ts";
import { type Collector, notApplicable, type Outcome } from "./step.ts";

/** Keys, certificates and a spool of 10 MiB (EXTENSIONS X10). */
const COMFORTABLE_BYTES = 32 * 1024 * 1024;
/** About what credentials take. */
const SAMPLE_BYTES = 64 * 1024;

/** Whether the daemon can keep what it has to keep: writes a file there and removes it. */
export function lookAtState(directory: string): Collector {
  return { steps: [{ id: "state", title: "State directory", run: () => tryDirectory(directory) }] };
}

async function tryDirectory(directory: string): Promise<Outcome> {
  if (!(await exists(directory))) return notApplicable(`${directory} is made at the first start`);
  const sample = join(directory, `.doctor.${randomBytes(6).toString("hex")}`);
  try {
    await writeFileWhole(sample, "#".repeat(SAMPLE_BYTES));
    await unlink(sample);
  } catch (error) {
    throw isFull(error) ? full(directory, error) : error;
  }
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const detail = `${directory}: ${Math.floor(free / 1024 / 1024)} MiB free`;
  if (free >= COMFORTABLE_BYTES) return detail;
  return { verdict: "warning", detail, code: "DISK_FULL", fix: "Free some space before it runs out." };
}

async function exists(directory: string): Promise<boolean> {
  try {
    return (await stat(directory)).isDirectory();
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return false;
    const message = `Cannot look into ${dirname(directory)}: run this as the user that the daemon runs as, or as root.`;
    throw new SallyportError("FILE_UNREADABLE", message, { cause });
  }
}

function isFull(error: unknown): boolean {
  const code = systemCode(error instanceof SallyportError ? error.cause : error);
  return code === "ENOSPC" || code === "EDQUOT";
}

function full(directory: string, cause: unknown): SallyportError {
  return new SallyportError("DISK_FULL", `There is no space left in ${directory}.`, { cause });
}
