import type { Path } from "./baselines.ts";
import { type Generator, startGenerator } from "./generator.ts";
import type { Task } from "./measure.ts";
import { cpuSecondsOfAll, peakRssMB } from "./usage.ts";

/** Connecting before anything is measured: a relay and a gateway that have run for a day have long been compiled. */
const WARM_UP_MS = 3000;

/** How much is measured. Every round does everything once on each path, so that all meet the same machine. */
export interface Plan {
  rounds: number;
  /** Bytes per transfer. */
  bytes: number;
  /** Connections per round whose time to the first byte is taken, and bytes sent back and forth on each. */
  connections: number;
  pings: number;
}

export interface Samples {
  upMBps: number[];
  downMBps: number[];
  streams100MBps: number[];
  connectMs: number[];
  rttMs: number[];
  /** CPU seconds per GB downstream on one stream, by role. */
  cpuPerGB: Record<string, number[]>;
  /** Highest resident memory at the end, by role. */
  peakRssMB: Record<string, number>;
}

/** Measures the paths in alternation and hands back every sample. */
export async function measureInRounds<Name extends string>(
  paths: Record<Name, Path>,
  plan: Plan,
  progress: (text: string) => void,
): Promise<Record<Name, Samples>> {
  const names = Object.keys(paths) as Name[];
  const started = await Promise.all(names.map((name) => startMeasured(paths[name])));
  const measured = Object.fromEntries(names.map((name, i) => [name, started[i]])) as Record<Name, Measured>;
  try {
    for (const name of names) await measured[name].warmUp();
    for (let round = 1; round <= plan.rounds; round++) {
      for (const name of names) {
        progress(`round ${round} of ${plan.rounds}: ${name}`);
        await measured[name].round(plan);
      }
    }
    return Object.fromEntries(names.map((name) => [name, measured[name].finish()])) as Record<Name, Samples>;
  } finally {
    for (const one of started) one.close();
  }
}

interface Measured {
  warmUp(): Promise<void>;
  round(plan: Plan): Promise<void>;
  finish(): Samples;
  close(): void;
}

async function startMeasured(path: Path): Promise<Measured> {
  const generator = await startGenerator(path.spec);
  const roles: Record<string, () => number> = { client: () => generator.pid, ...path.processes };
  const samples: Samples = {
    upMBps: [],
    downMBps: [],
    streams100MBps: [],
    connectMs: [],
    rttMs: [],
    cpuPerGB: Object.fromEntries(Object.keys(roles).map((role) => [role, []])),
    peakRssMB: {},
  };
  return {
    async warmUp() {
      const bytes = 16e6;
      await transfer(generator, { kind: "up", bytes, streams: 1 });
      await transfer(generator, { kind: "down", bytes, streams: 1 });
      const end = performance.now() + WARM_UP_MS;
      while (performance.now() < end) await generator.run({ kind: "latency", connections: 20, pings: 5 });
    },
    async round({ bytes, connections, pings }) {
      samples.upMBps.push(await transfer(generator, { kind: "up", bytes, streams: 1 }));
      const before = cpuOf(roles);
      samples.downMBps.push(await transfer(generator, { kind: "down", bytes, streams: 1 }));
      const after = cpuOf(roles);
      for (const [role, list] of Object.entries(samples.cpuPerGB)) {
        list.push(((after[role] ?? 0) - (before[role] ?? 0)) / (bytes / 1e9));
      }
      samples.streams100MBps.push(await transfer(generator, { kind: "down", bytes, streams: 100 }));
      const { connectMs, rttMs } = await generator.run({ kind: "latency", connections, pings });
      samples.connectMs.push(...connectMs);
      samples.rttMs.push(...rttMs);
    },
    finish() {
      for (const [role, pid] of Object.entries(roles)) samples.peakRssMB[role] = peakRssMB(pid());
      return samples;
    },
    close: () => generator.close(),
  };
}

async function transfer(generator: Generator, task: Task & { bytes: number }): Promise<number> {
  const { ms } = await generator.run(task);
  return task.bytes / 1e6 / (ms / 1000);
}

function cpuOf(roles: Record<string, () => number>): Record<string, number> {
  return Object.fromEntries(Object.entries(roles).map(([role, pid]) => [role, cpuSecondsOfAll(pid())]));
}
