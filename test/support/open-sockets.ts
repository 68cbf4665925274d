import { readdirSync, readlinkSync } from "node:fs";

/** How many sockets this process has open, listeners included. */
export function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => isSocket(fd)).length;
}

/** Waits until no more sockets are open than that. @throws after 20 s */
export async function untilSocketsAre(count: number): Promise<void> {
  for (let i = 0; i < 1000 && openSockets() > count; i++) await Bun.sleep(20);
  if (openSockets() > count) throw new Error(`${openSockets() - count} sockets were left open`);
}

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
  } catch {
    return false;
  }
}
