import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { TunnelReport } from "../../../src/platform-client/calls/relay-agent.ts";
import { TunnelReporter } from "../../../src/relay/tunnel-reports.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

describe("reports about tunnels", () => {
  let clock: FakeClock;
  let log: RecordingLog;
  let sessions: { gatewayId: string; generation: number }[];
  let sent: TunnelReport[];
  let answer: { complete: boolean; refused: { gatewayId: string; generation: number | null }[] } | Error;
  let refused: [string, number | null][];
  let reporter: TunnelReporter;
  beforeEach(() => {
    clock = new FakeClock();
    log = new RecordingLog();
    [sessions, sent, refused] = [[], [], []];
    answer = { complete: false, refused: [] };
    reporter = new TunnelReporter({
      async send(report) {
        sent.push(report);
        if (answer instanceof Error) throw answer;
        return answer;
      },
      sessions: () => sessions,
      refuse: (gatewayId, generation) => refused.push([gatewayId, generation]),
      clock,
      log,
    });
    void reporter.run();
  });
  afterEach(() => reporter.close());

  const come = (gatewayId: string, generation = 1) => {
    sessions = [...sessions, { gatewayId, generation }];
    reporter.changed();
  };

  test("begin with all there is, then tell changes soon and together, and renew at half the lease", async () => {
    sessions = [{ gatewayId: "a", generation: 1 }];
    await clock.advance(200);
    expect(sent).toEqual([
      { opened: [{ gatewayId: "a", generation: 1 }], closed: [], leaseSeconds: 20, complete: true },
    ]);
    come("b");
    sessions = sessions.filter(({ gatewayId }) => gatewayId !== "a");
    reporter.changed();
    await clock.advance(300);
    expect(sent.slice(1)).toEqual([
      { opened: [{ gatewayId: "b", generation: 1 }], closed: ["a"], leaseSeconds: 20 },
    ]);
    await clock.advance(10_000);
    expect(sent.slice(2)).toEqual([{ opened: [], closed: [], leaseSeconds: 20 }]);
  });

  test("a gateway with newer credentials is told anew", async () => {
    sessions = [{ gatewayId: "a", generation: 1 }];
    await clock.advance(200);
    sessions = [{ gatewayId: "a", generation: 2 }];
    reporter.changed();
    await clock.advance(300);
    expect(sent[1]?.opened).toEqual([{ gatewayId: "a", generation: 2 }]);
  });

  test("after a failure everything is said again, and it is logged once", async () => {
    await clock.advance(200);
    answer = new SallyportError("PLATFORM_UNREACHABLE", "away");
    come("a");
    await clock.advance(7000);
    expect(sent.length).toBeGreaterThan(2);
    answer = { complete: false, refused: [] };
    await clock.advance(4000);
    expect(sent.at(-1)).toEqual({
      opened: [{ gatewayId: "a", generation: 1 }],
      closed: [],
      leaseSeconds: 20,
      complete: true,
    });
    expect(log.entries).toHaveLength(1);
  });

  test("what the platform asks for is said again at once; what it refuses is cut", async () => {
    sessions = [{ gatewayId: "a", generation: 1 }];
    await clock.advance(200);
    answer = { complete: true, refused: [{ gatewayId: "a", generation: null }] };
    reporter.changed();
    await clock.advance(300);
    expect(sent.slice(1).map(({ complete }) => complete)).toEqual([undefined, true]);
    expect(refused[0]).toEqual(["a", null]);
  });

  test("very many go in several reports", async () => {
    sessions = Array.from({ length: 1200 }, (_, i) => ({ gatewayId: `g${i}`, generation: 1 }));
    await clock.advance(200);
    expect(sent.map(({ opened, complete }) => [opened.length, complete])).toEqual([
      [500, true],
      [500, undefined],
      [200, undefined],
    ]);
  });

  test("a platform that asks for none is left alone after one line", async () => {
    answer = new SallyportError("NOT_FOUND", "nothing there");
    await clock.advance(3_600_000);
    expect(sent).toHaveLength(1);
    expect(log.entries.map(({ level }) => level)).toEqual(["info"]);
  });

  test("closing gives the lease up", async () => {
    await clock.advance(200);
    await reporter.close();
    expect(sent.at(-1)).toEqual({ opened: [], closed: [], leaseSeconds: 0 });
  });
});
