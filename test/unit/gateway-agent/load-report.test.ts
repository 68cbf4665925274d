import { expect, test } from "bun:test";
import { keepLoadReports } from "../../../src/gateway/load-report.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function running(report: (activeChannels: number, now: number) => Promise<number | null>) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const options = {
    count: () => 7,
    report: (n: number) => report(n, clock.now()),
    signal: stop.signal,
    log: silentLogger,
    clock,
  };
  return { clock, stop, done: keepLoadReports({ ...options, random: () => 0.5 }) };
}

test("the load is told at once, and then when the platform wants it, every 10 s where it does not say", async () => {
  const times: number[] = [];
  const start = new FakeClock().now();
  const { clock, stop, done } = running(async (count, now) => {
    expect(count).toBe(7);
    times.push((now - start) / 1000);
    return times.length < 3 ? 60 : null;
  });
  await clock.advance(150_000);
  expect(times).toEqual([0, 60, 120, 130, 140, 150]);
  stop.abort();
  await done;
  expect(clock.sleeping).toBe(0);
});

test("a platform that fails is asked again in a minute; one that does not know the call, never", async () => {
  let reports = 0;
  const { clock, done } = running(async () => {
    if (++reports === 1) throw new Error("down");
    throw new SallyportError("NOT_FOUND", "There is nothing at this address.");
  });
  await clock.advance(53_000);
  expect(reports).toBe(1);
  await clock.advance(600_000);
  await done;
  expect(reports).toBe(2);
});
