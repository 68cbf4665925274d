import { expect, test } from "bun:test";
import { Spread } from "../../../src/host/spread.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function prepare(...drawn: number[]) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const acts: number[] = [];
  const began = clock.now();
  const spread = new Spread({
    act: () => acts.push(clock.now() - began),
    clock,
    random: () => drawn.shift() ?? 0,
    signal: stop.signal,
  });
  return { clock, stop, acts, spread };
}

test("F15 it acts once, somewhere within the time", async () => {
  const { clock, acts, spread } = prepare(0.25);
  spread.within(40_000);
  await clock.advance(9_999);
  expect(acts).toEqual([]);
  await clock.advance(60_000);
  expect(acts).toEqual([10_000]);
});

test("told again before that, it acts once, at the earlier moment", async () => {
  const { clock, acts, spread } = prepare(0.5, 0.1, 0.9);
  spread.within(40_000);
  spread.within(40_000);
  spread.within(40_000);
  await clock.advance(60_000);
  expect(acts).toEqual([4_000]);
});

test("told again afterwards, it acts again; ended, never", async () => {
  const { clock, acts, spread, stop } = prepare(0.5, 0.5, 0.5);
  spread.within(2_000);
  await clock.advance(2_000);
  spread.within(2_000);
  await clock.advance(2_000);
  spread.within(2_000);
  stop.abort();
  await clock.advance(2_000);
  expect(acts).toHaveLength(2);
});
