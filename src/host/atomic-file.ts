import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, SallyportError } from "../telemetry/error.ts";

/** A temporary file this old is of a process that was killed: a write takes milliseconds. */
const LEFTOVER_MS = 60_000;

/**
 * Writes a file whole or not at all: temporary file in the same directory, fsync, rename, fsync of the directory.
 * A process killed at any moment leaves the old content or the new one (ACCEPTANCE F16), and at worst a temporary file,
 * which a later write of the same file removes.
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function writeFileWhole(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await removeLeftovers(path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await unlink(temporary).catch(ignoreMissing);
    throw new SallyportError("FILE_UNWRITABLE", `Cannot write ${path}: ${describe(error)}.`, {
      cause: error,
    });
  }
}

/**
 * Makes a directory that only its owner can enter (0700). Parents that are missing can be passed through but not listed
 * (0711): a service with a user of its own has its directory beside root's, in `/run/sallyport` for example.
 * @throws SallyportError FILE_UNWRITABLE
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await makeParents(dirname(path));
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
  } catch (error) {
    throw new SallyportError("FILE_UNWRITABLE", `Cannot make ${path}: ${describe(error)}.`, { cause: error });
  }
}

/** Whatever the umask is. */
async function makeParents(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let at = path; at.length >= first.length; at = dirname(at)) await chmod(at, 0o711);
}

/** Keys may be in them. What another process writes just now is left alone, and so is what can't be removed. */
async function removeLeftovers(path: string): Promise<void> {
  const prefix = `.${basename(path)}.`;
  try {
    for (const name of await readdir(dirname(path))) {
      if (!name.startsWith(prefix) || !/^[0-9a-f]{12}$/.test(name.slice(prefix.length))) continue;
      const leftover = join(dirname(path), name);
      if (Date.now() - (await stat(leftover)).mtimeMs > LEFTOVER_MS) await unlink(leftover);
    }
  } catch {
    // The file itself is written, and the next write tries again.
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The temporary file is usually gone already; what remains of a failed write must not hide the first error. */
function ignoreMissing(): void {}
