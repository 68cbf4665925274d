import { expect, test } from "bun:test";
import { CurrentCredentials } from "../../../src/gateway/current-credentials.ts";
import { createInstruments } from "../../../src/telemetry/instruments.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { settle } from "../../support/fake-clock.ts";
import { testPki } from "../../support/test-pki.ts";

test("whoever asks for newer credentials, however close to the end of another look, gets a look of their own", async () => {
  const first = await (await testPki()).gateway();
  let looks = 0;
  const credentials = new CurrentCredentials({
    source: {
      load: async () => {
        looks++;
        return first;
      },
      onStale() {},
      close() {},
    },
    first,
    apply() {},
    conditions: createInstruments().conditions,
    signal: new AbortController().signal,
    log: silentLogger,
  });
  for (let turns = 0; turns < 20; turns++) {
    void credentials.reload();
    await settle(turns);
    const before = looks;
    await credentials.reload();
    expect([turns, looks > before]).toEqual([turns, true]);
    await settle();
  }
});
