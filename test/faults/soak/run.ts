import { Workspace } from "../../support/workspace.ts";
import { type Finding, judge, type Sample } from "./judge.ts";
import { openTarget, type Tally, traffic } from "./traffic.ts";
import { buildWorld, type Resident, type World } from "./world.ts";

export interface SoakOptions {
  minutes: number;
  /** One line now and then; nowhere unless told. */
  say?: (line: string) => void;
}

export interface Verdict {
  /** Samples after the warm-up. */
  samples: number;
  tally: Tally;
  findings: { process: string; finding: Finding }[];
}

const ROUND_MS = 9000;
/** From the last connection of a round to the sample: what closes late is closed. */
const QUIET_MS = 2500;
/** Compilers, pools and caches fill up meanwhile; a tenth of a long run. */
const WARM_UP_ROUNDS = 3;

/**
 * Rounds of trouble: clients that come and go, slow readers, aborted connections, half handshakes, gateways that flap,
 * relays that are killed and stopped, certificates that rotate. After each one all is quiet, and what every process that
 * stays holds is sampled.
 */
export async function soak({ minutes, say = () => {} }: SoakOptions): Promise<Verdict> {
  await using workspace = await Workspace.open("soak");
  const world = await buildWorld(workspace, await openTarget(workspace));
  const { platform, relay, gateway, connect } = world;
  const residents = [platform, relay, gateway, connect];
  const series = new Map(residents.map((resident) => [resident, [] as Sample[]]));
  const tally: Tally = {};
  const end = performance.now() + minutes * 60_000;
  for (let round = 0; performance.now() < end; round++) {
    const stop = new AbortController();
    const busy = traffic(world, tally, stop.signal);
    await Promise.all([Bun.sleep(ROUND_MS), disturb(world, round, tally)]);
    stop.abort();
    await busy;
    await Bun.sleep(QUIET_MS);
    for (const [resident, samples] of series) samples.push(await resident.sample());
    if (round % 10 === 0) say(`round ${round}: ${tallied(tally)}`);
  }
  const findings = [...series].flatMap(([{ name }, samples]) =>
    judge(afterWarmUp(samples)).map((finding) => ({ process: name, finding })),
  );
  return { samples: afterWarmUp(series.get(relay) ?? []).length, tally, findings };
}

/** Flaps, restarts and rotations of one round; all is up again at its end. */
async function disturb(world: World, round: number, tally: Tally): Promise<void> {
  const { relay, otherRelay, gateway, flapping, ready } = world;
  const count = (what: string) => {
    tally[what] = (tally[what] ?? 0) + 1;
  };
  const restart = async (resident: Resident, kind: "relay" | "gateway", how: "kill" | "stop") => {
    if (how === "kill") await resident.kill();
    else await resident.process.stop(40_000);
    resident.start();
    await ready(resident, kind);
    count(`${resident.name} ${how === "kill" ? "killed" : "stopped"}`);
  };
  await Bun.sleep(1000);
  await Promise.all([
    restart(flapping, "gateway", round % 2 === 0 ? "kill" : "stop"),
    restart(otherRelay, "relay", round % 3 === 0 ? "stop" : "kill"),
  ]);
  for (const resident of [relay, gateway]) {
    resident.process.signal("SIGHUP");
    count("rotations");
  }
}

function afterWarmUp(samples: Sample[]): Sample[] {
  return samples.slice(Math.max(WARM_UP_ROUNDS, Math.floor(samples.length / 10)));
}

export function tallied(tally: Tally): string {
  return Object.entries(tally)
    .map(([what, times]) => `${times} ${what}`)
    .join(", ");
}

/** Everything that was measured, a line each. */
export function table({ findings }: Verdict): string {
  const rows = findings.map(({ process, finding: { measure, first, last, growth, bound, leaks } }) => [
    process,
    measure,
    ...[first, last, growth, bound].map((value) => value.toFixed(1)),
    leaks ? "GROWS" : "flat",
  ]);
  const all = [["process", "measure", "first", "last", "growth", "bound", "verdict"], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")).join("\n");
}
