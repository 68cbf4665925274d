import type { Clock } from "../host/clock.ts";
import type { Fields, Logger } from "../telemetry/log.ts";

const REPEAT_MS = 60_000;

/** A warning of something that is tried for ever: logged when its words change, and once a minute while they don't. */
export class RepeatedWarning {
  #last: { message: string; at: number } | undefined;

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  warn(message: string, fields: Fields = {}): void {
    const now = this.clock.now();
    if (this.#last?.message === message && now - this.#last.at < REPEAT_MS) return;
    this.#last = { message, at: now };
    this.log.warn(message, fields);
  }

  /** It works again: the next warning is new. */
  over(): void {
    this.#last = undefined;
  }
}
