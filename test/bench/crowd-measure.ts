import { z } from "zod";
import { REPOSITORY, type RunningProcess, startProcess } from "../support/processes.ts";
import { stormResult } from "./crowd-load.ts";
import { percentile, rounded } from "./statistics.ts";
import { cpuSeconds, peakRssMB, rssMB } from "./usage.ts";

/** A platform in a process of its own, and whose tokens it knows. */
export interface Scene {
  platform: RunningProcess;
  url: string;
  /** API tokens of people, one of each organisation. */
  people: string[];
  /** Access tokens of gateways. */
  gateways: string[];
}

const LISTS = ["/v2/gateways", "/v1/relays", "/v1/resources", "/v1/audit", "/v1/audit/connections"];
/** Before those that count, so that the code is compiled. */
const WARM_UP = 20;
/** Between two lists during the storm. */
const PAUSE_MS = 50;

/** Milliseconds: of one list after the other, each of another organisation. `cpu` is the platform's own part. */
export async function measureLists({ platform, url, people }: Scene, times: number) {
  const lists: Record<string, { p10: number; p50: number; p99: number; cpu: number; kB: number }> = {};
  for (const path of LISTS) {
    const took: number[] = [];
    let bytes = 0;
    let before = 0;
    for (let i = 0; i < WARM_UP + times; i++) {
      if (i === WARM_UP) before = cpuSeconds(platform.pid);
      const one = await list(url, path, people[i % people.length] ?? "");
      if (i >= WARM_UP) took.push(one.milliseconds);
      bytes = one.bytes;
    }
    const cpu = rounded(((cpuSeconds(platform.pid) - before) * 1000) / times);
    const [p10, p50, p99] = [0.1, 0.5, 0.99].map((share) => rounded(percentile(took, share)));
    lists[path] = { p10: p10 ?? 0, p50: p50 ?? 0, p99: p99 ?? 0, cpu, kB: rounded(bytes / 1000) };
  }
  return lists;
}

/** The heartbeats of all gateways within `seconds`, from a process of its own, while somebody lists gateways. */
export async function measureStorm({ platform, url, people, gateways }: Scene, seconds: number) {
  const before = { cpu: cpuSeconds(platform.pid), rss: rssMB(platform.pid) };
  const load = startProcess([process.execPath, `${REPOSITORY}/test/bench/crowd-load.ts`], {
    // Of one host at a time; 256 unless told.
    env: { BUN_CONFIG_MAX_HTTP_REQUESTS: String(gateways.length + 1) },
    input: JSON.stringify({ url, bearers: gateways, seconds }),
  });
  let isOver = false;
  const lists: number[] = [];
  const listing = (async () => {
    while (!isOver) {
      const { milliseconds, status } = await list(url, "/v2/gateways", people[0] ?? "", [200, 503]);
      if (status === 200) lists.push(milliseconds);
      await Bun.sleep(PAUSE_MS);
    }
  })();
  const code = await load.exited;
  isOver = true;
  await listing;
  if (code !== 0) throw new Error(load.stderr.text);
  return {
    ...stormResult.parse(JSON.parse(load.stdout.text)),
    ...{ listP50: rounded(percentile(lists, 0.5)), listP99: rounded(percentile(lists, 0.99)) },
    cpuSeconds: rounded(cpuSeconds(platform.pid) - before.cpu),
    ...{ rssBeforeMB: rounded(before.rss), rssPeakMB: rounded(peakRssMB(platform.pid)) },
  };
}

async function list(url: string, path: string, token: string, good = [200]) {
  const began = performance.now();
  const response = await fetch(`${url}/api${path}`, { headers: { authorization: `Bearer ${token}` } });
  const { byteLength: bytes } = await response.arrayBuffer();
  const { status } = response;
  if (!good.includes(status)) throw new Error(`GET /api${path}: ${status}`);
  return { milliseconds: performance.now() - began, bytes, status };
}

/** What `crowd-platform.ts` prints. */
export const started = z.object({ url: z.string() });
