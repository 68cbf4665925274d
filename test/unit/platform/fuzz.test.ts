import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fuzzApi } from "../../support/api-fuzz/fuzz.ts";
import { setScene } from "../../support/api-fuzz/scene.ts";
import { DATABASES, DatabaseHost, RELAY_SECRET, TestPlatform } from "../../support/platform.ts";
import { RecordingLog } from "../../support/recording-log.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

/** Longer on demand: SALLYPORT_FUZZ_SECONDS=600 SALLYPORT_FUZZ_SEED=7 bun test test/unit/platform/fuzz.test.ts */
const SEED = Number(process.env.SALLYPORT_FUZZ_SEED ?? 20_261_121);
const SECONDS = { sqlite: 25, postgres: 8 };

describe.each(DATABASES)("whatever is asked of the API, on %s", (database) => {
  const seconds = Number(process.env.SALLYPORT_FUZZ_SECONDS ?? SECONDS[database]);
  test(
    "is answered in its envelope, never with a 5xx and never with another organisation's data",
    async () => {
      const log = new RecordingLog();
      const platform = await TestPlatform.reopen(await host.fresh(database), { log });
      const scene = await setScene(platform, RELAY_SECRET);
      const report = await fuzzApi(platform, { scene, seed: SEED, milliseconds: seconds * 1000 });
      const reasons = log.entries.filter(({ message }) => message === "A request failed");
      expect([report.faults, reasons.map(({ fields }) => fields.reason)]).toEqual([[], []]);
      // It got behind the schemas, and nobody lost the token that it asks with on the way.
      expect(report.served.size).toBeGreaterThan(40);
      for (const [actor, token] of scene.actors) {
        if (!/administrator|member|identity/.test(actor)) continue;
        expect([actor, (await platform.call("GET", "/v1/auth/me", { token })).status]).toEqual([actor, 200]);
      }
      await platform.close();
    },
    (seconds + 60) * 1000,
  );
});
