import { selfCommand } from "../../host/self.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** What is kept of a child's output: enough for every line that is waited for and for the last words. */
const KEPT_LINES = 400;
/** After SIGTERM a child drains; then it is killed. */
const STOP_MS = 5_000;

/** A role of this same program as a process of its own, watched through its JSON log. */
export class Child {
  readonly name: string;
  readonly #process: Bun.Subprocess<"ignore" | Blob, "pipe", "pipe">;
  /** Both outputs, for what is waited for and for the last words. */
  readonly #lines: string[] = [];
  readonly #answer: string[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #reading: Promise<unknown>;
  #exited = false;

  constructor(name: string, args: string[], env: Record<string, string>, input?: string) {
    this.name = name;
    this.#process = Bun.spawn(selfCommand(args), {
      env,
      stdin: input === undefined ? "ignore" : new Blob([input]),
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#reading = Promise.all([
      this.#read(this.#process.stdout, this.#answer),
      this.#read(this.#process.stderr),
    ]);
    void this.#process.exited.then(() => {
      this.#exited = true;
      this.#wake();
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /**
   * The first JSON line that `matches`. @throws SallyportError INTERNAL with the child's last words when it ended or
   * the time (20 s) is over
   */
  async waitFor(
    what: string,
    matches: (line: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>> {
    const deadline = Date.now() + 20_000;
    for (let seen = 0; ; ) {
      for (; seen < this.#lines.length; seen++) {
        const line = parseObject(this.#lines[seen] ?? "");
        if (line && matches(line)) return line;
      }
      if (this.#exited || Date.now() > deadline) throw this.#failure(what);
      await this.#change(deadline - Date.now());
    }
  }

  /** Runs to its end and gives what it wrote to stdout. @throws SallyportError INTERNAL when it fails */
  async finish(what: string): Promise<string> {
    const exitCode = await this.#process.exited;
    await this.#reading;
    if (exitCode !== 0) throw this.#failure(what);
    return this.#answer.join("\n");
  }

  /** Ends the process: SIGTERM, then SIGKILL. Safe to call twice. */
  async stop(): Promise<void> {
    if (this.#exited) return;
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MS);
    await this.#process.exited;
    clearTimeout(timer);
  }

  async #read(stream: ReadableStream<Uint8Array>, also?: string[]): Promise<void> {
    const keep = (line: string) => {
      if (this.#lines.length < KEPT_LINES) this.#lines.push(line);
      if (also && also.length < KEPT_LINES) also.push(line);
    };
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(keep);
      this.#wake();
    }
    if (rest) keep(rest);
  }

  #change(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#watchers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(1, milliseconds));
      this.#watchers.add(wake);
    });
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
  }

  #failure(what: string): SallyportError {
    const last = this.#lines.filter((line) => line.trim() !== "").slice(-3);
    return new SallyportError(
      "INTERNAL",
      `${what} did not work. The ${this.name} said: ${last.join(" | ") || "nothing"}`,
    );
  }
}

function parseObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
