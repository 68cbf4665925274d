import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { sleepFor, sleepUntil, systemClock } from "../../../src/host/clock.ts";
import { onShutdown } from "../../../src/host/signals.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { FakeClock } from "../../support/fake-clock.ts";

class Host extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

describe("onShutdown", () => {
  test("O4 the first signal drains, and then the command may return", async () => {
    const host = new Host();
    let drained = false;
    const done = onShutdown(
      async () => {
        await Promise.resolve();
        drained = true;
      },
      { log: silentLogger, host },
    );
    host.emit("SIGTERM");
    await done;
    expect(drained).toBe(true);
    expect(host.exits).toEqual([]);
    expect(host.listenerCount("SIGTERM") + host.listenerCount("SIGINT")).toBe(0);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("O4 a second %s exits %i at once and drains only once", async (signal, code) => {
    const host = new Host();
    let drains = 0;
    let now = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = onShutdown(
      () => {
        drains++;
        return promise;
      },
      { log: silentLogger, host, now: () => now },
    );
    host.emit("SIGTERM");
    now += 100;
    host.emit(signal);
    expect(host.exits).toEqual([code]);
    expect(drains).toBe(1);
    resolve();
    await done;
  });

  test("O4 a signal that npx passes on as well is one, another kind of signal is a second one", async () => {
    const host = new Host();
    let now = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = onShutdown(() => promise, { log: silentLogger, host, now: () => now });
    host.emit("SIGTERM");
    now += 99;
    host.emit("SIGTERM");
    expect(host.exits).toEqual([]);
    host.emit("SIGINT");
    expect(host.exits).toEqual([130]);
    resolve();
    await done;
  });

  test("a drain that fails is passed on", async () => {
    const host = new Host();
    const done = onShutdown(() => Promise.reject(new Error("stuck")), { log: silentLogger, host });
    host.emit("SIGINT");
    await expect(done).rejects.toThrow("stuck");
  });
});

describe("clock", () => {
  test("F4 a wait until a wall-clock time ends within 15 s of a jump over it", async () => {
    const clock = new FakeClock();
    let woke = false;
    const waiting = sleepUntil(clock, clock.now() + 3_600_000).then(() => {
      woke = true;
    });
    await clock.advance(1000);
    clock.jump(7_200_000);
    await clock.advance(15_000);
    expect(woke).toBe(true);
    await waiting;
  });

  test("F4 a wait for so long ends in time when the clock is set back, and within 15 s when it is set forward", async () => {
    for (const step of [-7_200_000, 7_200_000]) {
      const clock = new FakeClock();
      let waited: number | undefined;
      let passed = 0;
      void sleepFor(clock, 3_600_000).then(() => {
        waited = passed;
      });
      await clock.advance(1000);
      clock.jump(step);
      for (; waited === undefined && passed < 10_000_000; passed += 1000) await clock.advance(1000);
      expect(waited).toBeLessThanOrEqual(step < 0 ? 3_600_000 : 15_000);
    }
  });

  test("an aborted sleep returns early and leaves no listener", async () => {
    const controller = new AbortController();
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort();
    await sleeping;
    await systemClock.sleep(60_000, controller.signal);
  });
});
