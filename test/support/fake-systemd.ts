import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceHost } from "../../src/host/service/host.ts";
import type { Ran } from "../../src/host/service/run-command.ts";

/** How a unit behaves from its next start on: what `systemctl show` says, one entry per half second, the last for ever. */
export type Course = {
  active: string;
  sub?: string;
  status?: string;
  result?: string;
  invocation?: string;
}[];

interface Unit {
  course: Course;
  at: number;
  enabled: boolean;
  pid: number;
  invocation: string;
}

/** systemctl and journalctl of a machine that is a directory, and a clock that moves when somebody waits. */
export class FakeSystemd {
  readonly calls: string[] = [];
  readonly said: string[] = [];
  version = "systemd 252 (252.38-1~deb12u1)";
  /** Verbs that fail, with what they say. */
  readonly broken = new Map<string, string>();
  /** What units do when they start, by name. */
  readonly courses = new Map<string, Course>();
  lastLine = "";
  onStart: (unit: string) => Promise<void> | void = () => undefined;
  readonly #units = new Map<string, Unit>();
  #now = Date.parse("2026-01-01T00:00:00Z");
  #starts = 0;

  constructor(readonly root: string) {}

  static async open(root: string): Promise<FakeSystemd> {
    for (const directory of ["etc/systemd/system", "run/systemd/system", "usr/local/bin"]) {
      await mkdir(join(root, directory), { recursive: true });
    }
    const systemd = new FakeSystemd(root);
    await systemd.putProgram("one");
    return systemd;
  }

  /** A new file at the place where the product is installed. */
  async putProgram(content: string): Promise<void> {
    await writeFile(this.program, content);
    await chmod(this.program, 0o755);
  }

  get program(): string {
    return join(this.root, "usr/local/bin/sallyport");
  }

  /** A unit that was there before. */
  put(unit: string, state: { active?: string; enabled?: boolean }): void {
    const { active = "active", enabled = true } = state;
    const running = active === "active";
    this.#units.set(unit, {
      course: [{ active }],
      at: 0,
      enabled,
      pid: running ? 99 : 0,
      invocation: "before",
    });
  }

  unit(name: string): { active: string; enabled: boolean } {
    const unit = this.#unit(name);
    return { active: stateOf(unit).active, enabled: unit.enabled };
  }

  host(env: Record<string, string> = {}): ServiceHost {
    return {
      platform: "linux",
      machine: { env, uid: 0, home: "/nobody" },
      root: this.root,
      program: { compiled: true, path: "/usr/local/bin/sallyport" },
      run: (command) => this.run(command),
      clock: {
        now: () => this.#now,
        sleep: async (milliseconds) => {
          this.#now += milliseconds;
          for (const unit of this.#units.values()) unit.at++;
        },
      },
      say: (line) => this.said.push(line),
    };
  }

  async run(command: string[]): Promise<Ran> {
    const [program = "", ...words] = command;
    if (program === "journalctl") return ran(0, this.lastLine);
    if (words[0] === "--version") return this.version ? ran(0, `${this.version}\n`) : ran(127);
    const verb = words[0] ?? "";
    const name = words.at(-1) ?? "";
    if (verb !== "show")
      this.calls.push([verb, ...words.slice(1).filter((word) => !word.startsWith("-"))].join(" "));
    const fault = this.broken.get(verb);
    if (fault !== undefined) return ran(1, "", fault);
    if (verb === "show") return ran(0, this.#show(name));
    const unit = this.#unit(name);
    if (verb === "enable") unit.enabled = true;
    if (verb === "disable") unit.enabled = false;
    if (verb === "stop") Object.assign(unit, { course: [{ active: "inactive" }], at: 0, pid: 0 });
    if (verb === "restart") await this.#start(name, unit);
    return ran(0);
  }

  async #start(name: string, unit: Unit): Promise<void> {
    const invocation = `start-${++this.#starts}`;
    const course = this.courses.get(name) ?? [{ active: "active", status: "1 of 1 tunnels up: r1" }];
    Object.assign(unit, { course, at: 0, pid: 100 + this.#starts, invocation });
    await this.onStart(name);
  }

  #show(name: string): string {
    const unit = this.#unit(name);
    const { active, sub = "", status = "", result = "success", invocation = unit.invocation } = stateOf(unit);
    return [
      `Result=${result}`,
      `StatusText=${status}`,
      `MainPID=${unit.pid}`,
      `ActiveState=${active}`,
      `SubState=${sub}`,
      `UnitFileState=${unit.enabled ? "enabled" : "disabled"}`,
      `InvocationID=${invocation}`,
      "",
    ].join("\n");
  }

  #unit(name: string): Unit {
    let unit = this.#units.get(name);
    if (!unit) {
      unit = { course: [{ active: "inactive" }], at: 0, enabled: false, pid: 0, invocation: "" };
      if (name.endsWith(".service")) this.#units.set(name, unit);
    }
    return unit;
  }
}

function stateOf({ course, at }: Unit) {
  return course[Math.min(at, course.length - 1)] ?? { active: "inactive" };
}

function ran(exitCode: number, stdout = "", stderr = ""): Ran {
  return { exitCode, stdout, stderr };
}
