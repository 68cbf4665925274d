import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { makePrivateDirectory } from "../../host/atomic-file.ts";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";

/** What `writeFileWhole` leaves behind when it is killed: `.<name>.<12 hex digits>`. */
const LEFTOVER = /^\.(.+)\.[0-9a-f]{12}$/;

/**
 * Makes a directory ours: 0700, and free of what a killed run left behind. One that holds anything else is left as it
 * is, so that a mistyped path never changes the mode of `/etc` or mixes keys with other files.
 * @throws SallyportError ALREADY_EXISTS, FILE_UNWRITABLE
 */
export async function claimDirectory(path: string, isOurs: (name: string) => boolean): Promise<void> {
  const leftovers: string[] = [];
  for (const name of await list(path)) {
    const ofKilledRun = LEFTOVER.exec(name)?.[1];
    if (ofKilledRun !== undefined && isOurs(ofKilledRun)) leftovers.push(name);
    else if (!isOurs(name)) {
      throw new SallyportError(
        "ALREADY_EXISTS",
        `${path} holds other files (${JSON.stringify(name)} for one): choose a new or empty directory`,
      );
    }
  }
  await makePrivateDirectory(path);
  for (const name of leftovers) await remove(join(path, name));
}

/** Removes a file if it is there. @throws SallyportError FILE_UNWRITABLE */
export async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return;
    throw new SallyportError("FILE_UNWRITABLE", `Cannot remove ${path}: ${describe(cause)}`, { cause });
  }
}

async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return [];
    throw new SallyportError("FILE_UNWRITABLE", `Cannot use ${path} as a directory: ${describe(cause)}`, {
      cause,
    });
  }
}
