import { mkdirSync, writeFileSync } from "node:fs";
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "./processes.ts";

/** A file system of its own in memory (root only) that a test fills, or makes read-only. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Mounted at `path`, which is made. Whatever was there is hidden until `close`. */
  static async mount(path: string, kilobytes: number): Promise<SmallDisk> {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    await mustRun(["mount", "-t", "tmpfs", "-o", `size=${kilobytes}k,mode=700`, "tmpfs", path]);
    return new SmallDisk(path);
  }

  /** Not one byte more can be written. */
  async fill(): Promise<void> {
    for (let i = 0; (await statfs(this.path)).bavail > 0; i++) {
      try {
        writeFileSync(join(this.path, `${FILLER}${i}`), Buffer.alloc(64 * 1024));
      } catch {
        // As much as fitted is there.
      }
    }
  }

  async empty(): Promise<void> {
    for await (const name of new Bun.Glob(`${FILLER}*`).scan({ cwd: this.path }))
      await rm(join(this.path, name));
  }

  /** For as long as no file on it is open for writing. */
  async readOnly(): Promise<void> {
    await mustRun(["mount", "-o", "remount,ro", this.path]);
  }

  async writable(): Promise<void> {
    await mustRun(["mount", "-o", "remount,rw", this.path]);
  }

  /** Everything on it is gone. */
  async close(): Promise<void> {
    await mustRun(["umount", "-l", this.path]);
  }
}

const FILLER = "filler-";
