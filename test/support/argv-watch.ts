import { readdirSync, readFileSync } from "node:fs";

const LOOK_MS = 15;

/** Keeps every command line that anybody on this machine could see in its list of processes while it watches. */
export class ArgvWatch {
  readonly #seen = new Set<string>();
  readonly #timer = setInterval(() => this.#look(), LOOK_MS);

  /** Each once, its words separated by spaces. */
  get seen(): string[] {
    return [...this.#seen];
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        this.#seen.add(readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " "));
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}
