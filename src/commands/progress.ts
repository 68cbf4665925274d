import { say } from "./output.ts";

const EVERY_MS = 1000;

/** Says how far something is, once a second: what is quick says nothing. */
export class Progress {
  #saidAt = performance.now();

  constructor(private readonly describe: (count: number) => string) {}

  at(count: number): void {
    const now = performance.now();
    if (now - this.#saidAt < EVERY_MS) return;
    this.#saidAt = now;
    say(this.describe(count));
  }
}
