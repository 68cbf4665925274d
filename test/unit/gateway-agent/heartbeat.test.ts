import { expect, test } from "bun:test";
import { keepHeartbeat } from "../../../src/gateway/heartbeat.ts";
import { Conditions } from "../../../src/telemetry/conditions.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { recordedLog } from "../../support/recorded-log.ts";

function running(beat: () => Promise<void>) {
  const conditions = new Conditions();
  const clock = new FakeClock();
  const stop = new AbortController();
  const record = recordedLog();
  const done = keepHeartbeat({
    beat,
    conditions: () => conditions.list(),
    signal: stop.signal,
    log: record.log,
    clock,
    random: () => 0.5,
  });
  return { clock, stop, record, done, conditions };
}

test("a heartbeat is sent after 10 s, every 10 s until one succeeds, then every 3 minutes", async () => {
  const times: number[] = [];
  const start = new FakeClock().now();
  const { clock, stop, record, done } = running(async () => {
    times.push((clock.now() - start) / 1000);
    if (times.length < 3) throw new Error("cannot reach it");
  });
  await clock.advance(600_000);
  expect(times.slice(0, 5)).toEqual([10, 20, 30, 210, 390]);
  expect(record.lines.filter((line) => line.includes("Gateway is reachable by Infisical"))).toHaveLength(1);
  stop.abort();
  await done;
  expect(clock.sleeping).toBe(0);
});

test("a platform that fails after a success is asked again in 3 minutes, for ever", async () => {
  let beats = 0;
  const { clock, stop, done } = running(async () => {
    if (++beats > 1) throw new Error("down");
  });
  await clock.advance(10_000 + 180_000 * 5);
  expect(beats).toBe(6);
  stop.abort();
  await done;
});

test("the same failure is logged once a minute, not each time", async () => {
  const { clock, stop, record, done } = running(() => Promise.reject(new Error("down")));
  await clock.advance(120_000);
  expect(record.lines.filter((line) => line.includes("WARN"))).toHaveLength(2);
  stop.abort();
  await done;
});

test("X7 what only the gateway knows is told within 10 s; what befalls many at once waits for its turn", async () => {
  let beats = 0;
  const { clock, stop, done, conditions } = running(async () => void beats++);
  const words = { text: "It is so.", fix: "Do this." };
  await clock.advance(20_000);
  expect(beats).toBe(1);
  conditions.raise("relay edge", "RELAY_UNREACHABLE", words);
  await clock.advance(30_000);
  expect(beats).toBe(1);
  conditions.raise("relay edge", "GATEWAY_DUPLICATE", words);
  await clock.advance(10_000);
  expect(beats).toBe(2);
  conditions.clear("relay edge");
  await clock.advance(10_000);
  expect(beats).toBe(3);
  await clock.advance(160_000);
  expect(beats).toBe(3);
  stop.abort();
  await done;
});
