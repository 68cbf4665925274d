import { beforeAll, describe, expect, test } from "bun:test";
import type { RelayCredentials } from "../../../src/pki/credentials.ts";
import { Renewal, renewalTime } from "../../../src/relay/renewal.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { RelayLab } from "../../support/relay.ts";

const HOUR = 3_600_000;
const START = Date.parse("2026-06-01T00:00:00Z");

let lab: RelayLab;

beforeAll(async () => {
  lab = await RelayLab.create({ now: new Date(START) });
});

function credentials(ttlSeconds: number, now = START): Promise<RelayCredentials> {
  return lab.relayCredentials({ ttlSeconds, now: new Date(now) });
}

describe("when to renew", () => {
  test("between 1/2 and 2/3 of what is left of the shortest certificate", async () => {
    const short = await credentials(3_600);
    expect(renewalTime(short, START, () => 0)).toBe(START + 0.5 * HOUR);
    expect(renewalTime(short, START, () => 0.999_999)).toBeCloseTo(START + (2 / 3) * HOUR, -2);
  });

  test("at least every 6 h, give or take 10 %", async () => {
    const long = await credentials(30 * 24 * 3_600);
    expect(renewalTime(long, START, () => 0)).toBe(START + 5.4 * HOUR);
    expect(renewalTime(long, START, () => 0.999_999)).toBeCloseTo(START + 6.6 * HOUR, -2);
  });

  test("an expired certificate is renewed at once, but not in a tight loop", async () => {
    expect(renewalTime(await credentials(60), START + HOUR, () => 0)).toBe(START + HOUR + 1_000);
  });
});

describe("renewals", () => {
  async function start(ttlSeconds: number, renew: (clock: FakeClock) => Promise<RelayCredentials>) {
    const clock = new FakeClock(START);
    const calls: number[] = [];
    const renewal = new Renewal({
      clock,
      random: () => 0,
      log: silentLogger,
      renew: () => {
        calls.push((clock.now() - START) / 1000);
        return renew(clock);
      },
    });
    const running = renewal.run(await credentials(ttlSeconds));
    return { clock, calls, renewal, running };
  }

  test("F4 go on time, also after a suspend", async () => {
    const fresh = await credentials(48 * 3_600);
    const { clock, calls, renewal, running } = await start(3_600, () => Promise.resolve(fresh));
    await clock.advance(1_799_000);
    expect(calls).toEqual([]);
    clock.jump(2 * HOUR);
    await clock.advance(15_000);
    expect(calls).toHaveLength(1);
    renewal.close();
    await running;
  });

  test("F4 come within 15 s when a clock that is set back makes the certificates worthless, and once", async () => {
    const before = await credentials(48 * 3_600, START - 2 * HOUR);
    const { clock, calls, renewal, running } = await start(48 * 3_600, () => Promise.resolve(before));
    await clock.advance(60_000);
    clock.jump(-HOUR);
    await clock.advance(600_000);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toBeLessThan(60 - 3600 + 16);
    renewal.close();
    await running;
  });

  test("F15 while the certificates are good for hours, failures are spread over 3 minutes", async () => {
    const clock = new FakeClock(START);
    const calls: number[] = [];
    const renewal = new Renewal({
      clock,
      random: () => 1,
      log: silentLogger,
      renew: () => {
        calls.push(clock.now());
        return Promise.reject(new Error("away"));
      },
    });
    const running = renewal.run(await credentials(24 * 3_600));
    await clock.advance(8 * HOUR);
    const waits = calls.slice(1).map((time, index) => (time - (calls[index] ?? 0)) / 1000);
    expect(waits.slice(0, 10)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 180, 180]);
    renewal.close();
    await running;
  });

  test("F5 a failure is tried again within 30 s, for ever", async () => {
    let fails = true;
    const fresh = await credentials(48 * 3_600);
    const { clock, calls, renewal, running } = await start(3_600, () =>
      fails ? Promise.reject(new Error("away")) : Promise.resolve(fresh),
    );
    await clock.advance(1_800_000 + 3_000);
    expect(calls.length).toBeGreaterThan(3);
    fails = false;
    await clock.advance(30_000);
    const after = calls.length;
    await clock.advance(HOUR);
    expect(calls).toHaveLength(after);
    renewal.close();
    await running;
  });

  test("go at once when the source says that something changed, and once more if it says so meanwhile", async () => {
    const fresh = await credentials(24 * 3_600);
    const gate = Promise.withResolvers<RelayCredentials>();
    const answers = [gate.promise, Promise.resolve(fresh)];
    const { calls, renewal, running } = await start(
      24 * 3_600,
      () => answers.shift() ?? Promise.resolve(fresh),
    );
    await settle();
    renewal.wake();
    await settle();
    expect(calls).toHaveLength(1);
    renewal.wake();
    gate.resolve(fresh);
    await settle();
    expect(calls).toHaveLength(2);
    renewal.close();
    await running;
  });
});
