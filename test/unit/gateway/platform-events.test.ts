import { beforeEach, describe, expect, test } from "bun:test";
import { PlatformNews } from "../../../src/gateway/platform-events.ts";
import { Conditions } from "../../../src/telemetry/conditions.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const OFFICE = "11111111-2222-4333-8444-555555555555";

describe("what a gateway does with the platform's events", () => {
  let log: RecordingLog;
  let conditions: Conditions;
  let done: string[];
  let news: PlatformNews;
  beforeEach(() => {
    log = new RecordingLog();
    conditions = new Conditions();
    done = [];
    news = new PlatformNews({
      gatewayId: () => OFFICE,
      gatewayName: "office",
      endAccess: (serials) => done.push(`end ${[...serials].join(",")}`),
      renew: (withinMs) => done.push(`renew within ${withinMs}`),
      distrust: (fingerprints) => done.push(`distrust ${fingerprints.join(",")}`),
      leaveRelay: (name) => done.push(`leave ${name}`),
      conditions,
      log,
    });
  });

  test.each([
    ["revoked", { type: "gateway.revoked", gatewayId: OFFICE, generation: 2 }],
    ["enrolled again", { type: "gateway.rotated", gatewayId: OFFICE, generation: 2 }],
    ["deleted", { type: "gateway.deleted", gatewayId: OFFICE }],
  ] as const)("that it was %s is said once, with what to do", (words, event) => {
    news.event(event);
    news.event(event);
    expect(log.entries.map(({ level }) => level)).toEqual(["error"]);
    expect(log.entries[0]?.message).toContain(words);
    expect(log.entries[0]?.fields.fix).toContain("deploy-command office");
    expect(conditions.list().map(({ code }) => code)).toEqual(["ACCESS_REVOKED"]);
    expect(done).toEqual([]);
  });

  test("another gateway's news is not its own", () => {
    news.event({ type: "gateway.deleted", gatewayId: crypto.randomUUID() });
    expect(log.entries).toEqual([]);
  });

  test("ended access is cut, also when only a snapshot tells of it", () => {
    news.event({ type: "access.ended", serials: ["a1", "b2"] });
    news.snapshot({ gateways: [], serials: ["c3"] });
    news.snapshot({ gateways: [], serials: [] });
    expect(done).toEqual(["end a1,b2", "end c3"]);
  });

  test("new authorities are fetched, and a relay that drains is left", () => {
    news.event({ type: "authorities.changed" });
    news.event({ type: "authorities.changed", withinSeconds: 2, distrusted: ["aa", "bb"] });
    news.event({ type: "relay.drain", relayId: "r", relayName: "eu-1" });
    expect(done).toEqual(["renew within 60000", "distrust aa,bb", "renew within 2000", "leave eu-1"]);
  });
});
