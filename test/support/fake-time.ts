import { renameSync, writeFileSync } from "node:fs";
import type { Workspace } from "./workspace.ts";

/**
 * The wall clock of processes that are started with `env` (Debian's faketime), which a test sets forward and back while
 * they run. Time that passes, timers and monotonic clocks are as ever.
 */
export class FakeTime {
  readonly env: Record<string, string>;
  readonly #path: string;
  #offsetMs = 0;

  private constructor(path: string) {
    this.#path = path;
    this.env = {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
    this.jump(0);
  }

  static open(workspace: Workspace): FakeTime {
    return new FakeTime(workspace.join("clock"));
  }

  now(): Date {
    return new Date(Date.now() + this.#offsetMs);
  }

  jump(hours: number): void {
    this.#offsetMs += hours * 3_600_000;
    const seconds = this.#offsetMs / 1000;
    writeFileSync(`${this.#path}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function library(): string {
  const [found] = new Bun.Glob("usr/lib/*/faketime/libfaketimeMT.so.1").scanSync({ cwd: "/" });
  if (found === undefined) throw new Error("faketime is not installed (Debian package faketime)");
  return `/${found}`;
}
