import { expect, test } from "bun:test";
import { sendHeartbeats } from "../../../src/relay/heartbeat.ts";
import { createLogger } from "../../../src/telemetry/log.ts";
import { FakeClock } from "../../support/fake-clock.ts";

test("F15 heartbeats come every 10 s until the platform reached the relay, then every 30 min, spread after failures", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const lines: string[] = [];
  const log = createLogger({ format: "json", write: (line) => lines.push(JSON.parse(line).message) });
  const start = clock.now();
  const calls: number[] = [];
  let reachable = false;
  const done = sendHeartbeats({
    clock,
    log,
    random: () => 0.5,
    conditions: () => [],
    signal: stop.signal,
    call: () => {
      calls.push((clock.now() - start) / 1000);
      return reachable ? Promise.resolve() : Promise.reject(new Error("no route"));
    },
  });
  await clock.advance(25_000);
  expect(calls).toEqual([0, 10, 20]);
  reachable = true;
  await clock.advance(5_000 + 30 * 60_000);
  expect(calls).toEqual([0, 10, 20, 30, 1830]);
  reachable = false;
  await clock.advance(30 * 60_000 + 15_000);
  expect(calls.slice(5)).toEqual([3630, 3645]);
  expect(lines).toEqual(["The heartbeat failed", "Relay is reachable by Infisical", "The heartbeat failed"]);
  stop.abort();
  await done;
});
