import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../telemetry/error.ts";
import type { CredentialSource } from "./credentials.ts";
import { IDENTITY_FILE } from "./identity.ts";

// A change counts after two looks; with the reading of the files that stays below the 2 s of ACCEPTANCE O2.
const LOOK_EVERY_MS = 500;
/** A directory of ours holds about ten files; more are somebody else's. */
const MOST_FILES = 100;

/**
 * Credentials from a directory. They count as stale when its files have changed and then stayed the same for one
 * look, or at once on SIGHUP. It looks twice a second rather than being told by the kernel: that also sees a directory
 * that was replaced, mounted or is on a network file system.
 */
export function directorySource<T>(
  directory: string,
  read: (directory: string) => Promise<T>,
  lookEveryMs = LOOK_EVERY_MS,
): CredentialSource<T> {
  const listeners = new Set<() => void>();
  const stale = () => {
    for (const listener of listeners) listener();
  };
  const watch = new Watch(directory, stale);
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    async load() {
      // What changes from here on is newer than what is read now.
      await watch.begin();
      return await read(directory);
    },
    onStale(listener) {
      listeners.add(listener);
      if (timer) return;
      timer = setInterval(() => void watch.look(), lookEveryMs);
      process.on("SIGHUP", stale);
    },
    close() {
      listeners.clear();
      clearInterval(timer);
      process.off("SIGHUP", stale);
    },
  };
}

class Watch {
  #loaded: string | undefined;
  #last: string | undefined;
  #looking = false;

  constructor(
    private readonly directory: string,
    private readonly onChange: () => void,
  ) {}

  async begin(): Promise<void> {
    this.#loaded = this.#last = await fingerprint(this.directory);
  }

  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const seen = await fingerprint(this.directory);
    this.#looking = false;
    const settled = seen === this.#last;
    this.#last = seen;
    // Without an identity the directory is being written: there is nothing to load yet.
    if (!settled || seen === this.#loaded || !seen?.includes(`${IDENTITY_FILE}:`)) return;
    this.#loaded = seen;
    this.onChange();
  }
}

/** Changes with every file that was added, removed, replaced or rewritten; undefined while there is no directory. */
async function fingerprint(directory: string): Promise<string | undefined> {
  const names = await unlessMissing(readdir(directory));
  if (!names) return undefined;
  const visible = names.filter((name) => !name.startsWith(".")).sort();
  const states = visible.slice(0, MOST_FILES).map(async (name) => {
    const file = await unlessMissing(stat(join(directory, name)));
    return file ? `${name}:${file.ino}:${file.size}:${file.mtimeMs}` : name;
  });
  return (await Promise.all(states)).join("\n");
}

/** Files come and go while we look; one that can't be read now is reported by whoever loads it. */
async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
