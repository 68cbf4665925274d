import { describe, expect, test } from "bun:test";
import { DescriptorWatch } from "../../../src/host/descriptor-watch.ts";
import { Descriptors } from "../../../src/host/descriptors.ts";
import { Conditions } from "../../../src/telemetry/conditions.ts";
import { RecordingLog } from "../../support/recording-log.ts";

/** A table of which this many are taken, from the lowest number on. */
function table(limit: number | undefined, taken: number) {
  const state = { limit, taken };
  const own = new Descriptors({
    limit: () => state.limit,
    lowestFree: () => (state.limit !== undefined && state.taken >= state.limit ? undefined : state.taken),
  });
  return { state, own };
}

describe("F10 a process of few descriptors", () => {
  test.each([
    [1024, 959, false],
    [1024, 960, true],
    [1024, 1024, true],
    [100, 74, false],
    [100, 75, true],
    [undefined, 1_000_000, false],
  ])("of %p with %d in use: newcomers are turned away: %p", (limit, taken, expected) => {
    const { own } = table(limit, taken);
    expect(own.refuse()).toBe(expected);
    expect(own.takeRefused()).toBe(expected ? 1 : 0);
    expect(own.takeRefused()).toBe(0);
  });

  test("dials until the last one is gone, and then says why it can't", () => {
    const { own, state } = table(100, 99);
    own.requireOne();
    state.taken = 100;
    expect(() => own.requireOne()).toThrow(/ulimit -n/);
  });

  test("takes a limit that is raised while it runs, and keeps the former one when it can't be read", () => {
    const { own, state } = table(100, 80);
    state.limit = 1000;
    own.takeRefused();
    expect(own.areShort).toBe(false);
    state.limit = undefined;
    own.takeRefused();
    expect(own.limit).toBe(1000);
  });

  test("says so once while newcomers keep coming, and when it is over", () => {
    const { own, state } = table(100, 80);
    const conditions = new Conditions();
    const log = new RecordingLog();
    const watch = new DescriptorWatch({ conditions, log, table: own });
    for (let now = 0; now < 60_000; now += 5000) {
      own.refuse();
      watch.look(now);
      expect(conditions.list()).toMatchObject([{ code: "DESCRIPTORS_SHORT", impactsTraffic: true }]);
    }
    state.taken = 10;
    for (let now = 60_000; now < 80_000; now += 5000) watch.look(now);
    expect(conditions.list()).toEqual([]);
    expect(log.entries.map(({ level }) => level)).toEqual(["warn", "info"]);
  });
});
