import type { Clock } from "../clock.ts";
import type { Systemctl, UnitState } from "./systemctl.ts";

/** How a service came up. `waiting`: it runs or will run again, but it is not ready. */
export interface Verdict {
  outcome: "ready" | "failed" | "waiting";
  /** What the daemon says of itself, or its last log line; empty when nothing is known. */
  reason: string;
}

interface Wait {
  unit: string;
  /** Invocation id from before the start: what still runs with it is the old process, which drains. */
  oldInvocation: string;
  /** There is an old process, which may take this long to end. */
  wasRunning: boolean;
  drainMs: number;
  /** How long the new one gets. */
  patienceMs: number;
  systemd: Systemctl;
  clock: Clock;
  say: (line: string) => void;
}

const LOOK_MS = 500;
const ENDING = "Open connections of the old process get their time to end";

/** Waits until a service that was just told to start is ready, has failed, or its time is over; shows its status. */
export async function waitForService(wait: Wait): Promise<Verdict> {
  const { unit, systemd, clock } = wait;
  let deadline = clock.now() + (wait.wasRunning ? wait.drainMs : 0) + wait.patienceMs;
  let started = false;
  let shown = "";
  /** Why the last attempt ended, if it did. */
  let trouble = "";
  let state: UnitState;
  do {
    state = await systemd.show(unit);
    if (!started && state.invocation !== wait.oldInvocation) {
      started = true;
      deadline = clock.now() + wait.patienceMs;
    }
    if (started && state.active === "active") return { outcome: "ready", reason: state.status };
    if (started && state.active === "failed") return { outcome: "failed", reason: await reason() };
    if (started && state.sub === "auto-restart") trouble = await reason();
    const line = started ? trouble || state.status : wait.wasRunning ? ENDING : "";
    if (line && line !== shown) wait.say(line);
    shown = line;
    await clock.sleep(LOOK_MS);
  } while (clock.now() < deadline);
  return { outcome: "waiting", reason: trouble || state.status || (await reason()) };

  async function reason(): Promise<string> {
    const line = await systemd.lastLine(unit, state.invocation);
    return line || (state.result === "success" ? "" : state.result);
  }
}
