import type { Path } from "./baselines.ts";
import { startGenerator } from "./generator.ts";
import { rounded } from "./statistics.ts";
import { rssMB } from "./usage.ts";

export interface SlowConsumer {
  streams: number;
  /** Resident memory in MB by role: before, and at most while nobody took a byte. */
  beforeMB: Record<string, number>;
  peakMB: Record<string, number>;
}

/** Downloads that nobody reads: what do relay and gateway hold for them? */
export async function slowConsumers(path: Path, streams: number, seconds: number): Promise<SlowConsumer> {
  const generator = await startGenerator(path.spec);
  try {
    const beforeMB = memory(path);
    const peakMB = { ...beforeMB };
    const sampling = setInterval(() => {
      for (const [role, now] of Object.entries(memory(path))) {
        peakMB[role] = Math.max(peakMB[role] ?? 0, now);
      }
    }, 50);
    await generator
      .run({ kind: "stall", streams, bytes: 1e9, seconds })
      .finally(() => clearInterval(sampling));
    return { streams, beforeMB, peakMB };
  } finally {
    generator.close();
  }
}

export interface LongLine {
  upMBps: number;
  downMBps: number;
}

/** One stream each way over a path that has a long line in it, the growing of the windows included. */
export async function longLine(path: Path, bytes: number): Promise<LongLine> {
  const generator = await startGenerator(path.spec);
  const speed = async (kind: "up" | "down") => {
    const { ms } = await generator.run({ kind, bytes, streams: 1 });
    return rounded(bytes / 1e6 / (ms / 1000));
  };
  try {
    return { upMBps: await speed("up"), downMBps: await speed("down") };
  } finally {
    generator.close();
  }
}

/** What relay and gateway let one gateway open at once, and how long it takes to earn it back (200 a second). */
const BURST = 500;
const REST_MS = 3000;

/** Tunnels opened per second, `parallel` at a time, each until its first byte is back; one burst of them. */
export async function opensPerSecond(path: Path, parallel: number): Promise<number> {
  const generator = await startGenerator(path.spec);
  try {
    const count = BURST - parallel;
    await generator.run({ kind: "opens", count: parallel, parallel });
    await Bun.sleep(REST_MS);
    const { ms } = await generator.run({ kind: "opens", count, parallel });
    return rounded(count / (ms / 1000));
  } finally {
    generator.close();
  }
}

function memory(path: Path): Record<string, number> {
  return Object.fromEntries(
    Object.entries(path.processes).map(([role, pid]) => [role, rounded(rssMB(pid()))]),
  );
}
