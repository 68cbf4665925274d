import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type HealthWrite, HealthWrites } from "../../../src/platform/services/health/writes.ts";
import { atOnce } from "../../../src/platform/store/at-once.ts";
import type { Store } from "../../../src/platform/store/database.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { DATABASES, DatabaseHost, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const TEN_MINUTES_MS = 600_000;

describe.each(DATABASES)("health that is written on %s", (database) => {
  let platform: TestPlatform;
  let gatewayId: string;
  beforeAll(async () => {
    platform = await TestPlatform.open(host, database);
    gatewayId = (await platform.gateway(await platform.tenant("acme"), "office")).id;
  });
  afterAll(() => platform.close());

  const heartbeat = (): HealthWrite => {
    const report = {
      instance: "a process",
      version: "0.1.0",
      time: new Date().toISOString(),
      conditions: [],
    };
    return { kind: "heartbeat", subject: { gatewayId }, report };
  };
  /** Counts transactions; the first `failures` of them fail. */
  const counting = (failures = 0) => {
    const { store } = platform.core;
    const counts = { transactions: 0 };
    const transaction: Store["transaction"] = async (work) => {
      if (++counts.transactions <= failures) throw new SallyportError("DATABASE_UNAVAILABLE", "Gone.");
      return await store.transaction(work);
    };
    return { store: { ...store, transaction }, counts };
  };

  test("a storm of heartbeats is stored in few transactions, and a full one does not wait for its time", async () => {
    const { store, counts } = counting();
    const writes = new HealthWrites(store, platform.core.now, TEN_MINUTES_MS);
    await writes.add(heartbeat());
    await Promise.all(Array.from({ length: 600 }, () => writes.add(heartbeat())));
    expect(counts.transactions).toBe(4);
  });

  test("a transaction that fails fails for those in it, and the next goes on", async () => {
    const writes = new HealthWrites(counting(1).store, platform.core.now, 1);
    const refused = await Promise.allSettled([writes.add(heartbeat()), writes.add(heartbeat())]);
    expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await writes.add(heartbeat());
  });
});

test("statements sent at once are all over before the first failure is told", async () => {
  const failure = new Error("first");
  const slow = Promise.withResolvers<string>();
  let told = false;
  const all = atOnce([Promise.reject(failure), slow.promise]).catch((error: unknown) => {
    told = true;
    return error;
  });
  await Bun.sleep(1);
  expect(told).toBe(false);
  slow.resolve("second");
  expect(await all).toBe(failure);
});
