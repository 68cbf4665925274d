import type { Conditions } from "../telemetry/conditions.ts";
import type { Logger } from "../telemetry/log.ts";
import { type Descriptors, descriptors } from "./descriptors.ts";

interface WatchOptions {
  /** Where it is said as long as it lasts; the log alone unless told. */
  conditions?: Conditions;
  log: Logger;
  table?: Descriptors;
}

/** After the last newcomer was turned away it is said for so long: what comes and goes is one trouble. */
const LASTS_MS = 10_000;
const PLACE = "descriptors";

const LOOK_MS = 5000;

/** For a process that has no other clockwork to look by. */
export function watchDescriptors(options: WatchOptions): { close(): void } {
  const watch = new DescriptorWatch(options);
  const timer = setInterval(() => watch.look(), LOOK_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

/** Says that newcomers are turned away for want of file descriptors, once for each time that it begins. */
export class DescriptorWatch {
  readonly #options: WatchOptions;
  #until = Number.NEGATIVE_INFINITY;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Call it every few seconds. */
  look(now = performance.now()): void {
    const { conditions, log, table = descriptors } = this.#options;
    const refused = table.takeRefused();
    const isNew = now >= this.#until;
    if (refused > 0 || table.areShort) this.#until = now + LASTS_MS;
    if (now >= this.#until) {
      if (this.#until !== Number.NEGATIVE_INFINITY) log.info("There are enough file descriptors again");
      this.#until = Number.NEGATIVE_INFINITY;
      conditions?.clear(PLACE);
      return;
    }
    const text = `This process may open ${table.limit} files and sockets at once and has them in use: new connections are refused.`;
    const fix =
      "Raise the limit (LimitNOFILE= of the unit, ulimit -n), or spread the load over more processes.";
    conditions?.raise(PLACE, "DESCRIPTORS_SHORT", { text, fix });
    if (isNew) log.warn(text, { code: "RESOURCE_SHORTAGE", refused, fix });
  }
}
