import { z } from "zod";
import { percentile, rounded } from "./statistics.ts";

/**
 * A process that is many gateways: the heartbeat of each, within `seconds`, on a connection of its own. Who is turned
 * away comes back after 10 s, as gateways do. Takes its order on stdin, prints a `StormResult`.
 */
const order = z.object({ url: z.string(), bearers: z.array(z.string()), seconds: z.number() });
type Order = z.infer<typeof order>;

export const stormResult = z.object({
  /** Until the last one had its answer. */
  seconds: z.number(),
  /** 503 with Retry-After; they came back. */
  turnedAway: z.int(),
  /** No connection, or broken off; the same. */
  lost: z.int(),
  /** Answered otherwise, or given up. */
  failed: z.int(),
  /** The first of them. */
  failure: z.string().optional(),
  /** Milliseconds of the requests that were answered with 200. */
  requestP50: z.number(),
  requestP99: z.number(),
  /** Seconds from a gateway's first attempt to its 200. */
  answeredP50: z.number(),
  answeredP99: z.number(),
});

type StormResult = z.infer<typeof stormResult>;

/** PROTOCOL E: every 10 s until the first success. */
const AGAIN_MS = 10_000;
const ATTEMPTS = 30;

async function storm({ url, bearers, seconds: within }: Order): Promise<StormResult> {
  const requests: number[] = [];
  const answered: number[] = [];
  const counts = { turnedAway: 0, lost: 0, failed: 0 };
  let failure: string | undefined;
  const gateway = async (bearer: string) => {
    await Bun.sleep(Math.random() * within * 1000);
    const first = performance.now();
    const instance = crypto.randomUUID();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const asked = performance.now();
      const { status, text, retryAfter } = await beat(url, bearer, instance);
      if (status === 200) {
        requests.push(performance.now() - asked);
        answered.push((performance.now() - first) / 1000);
        return;
      }
      if (status === 503 && retryAfter !== null) counts.turnedAway++;
      else if (status === 0) counts.lost++;
      else {
        failure ??= `${status} ${text}`;
        break;
      }
      await Bun.sleep(AGAIN_MS);
    }
    counts.failed++;
  };
  const began = performance.now();
  await Promise.all(bearers.map(gateway));
  const seconds = (performance.now() - began) / 1000;
  const at = (all: number[], share: number) => rounded(percentile(all, share));
  return {
    ...{ seconds: rounded(seconds), ...counts },
    ...(failure !== undefined && { failure }),
    ...{ requestP50: at(requests, 0.5), requestP99: at(requests, 0.99) },
    ...{ answeredP50: at(answered, 0.5), answeredP99: at(answered, 0.99) },
  };
}

/** Status 0 = there was no answer. */
async function beat(url: string, bearer: string, instance: string) {
  const report = { instance, version: "0.1.0", time: new Date().toISOString(), conditions: [] };
  try {
    const response = await fetch(`${url}/api/v2/gateways/heartbeat`, {
      method: "POST",
      keepalive: false,
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      body: JSON.stringify({ report }),
    });
    const { status, headers } = response;
    return { status, text: await response.text(), retryAfter: headers.get("retry-after") };
  } catch {
    return { status: 0, text: "", retryAfter: null };
  }
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await storm(order.parse(await Bun.stdin.json())))}\n`);
}
