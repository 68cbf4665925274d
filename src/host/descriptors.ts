import { closeSync, openSync, readFileSync } from "node:fs";
import { SallyportError, systemCode } from "../telemetry/error.ts";

/** Kept for files, look-ups and dials on behalf of what is open already; a quarter where the limit is small. */
const RESERVE = 64;

interface Table {
  /** How many descriptors this process may have open; undefined where nobody knows. */
  limit: () => number | undefined;
  /** The lowest number that is free; undefined when there is none. */
  lowestFree: () => number | undefined;
}

/**
 * Whether this process can afford another connection (ACCEPTANCE F10). A process that has used up its file descriptors
 * can neither accept nor look anything up, and Bun 1.4.5 turns a whole processor over connections that it cannot accept:
 * so newcomers are turned away while some are left. The kernel hands out the lowest free number, so that one beyond the
 * limit less the reserve says that all below it are taken.
 */
export class Descriptors {
  readonly #table: Table;
  #limit: number | undefined;
  #refused = 0;

  constructor(table: Table = ownTable) {
    this.#table = table;
    this.#limit = table.limit();
  }

  get limit(): number | undefined {
    return this.#limit;
  }

  /** Only the reserve is left. */
  get areShort(): boolean {
    if (this.#limit === undefined) return false;
    const free = this.#table.lowestFree();
    return free === undefined || free >= this.#limit - Math.min(RESERVE, this.#limit / 4);
  }

  /** True: turn this newcomer away. */
  refuse(): boolean {
    const short = this.areShort;
    if (short) this.#refused++;
    return short;
  }

  /**
   * Before a dial: Bun 1.4.5 would say that the other end refused it.
   * @throws SallyportError RESOURCE_SHORTAGE when not one is left
   */
  requireOne(): void {
    if (this.#limit === undefined || this.#table.lowestFree() !== undefined) return;
    throw new SallyportError(
      "RESOURCE_SHORTAGE",
      "This process has no file descriptors left: raise its limit (LimitNOFILE= of the unit, ulimit -n).",
    );
  }

  /** How many were turned away since the last call. Looks at the limit again, which an operator may raise meanwhile. */
  takeRefused(): number {
    this.#limit = this.#table.limit() ?? this.#limit;
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }
}

const ownTable: Table = {
  limit() {
    try {
      const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
      return soft === undefined ? undefined : Number(soft);
    } catch {
      // No Linux, or no descriptor is left to read it with.
      return undefined;
    }
  },
  lowestFree() {
    try {
      const free = openSync("/dev/null", "r");
      closeSync(free);
      return free;
    } catch (error) {
      if (systemCode(error) === "EMFILE" || systemCode(error) === "ENFILE") return undefined;
      throw error;
    }
  },
};

/** A process has one table of descriptors, whatever runs in it. */
export const descriptors = new Descriptors();
