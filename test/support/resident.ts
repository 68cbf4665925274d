import { readFileSync } from "node:fs";

/** The most memory that a process ever had resident, in bytes (VmHWM in proc_pid_status(5)). */
export function peakResident(pid: number): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (!match) throw new Error(`No VmHWM for process ${pid}`);
  return Number(match[1]) * 1024;
}
