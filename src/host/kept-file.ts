import { dirname } from "node:path";
import type { Conditions } from "../telemetry/conditions.ts";
import { describe } from "../telemetry/error.ts";
import type { Logger } from "../telemetry/log.ts";
import { makePrivateDirectory, writeFileWhole } from "./atomic-file.ts";
import { type Clock, sleepFor, systemClock } from "./clock.ts";

export interface KeptFileOptions {
  path: string;
  /** What it is for, as a whole sentence's beginning: "The certificates can't be kept for the next start". */
  trouble: string;
  /** Where it is said as long as it lasts; the log alone unless told. */
  conditions?: Conditions | undefined;
  log: Logger;
  clock?: Clock | undefined;
}

const RETRY_MS = 15_000;
const PLACE = "state";
const FIX = "Free some space, or make the directory writable for this user; it is tried again by itself.";

/**
 * A file in the state directory that a daemon can do without for now: on a full or read-only disk it works on, says so,
 * and writes the newest content as soon as there is room (ACCEPTANCE F10). 0600, whole or not at all.
 */
export class KeptFile {
  readonly #options: KeptFileOptions;
  readonly #stop = new AbortController();
  #content: string | undefined;
  #retrying: Promise<void> | undefined;

  constructor(options: KeptFileOptions) {
    this.#options = options;
  }

  /** Tries once before it returns, unless it is closed: the directory may be somebody else's by then. Never fails. */
  async keep(content: string): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#content = content;
    if (await this.#write()) return;
    this.#retrying ??= this.#retry().finally(() => {
      this.#retrying = undefined;
    });
  }

  /** Gives up what could not be written. Safe to call twice. */
  close(): void {
    this.#stop.abort();
  }

  async #retry(): Promise<void> {
    const { clock = systemClock, log, path } = this.#options;
    while (!this.#stop.signal.aborted) {
      await sleepFor(clock, RETRY_MS, this.#stop.signal);
      if (this.#stop.signal.aborted || !(await this.#write())) continue;
      log.info("The state directory can be written again", { path });
      return;
    }
  }

  async #write(): Promise<boolean> {
    const { path, trouble, conditions, log } = this.#options;
    const content = this.#content;
    if (content === undefined) return true;
    try {
      await makePrivateDirectory(dirname(path));
      await writeFileWhole(path, content);
      if (this.#content === content) this.#content = undefined;
      conditions?.clear(PLACE);
      return this.#content === undefined;
    } catch (error) {
      const reason = describe(error);
      if (!this.#retrying) log.warn(trouble, { code: "STATE_UNWRITABLE", path, reason, fix: FIX });
      conditions?.raise(PLACE, "STATE_UNWRITABLE", { text: `${trouble}: ${reason}`, fix: FIX });
      return false;
    }
  }
}
