import { describe, expect, test } from "bun:test";
import { EventLoopLag } from "../../../src/telemetry/event-loop.ts";
import { createInstruments } from "../../../src/telemetry/instruments.ts";

/** The value of one line of the text format. */
function value(text: string, line: string): number {
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  return found === undefined ? Number.NaN : Number(found.slice(line.length + 1));
}

describe("metrics", () => {
  test("two registries in one process count apart", async () => {
    const [one, other] = [createInstruments(), createInstruments()];
    one.metrics.errors.inc({ code: "TIMEOUT" });
    expect(await one.metrics.errorCounts()).toEqual({ TIMEOUT: 1 });
    expect(await other.metrics.errorCounts()).toEqual({});
  });

  test("the bytes of open connections count while they run, and stay counted when they are over", async () => {
    const { metrics, connections } = createInstruments();
    const traffic = { forward: 5, backward: 7 };
    const entry = connections.open("tcp", { target: "db:5432" }, () => traffic);
    traffic.forward += 10;
    const during = await metrics.text();
    expect(value(during, 'sallyport_open_connections{mode="tcp"}')).toBe(1);
    expect(value(during, 'sallyport_bytes_total{direction="up"}')).toBe(15);
    entry.close("ENDED");
    entry.close("ENDED");
    const after = await metrics.text();
    expect(value(after, 'sallyport_open_connections{mode="tcp"}')).toBeNaN();
    expect(value(after, 'sallyport_bytes_total{direction="up"}')).toBe(15);
    expect(value(after, 'sallyport_bytes_total{direction="down"}')).toBe(7);
    expect(value(after, 'sallyport_connections_total{mode="tcp",cause="ENDED"}')).toBe(1);
    expect(connections.totals()).toEqual({ open: 0, total: 1, bytesUp: 15, bytesDown: 7 });
  });

  test("a connection that failed counts as an error of its code", async () => {
    const { metrics, connections } = createInstruments();
    connections.open("tcp", {}, () => ({ forward: 0, backward: 0 })).close("TARGET_REFUSED");
    expect(await metrics.errorCounts()).toEqual({ TARGET_REFUSED: 1 });
  });

  test("open connections are listed newest first, with their ids and no more than asked for", () => {
    const { connections } = createInstruments(() => new Date(0));
    const traffic = () => ({ forward: 1, backward: 2 });
    for (const target of ["a:1", "b:2", "c:3"]) connections.open("tcp", { target }, traffic);
    expect(connections.list(2)).toEqual([
      {
        id: "c3",
        mode: "tcp",
        since: "1970-01-01T00:00:00.000Z",
        bytesUp: 1,
        bytesDown: 2,
        about: { target: "c:3" },
      },
      expect.objectContaining({ id: "c2" }),
    ]);
  });

  test("conditions are counted by code while they hold", async () => {
    const { metrics, conditions } = createInstruments();
    conditions.raise("platform", "PLATFORM_UNREACHABLE", { text: "t", fix: "f" });
    const line = 'sallyport_conditions{code="PLATFORM_UNREACHABLE",severity="warning"}';
    expect(value(await metrics.text(), line)).toBe(1);
    conditions.clear("platform");
    expect(value(await metrics.text(), line)).toBeNaN();
  });

  test("process basics have the names and values that every dashboard knows", async () => {
    const text = await createInstruments().metrics.text();
    expect(value(text, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(value(text, "process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(value(text, "process_open_fds")).toBeGreaterThan(2);
    expect(Math.abs(value(text, "process_start_time_seconds") - Date.now() / 1000)).toBeLessThan(3600);
  });
});

describe("the event loop's lag", () => {
  test("is the longest delay of the last half minute", async () => {
    let now = 0;
    const lag = new EventLoopLag(() => now);
    try {
      const late = (by: number) => {
        now += 1000 + by;
        lag.sample();
      };
      late(250);
      for (let i = 0; i < 29; i++) late(5);
      const { metrics } = createInstruments();
      lag.measureInto(metrics);
      expect(value(await metrics.text(), "sallyport_event_loop_lag_seconds")).toBe(0.25);
      late(5);
      expect(lag.worst).toBe(5);
    } finally {
      lag.close();
    }
  });
});
