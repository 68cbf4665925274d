import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { LONGEST_MS } from "../../src/client/follow-platform.ts";
import { keepHeartbeat } from "../../src/gateway/heartbeat.ts";
import { keepLoadReports } from "../../src/gateway/load-report.ts";
import { PlatformSource } from "../../src/gateway/platform-source.ts";
import { PlatformClient } from "../../src/platform-client/client.ts";
import { followEvents } from "../../src/platform-client/event-stream.ts";
import { generateOwnKeys } from "../../src/platform-client/own-keys.ts";
import { Conditions } from "../../src/telemetry/conditions.ts";
import { SallyportError } from "../../src/telemetry/error.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { fullJitter } from "../../src/tunnel/backoff.ts";
import { DatabaseHost, TestPlatform } from "../support/platform.ts";
import { TickingClock } from "../support/ticking-clock.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

const AGENTS = 200;
/** An organisation has 50 gateways at most. */
const AGENTS_OF_ONE = 40;
const MINUTE = 60_000;
/** Load is counted over so long. */
const WINDOW_MS = 30_000;

let host: DatabaseHost;
let platform: TestPlatform;
let clock: TickingClock;
let isAway = false;
const stop = new AbortController();
/** Every request that reached the platform, by what it was, in milliseconds of the clock. */
const requests: { at: number; what: string; status: number }[] = [];
const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();

beforeAll(async () => {
  host = await DatabaseHost.open();
  platform = await TestPlatform.open(host, "sqlite");
  clock = new TickingClock(platform.time.getTime());
  const keys = await generateOwnKeys();
  const own = { generateKeys: async () => keys, random: seeded(15) };
  for (let i = 0; i < AGENTS / AGENTS_OF_ONE; i++) {
    const tenant = await platform.tenant(`acme-${i}`);
    const relay = await platform.relay(tenant, "edge");
    await platform.call("POST", "/v2/relays/connect", { token: relay.token });
    for (let j = 0; j < AGENTS_OF_ONE; j++) {
      const { token } = await platform.gateway(tenant, `g-${j}`);
      agents.push(agent(token, own));
    }
  }
});
afterAll(async () => {
  stop.abort();
  for (const { source } of agents) source.close();
  await platform.close();
  await host.close();
});

const agents: { source: PlatformSource; run(): void }[] = [];

/** What of a gateway talks to the platform: certificates, heartbeats, load and events, at the product's own pace. */
function agent(
  token: string,
  own: { generateKeys: () => ReturnType<typeof generateOwnKeys>; random: () => number },
) {
  const { random } = own;
  const client = new PlatformClient({
    domain: "https://platform.example",
    token: () => token,
    fetch: (url, init) => clock.during(() => answer(new Request(url, init))),
  });
  const source = new PlatformSource({
    platform: {
      gatewayConnect: (body, ask) => client.gatewayAgent.connect(body, ask),
      listRelays: async () => [],
    },
    gatewayName: "site",
    relays: [],
    measure: async () => 1,
    cache: { read: async () => undefined, write: async () => {}, close() {} },
    log: silentLogger,
    clock,
    ...own,
  });
  const { signal } = stop;
  const common = { signal, log: silentLogger, clock, random };
  return {
    source,
    run() {
      const conditions = new Conditions();
      void source.load();
      void keepHeartbeat({
        ...common,
        conditions: () => conditions.list(),
        beat: () => client.gatewayAgent.heartbeat(),
      });
      void keepLoadReports({ ...common, count: () => 0, report: (n) => client.gatewayAgent.reportLoad(n) });
      void followEvents({
        ...{ signal, log: silentLogger, clock },
        open: async () => eventStream(),
        handler: { event() {}, snapshot() {} },
        backoff: fullJitter({ capMs: LONGEST_MS.gateway, random }),
      });
    },
  };
}

async function answer(request: Request): Promise<Response> {
  if (isAway) throw away();
  const response = await platform.api.fetch(request, "192.0.2.1");
  const what = new URL(request.url).pathname.split("/").at(-1) ?? "";
  requests.push({ at: clock.now(), what, status: response.status });
  return response;
}

/** The platform's own streams live by its real clock; these have its pace. */
function eventStream(): ReadableStream<Uint8Array> {
  if (isAway) throw away();
  requests.push({ at: clock.now(), what: "events", status: 200 });
  return new ReadableStream({
    start(controller) {
      streams.add(controller);
    },
    cancel() {},
  });
}

function away(): SallyportError {
  return new SallyportError("PLATFORM_UNREACHABLE", "away");
}

/** Time passes for everybody. */
async function pass(minutes: number): Promise<void> {
  await clock.pass(minutes * MINUTE, () => {
    platform.pass(clock.now() - platform.time.getTime());
    if (clock.now() % 15_000 < 1000) for (const stream of streams) stream.enqueue(COMMENT);
  });
}

const COMMENT = new TextEncoder().encode(":\n\n");

/** The same dice each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** Requests in each window from a time on. */
function windows(from: number, until: number): number[] {
  const counts: number[] = [];
  for (let start = from; start + WINDOW_MS <= until; start += WINDOW_MS) {
    counts.push(requests.filter(({ at }) => at > start && at <= start + WINDOW_MS).length);
  }
  return counts;
}

test("F15 two hundred gateways that all need certificates after an outage: at most twice the usual load, spread", async () => {
  for (const { run } of agents) {
    run();
    await pass(1 / 60);
  }
  await pass(1);
  const usualFrom = clock.now();
  await pass(4);
  const usual = windows(usualFrom, clock.now());
  const mean = usual.reduce((sum, count) => sum + count, 0) / usual.length;
  // Four requests in three minutes: three reports of load and one heartbeat.
  expect(mean).toBeGreaterThan(AGENTS * (WINDOW_MS / MINUTE));

  isAway = true;
  for (const stream of streams) stream.close();
  streams.clear();
  // Told so by something that all of them saw.
  for (const { source } of agents) source.renew();
  await pass(8);
  expect(windows(clock.now() - 7 * MINUTE, clock.now()).every((count) => count === 0)).toBe(true);

  isAway = false;
  const back = clock.now();
  requests.length = 0;
  await pass(4);
  const after = windows(back, clock.now());
  const connects = requests.filter(({ what }) => what === "connect").map(({ at }) => at - back);
  console.log(`usual ${mean.toFixed(0)} in 30 s; after the outage ${after.join(", ")}`);
  expect(connects).toHaveLength(AGENTS);
  expect(requests.filter(({ status }) => status >= 400)).toEqual([]);
  expect(Math.max(...after)).toBeLessThanOrEqual(2 * mean);
  // No moment of their own either: no second has more than a twentieth of them.
  const perSecond = Map.groupBy(connects, (at) => Math.floor(at / 1000));
  expect(Math.max(...[...perSecond.values()].map((all) => all.length))).toBeLessThan(AGENTS / 20);
  expect(Math.max(...connects)).toBeLessThanOrEqual(181_000);
});
