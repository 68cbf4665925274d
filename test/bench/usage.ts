import { readFileSync } from "node:fs";

/** Kernel clock ticks per second in /proc (always 100 on Linux's user interface). */
const TICKS = 100;

/** CPU seconds that a process and its ended children have used so far. */
export function cpuSeconds(pid: number): number {
  const fields = (readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop() ?? "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** The same of a process that has others work for it, which are counted too while they live. */
export function cpuSecondsOfAll(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, each) => sum + cpuSeconds(each), 0);
}

export function rssMB(pid: number): number {
  return statusKB(pid, "VmRSS") / 1024;
}

/** The most that the process ever held. */
export function peakRssMB(pid: number): number {
  return statusKB(pid, "VmHWM") / 1024;
}

/** Pids of the direct and indirect children. */
export function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function statusKB(pid: number, field: string): number {
  return Number(
    new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0,
  );
}
