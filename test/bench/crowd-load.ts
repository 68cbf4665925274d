import { z } from "zod";
import { percentile, rounded } from "./statistics.ts";

/** Retry-After says the least; ours take up to ten times as long. */
const RETRY_MS = { least: 1000, more: 4000 };
const ATTEMPTS = 100;

const order = z.object({ url: z.string(), bearers: z.array(z.string()), listed: z.string() });

export const stormResult = z.object({
  seconds: z.number(),
  heartbeatsPerSecond: z.number(),
  requestsPerSecond: z.number(),
  /** 503 with Retry-After; they came back. */
  turnedAway: z.int(),
  /** No connection, or broken off; the same. */
  lost: z.int(),
  /** Answered otherwise, or given up. */
  failed: z.int(),
  /** The first of them. */
  failure: z.string().optional(),
  /** Milliseconds from a gateway's first attempt to its 200, and of the requests that got it. */
  answeredP50: z.number(),
  answeredP99: z.number(),
  requestP50: z.number(),
  requestP99: z.number(),
  /** Lists of one organisation at the same time. */
  listP50: z.number(),
  listP99: z.number(),
});

/** The heartbeat of every gateway, all at once; who is turned away comes back when it was told to. */
async function storm({ url, bearers, listed }: z.infer<typeof order>): Promise<z.infer<typeof stormResult>> {
  const answered: number[] = [];
  const requested: number[] = [];
  const lists: number[] = [];
  const counts = { requests: 0, turnedAway: 0, lost: 0, failed: 0 };
  let failure: string | undefined;
  const ask = async (method: string, path: string, token: string, body?: object) => {
    const asked = performance.now();
    counts.requests++;
    try {
      const response = await fetch(`${url}/api${path}`, {
        method,
        keepalive: false,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, text, took: performance.now() - asked };
    } catch {
      return { status: 0, text: "", took: 0 };
    }
  };
  const beat = async (token: string) => {
    const first = performance.now();
    const instance = crypto.randomUUID();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const report = { instance, version: "0.1.0", time: new Date().toISOString(), conditions: [] };
      const { status, text, took } = await ask("POST", "/v2/gateways/heartbeat", token, { report });
      if (status === 200) {
        answered.push(performance.now() - first);
        return void requested.push(took);
      }
      if (status === 503) counts.turnedAway++;
      else if (status === 0) counts.lost++;
      else {
        failure ??= `${status} ${text}`;
        break;
      }
      await Bun.sleep(RETRY_MS.least + Math.random() * RETRY_MS.more);
    }
    counts.failed++;
  };
  let over = false;
  const list = async () => {
    while (!over) {
      const { status, took } = await ask("GET", "/v2/gateways", listed);
      if (status === 200) lists.push(took);
      await Bun.sleep(50);
    }
  };
  const listing = list();
  const began = performance.now();
  await Promise.all(bearers.map(beat));
  const seconds = (performance.now() - began) / 1000;
  over = true;
  await listing;
  const { requests, ...rest } = counts;
  const at = (all: number[], share: number) => rounded(percentile(all, share));
  return {
    seconds: rounded(seconds),
    heartbeatsPerSecond: rounded(answered.length / seconds),
    requestsPerSecond: rounded(requests / seconds),
    ...rest,
    ...(failure !== undefined && { failure }),
    ...{ answeredP50: at(answered, 0.5), answeredP99: at(answered, 0.99) },
    ...{ requestP50: at(requested, 0.5), requestP99: at(requested, 0.99) },
    ...{ listP50: at(lists, 0.5), listP99: at(lists, 0.99) },
  };
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await storm(order.parse(await Bun.stdin.json())))}\n`);
}
