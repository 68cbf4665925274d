import { type Clock, systemClock } from "../clock.ts";
import { type Machine, thisMachine } from "../paths.ts";
import { type Program, thisProgram } from "./executable.ts";
import { type Run, runCommand } from "./run-command.ts";

/** The machine that services are installed on, as far as it is touched. */
export interface ServiceHost {
  platform: NodeJS.Platform;
  machine: Machine;
  /** Put before every path that is written or looked at: empty but in tests. */
  root: string;
  program: Program;
  run: Run;
  clock: Clock;
  /** A line for the person at the terminal. */
  say: (line: string) => void;
}

export function thisHost(say: (line: string) => void): ServiceHost {
  return {
    platform: process.platform,
    machine: thisMachine(),
    root: "",
    program: thisProgram(),
    run: runCommand,
    clock: systemClock,
    say,
  };
}
