/** How much output of a process is kept; the oldest goes first. */
const KEPT = 4 * 1024 * 1024;

interface Waiter {
  pattern: RegExp | string;
  resolve(line: string): void;
  giveUp(reason: string): void;
}

/** Collects what a process prints and lets a test wait for a line of it. */
export class TextLog {
  #text = "";
  #partial = "";
  #finished = false;
  readonly #waiters = new Set<Waiter>();
  /** Resolves at the end of the pipe. */
  readonly ended: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  get text(): string {
    return this.#text;
  }

  get lines(): string[] {
    return this.#text.split("\n").filter((line) => line !== "");
  }

  /** The first line that matches, also one that came before. `who` is put into the error. */
  waitForLine(pattern: RegExp | string, o: { deadlineMs: number; who: () => string }): Promise<string> {
    const seen = this.lines.find((line) => matches(line, pattern));
    if (seen !== undefined) return Promise.resolve(seen);
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        pattern,
        resolve: (line) => {
          leave();
          resolve(line);
        },
        giveUp: (reason) => {
          leave();
          reject(new Error(`No line like ${pattern} ${reason}: ${o.who()}`));
        },
      };
      const timer = setTimeout(() => waiter.giveUp(`within ${o.deadlineMs} ms`), o.deadlineMs);
      this.#waiters.add(waiter);
      if (this.#finished) waiter.giveUp("before the end");
    });
  }

  /** Nothing more will come: whoever still waits is told. */
  finish(): void {
    this.#finished = true;
    for (const waiter of [...this.#waiters]) waiter.giveUp("before the end");
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#add(decoder.decode(chunk, { stream: true }));
    this.#line(this.#partial);
  }

  #add(text: string): void {
    this.#text = (this.#text + text).slice(-KEPT);
    const lines = (this.#partial + text).split("\n");
    this.#partial = (lines.pop() ?? "").slice(-KEPT);
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    for (const waiter of [...this.#waiters]) if (matches(line, waiter.pattern)) waiter.resolve(line);
  }
}

function matches(line: string, pattern: RegExp | string): boolean {
  return typeof pattern === "string" ? line.includes(pattern) : pattern.test(line);
}
