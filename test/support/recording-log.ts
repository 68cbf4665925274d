import type { Fields, Logger, LogLevel } from "../../src/telemetry/log.ts";

export interface LogEntry {
  level: LogLevel;
  message: string;
  fields: Fields;
}

/** A log that keeps its entries, and lets a test wait for one. */
export class RecordingLog implements Logger {
  constructor(
    readonly entries: LogEntry[] = [],
    private readonly bound: Fields = {},
    private readonly waiters = new Set<() => void>(),
  ) {}

  debug(message: string, fields?: Fields): void {
    this.#add("debug", message, fields);
  }
  info(message: string, fields?: Fields): void {
    this.#add("info", message, fields);
  }
  warn(message: string, fields?: Fields): void {
    this.#add("warn", message, fields);
  }
  error(message: string, fields?: Fields): void {
    this.#add("error", message, fields);
  }

  child(fields: Fields): Logger {
    return new RecordingLog(this.entries, { ...this.bound, ...fields }, this.waiters);
  }

  /** The fields of the nth entry with that message (the first unless told), once it is there. */
  async next(message: string, nth = 0): Promise<Fields> {
    for (;;) {
      const found = this.entries.filter((entry) => entry.message === message)[nth];
      if (found) return found.fields;
      await new Promise<void>((resolve) => this.waiters.add(resolve));
    }
  }

  #add(level: LogLevel, message: string, fields: Fields = {}): void {
    this.entries.push({ level, message, fields: { ...this.bound, ...fields } });
    for (const wake of this.waiters) wake();
    this.waiters.clear();
  }
}
