import { SallyportError } from "../../telemetry/error.ts";
import type { Ran, Run } from "./run-command.ts";

/** What systemd says of a unit (systemctl show). */
export interface UnitState {
  /** `active`, `activating`, `deactivating`, `inactive`, `failed`. */
  active: string;
  /** `running`, `start`, `auto-restart`, `dead` ... */
  sub: string;
  /** STATUS= of the daemon; empty where it said nothing. */
  status: string;
  /** `success`, `exit-code`, `watchdog` ... */
  result: string;
  enabled: boolean;
  /** 0 when it does not run. */
  mainPid: number;
  /** Another one each time that the unit starts. */
  invocation: string;
}

const PROPERTIES = [
  "ActiveState",
  "SubState",
  "StatusText",
  "Result",
  "UnitFileState",
  "MainPID",
  "InvocationID",
];

/** systemd, by way of its command line. Every method throws SERVICE_FAILED with what systemctl says. */
export class Systemctl {
  constructor(private readonly run: Run) {}

  /** 252, for example; undefined where there is no systemctl. */
  async version(): Promise<number | undefined> {
    const { exitCode, stdout } = await this.run(["systemctl", "--version"]);
    const version = /^systemd (\d{1,4})/.exec(stdout)?.[1];
    return exitCode === 0 && version ? Number(version) : undefined;
  }

  /** Unknown units are `inactive`. */
  async show(unit: string): Promise<UnitState> {
    const { stdout } = await this.#must("show", `--property=${PROPERTIES.join(",")}`, "--", unit);
    const values = new Map(
      stdout.split("\n").map((line) => {
        const equals = line.indexOf("=");
        return [line.slice(0, equals), line.slice(equals + 1)] as const;
      }),
    );
    const value = (name: string) => values.get(name) ?? "";
    return {
      active: value("ActiveState"),
      sub: value("SubState"),
      status: value("StatusText"),
      result: value("Result"),
      enabled: value("UnitFileState") === "enabled",
      mainPid: Number(value("MainPID")) || 0,
      invocation: value("InvocationID"),
    };
  }

  async reload(): Promise<void> {
    await this.#must("daemon-reload");
  }

  async enable(unit: string): Promise<void> {
    await this.#must("enable", "--quiet", "--", unit);
  }

  async disable(unit: string): Promise<void> {
    await this.#must("disable", "--quiet", "--", unit);
  }

  /** Starts it, or starts it anew; does not wait for it to be ready. */
  async restart(unit: string): Promise<void> {
    await this.#must("restart", "--no-block", "--", unit);
  }

  /** Waits until it has stopped. */
  async stop(unit: string): Promise<void> {
    await this.#must("stop", "--", unit);
  }

  /** Forgets that it failed, if it did. */
  async forgetFailure(unit: string): Promise<void> {
    await this.run(["systemctl", "reset-failed", "--", unit]);
  }

  /** The last line that this run of the service logged, or what systemd says of it; empty where there is no journal. */
  async lastLine(unit: string, invocation: string): Promise<string> {
    const last = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=1"];
    // What a process said right before its end may still be on its way.
    await this.run(["journalctl", "--sync"]);
    const own = await this.run([...last, `_SYSTEMD_INVOCATION_ID=${invocation}`]);
    const { stdout } = own.stdout.trim() ? own : await this.run([...last, `--unit=${unit}`]);
    return stdout.trim();
  }

  async #must(verb: string, ...args: string[]): Promise<Ran> {
    const ran = await this.run(["systemctl", verb, ...args]);
    if (ran.exitCode === 0) return ran;
    const said = ran.stderr.replace(/\s+/g, " ").trim().slice(0, 400);
    throw new SallyportError(
      "SERVICE_FAILED",
      `"systemctl ${[verb, ...args.filter((arg) => !arg.startsWith("-"))].join(" ")}" failed: ${said || `exit code ${ran.exitCode}`}`,
    );
  }
}
