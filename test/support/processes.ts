import { existsSync } from "node:fs";
import { join } from "node:path";
import { TextLog } from "./text-log.ts";

export const REPOSITORY = join(import.meta.dir, "../..");
export const BINARY = join(REPOSITORY, "dist/sallyport");

/** Which build of the product a test runs. End-to-end tests take the binary that ships. */
export type Build = "source" | "binary";

export interface ProcessOptions {
  /** Added to a minimal environment (PATH, TMPDIR, LANG=C): nothing else of ours leaks into the child. */
  env?: Record<string, string>;
  cwd?: string;
  /** Written to stdin, which is then closed. Without it stdin is empty. */
  input?: string | Uint8Array;
  /** Run as another user (root only). */
  uid?: number;
  gid?: number;
}

export interface ProductOptions extends ProcessOptions {
  /** Directory that becomes HOME and the parent of the XDG directories; usually a workspace's path. */
  home: string;
  /** `source` unless told. */
  build?: Build;
  /** Network namespace to run in (root only). */
  namespace?: string;
  /** File descriptors that it may have open (`ulimit -n`, hard); this machine's limit unless told. */
  descriptors?: number;
  /** A module that the runtime loads before the product (`source` only). */
  preload?: string;
}

export interface Finished {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Starts `sallyport <args>` and leaves it running. */
export function startProduct(args: string[], options: ProductOptions): RunningProcess {
  return startProcess(placedCommand(args, options), productProcess(options));
}

/** Runs `sallyport <args>` to its end. Whatever the exit code: the test judges it. */
export function runProduct(args: string[], options: ProductOptions & Deadline): Promise<Finished> {
  return runProcess(placedCommand(args, options), { ...options, ...productProcess(options) });
}

function placedCommand(args: string[], o: ProductOptions): string[] {
  const { build, namespace, descriptors, preload } = o;
  const limits = descriptors === undefined ? [] : ["prlimit", `--nofile=${descriptors}:${descriptors}`];
  const [runtime = "", ...words] = productCommand(args, build);
  const command = [...limits, runtime, ...(preload === undefined ? [] : ["--preload", preload]), ...words];
  return namespace === undefined ? command : ["ip", "netns", "exec", namespace, ...command];
}

/** The words that start the product, for programs that start it themselves (`ssh -o ProxyCommand`). */
export function productCommand(args: string[], build: Build = "source"): string[] {
  if (build === "source") return [process.execPath, join(REPOSITORY, "src/main.ts"), ...args];
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: run "bun run build" first`);
  return [BINARY, ...args];
}

/** Starts any program and leaves it running in a process group of its own. */
export function startProcess(command: string[], options: ProcessOptions = {}): RunningProcess {
  return new RunningProcess(command, options);
}

/** What takes a second may take ten times as long on a machine that has other things to do. */
const PATIENCE_MS = 30_000;

interface Deadline {
  /** `PATIENCE_MS` unless told; then the process is ended and the call fails, with what it said till then. */
  deadlineMs?: number;
}

/** For a process that is ended to say where it was: `bun test` names the files that were not over. */
const LAST_WORDS_MS = 5_000;

/** Runs any program to its end. @throws when it is not over in time */
export async function runProcess(
  command: string[],
  options: ProcessOptions & Deadline = {},
): Promise<Finished> {
  const running = startProcess(command, options);
  const deadlineMs = options.deadlineMs ?? PATIENCE_MS;
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(true), deadlineMs);
  const isLate = await Promise.race([late.promise, running.exited.then(() => false)]);
  clearTimeout(timer);
  if (isLate) {
    await running.end(LAST_WORDS_MS);
    await running.exited;
    throw new Error(`${running.describe()} was not over after ${deadlineMs} ms\n${running.output()}`);
  }
  return { exitCode: await running.exited, stdout: running.stdout.text, stderr: running.stderr.text };
}

/** Like `runProcess`, and anything but exit code 0 is an error with the output in it. Returns stdout. */
export async function mustRun(command: string[], options: ProcessOptions & Deadline = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await runProcess(command, options);
  if (exitCode !== 0) throw new Error(`${command.join(" ")} exited with ${exitCode}:\n${stderr}${stdout}`);
  return stdout;
}

/** A process that a test owns: its output, its end, and no child of it left behind. */
export class RunningProcess {
  readonly stdout: TextLog;
  readonly stderr: TextLog;
  /** Resolves with the exit code (128 + signal number after a signal) once all output is in. */
  readonly exited: Promise<number>;
  readonly #child: Bun.Subprocess<"pipe" | "ignore", "pipe", "pipe">;
  #over = false;

  constructor(
    private readonly command: string[],
    options: ProcessOptions,
  ) {
    const { input, uid, gid, cwd } = options;
    this.#child = Bun.spawn([...DIES_WITH_US, ...command], {
      detached: true,
      stdin: input === undefined ? "ignore" : "pipe",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...minimalEnvironment(), ...options.env },
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    if (input !== undefined) this.#feed(input);
    this.stdout = new TextLog(this.#child.stdout);
    this.stderr = new TextLog(this.#child.stderr);
    this.exited = this.#finish();
  }

  get pid(): number {
    return this.#child.pid;
  }

  describe(): string {
    return `${this.command.slice(0, 4).join(" ")} (pid ${this.pid})`;
  }

  /** The first line of stderr that matches, also one printed already. @throws at the deadline or when the process ends */
  waitForLog(pattern: RegExp | string, deadlineMs = PATIENCE_MS): Promise<string> {
    return this.stderr.waitForLine(pattern, { deadlineMs, who: () => this.#story() });
  }

  /** The first line of stdout that matches. @throws at the deadline or when the process ends */
  waitForOutput(pattern: RegExp | string, deadlineMs = PATIENCE_MS): Promise<string> {
    return this.stdout.waitForLine(pattern, { deadlineMs, who: () => this.#story() });
  }

  /** The JSON object that stdout begins with, on one line or indented. */
  async waitForJson(deadlineMs = PATIENCE_MS): Promise<unknown> {
    await this.waitForOutput(/^(\{.*)?\}$/, deadlineMs);
    return JSON.parse(/^(?:\{[^\n]*\}|\{$.*?^\})$/ms.exec(this.stdout.text)?.[0] ?? this.stdout.text);
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#over) this.#child.kill(name);
  }

  /** So late after the first that the product takes it for another one. */
  async signalAgain(name: NodeJS.Signals): Promise<void> {
    await Bun.sleep(200);
    this.signal(name);
  }

  /** SIGKILL, at once, for the process and its children. */
  kill(): void {
    killGroup(this.pid);
  }

  /**
   * SIGTERM, then SIGKILL after `graceMs`. Returns the exit code.
   * @throws when the process had to be killed or left a child behind
   */
  async stop(graceMs = PATIENCE_MS): Promise<number> {
    const { inTime, leftover } = await this.end(graceMs);
    const exitCode = await this.exited;
    if (!inTime) throw new Error(`${this.describe()} did not stop within ${graceMs} ms\n${this.output()}`);
    if (leftover) throw new Error(`${this.describe()} left a child process behind\n${this.output()}`);
    return exitCode;
  }

  /** SIGTERM, then SIGKILL after `graceMs` and for children that are left. Says whether there was need for that. */
  async end(graceMs: number): Promise<{ inTime: boolean; leftover: boolean }> {
    this.signal("SIGTERM");
    const inTime = await Promise.race([
      this.#child.exited.then(() => true),
      Bun.sleep(graceMs).then(() => false),
    ]);
    return { inTime, leftover: killGroup(this.pid) };
  }

  /** For `Workspace.own`: stops it whatever its state, quietly when it is over already. */
  async close(): Promise<void> {
    if (this.#over) killGroup(this.pid);
    else await this.stop();
  }

  #feed(input: string | Uint8Array): void {
    const stdin = this.#child.stdin;
    if (!stdin || typeof stdin === "number") return;
    stdin.write(input);
    void stdin.end();
  }

  async #finish(): Promise<number> {
    const exitCode = await this.#child.exited;
    this.#over = true;
    // A grandchild may hold the pipes open; what it says after this is not awaited.
    await Promise.race([Promise.all([this.stdout.ended, this.stderr.ended]), Bun.sleep(3_000)]);
    this.stdout.finish();
    this.stderr.finish();
    return exitCode;
  }

  #story(): string {
    const state = this.#over ? `exited with ${this.#child.exitCode}` : "is running";
    return `${this.describe()} ${state}\n${this.output()}`;
  }

  /** The end of it, for messages. */
  output(): string {
    return `--- stderr\n${this.stderr.text.slice(-8000)}\n--- stdout\n${this.stdout.text.slice(-2000)}`;
  }
}

/**
 * The kernel kills the child when the test run dies, however that ends (util-linux, everywhere on Debian). It becomes
 * the program itself, so the pid stays the same.
 */
const DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"];

/** True when there was something to kill. */
function killGroup(pid: number): boolean {
  try {
    process.kill(-pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

function minimalEnvironment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C",
    ...(process.env.TMPDIR === undefined ? {} : { TMPDIR: process.env.TMPDIR }),
  };
}

function productProcess({ home, env, cwd, input }: ProductOptions): ProcessOptions {
  return {
    cwd: cwd ?? home,
    ...(input === undefined ? {} : { input }),
    env: {
      HOME: home,
      XDG_CONFIG_HOME: join(home, "config"),
      XDG_STATE_HOME: join(home, "state"),
      XDG_DATA_HOME: join(home, "data"),
      XDG_RUNTIME_DIR: join(home, "run"),
      // As root the product would use /etc, /var/lib and /run otherwise.
      SALLYPORT_CONF_DIR: join(home, "conf"),
      SALLYPORT_STATE_DIR: join(home, "state/sallyport"),
      SALLYPORT_RUNTIME_DIR: join(home, "run/sallyport"),
      NO_COLOR: "1",
      ...env,
    },
  };
}
