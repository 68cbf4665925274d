import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { followEvents } from "../../../src/platform-client/event-stream.ts";
import type { PlatformEvent, PlatformSnapshot } from "../../../src/platform-client/events.ts";
import { EventStreamParser } from "../../../src/platform-client/sse.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const GATEWAY = "11111111-2222-4333-8444-555555555555";
const revoked = (id: number) =>
  `id: ${id}\nevent: gateway.revoked\ndata: {"gatewayId":"${GATEWAY}","generation":2}\n\n`;

describe("the event stream parser", () => {
  test("B1 gives the same events however the bytes are cut", () => {
    const text = `: hello\n\nid: 7\nevent: a\ndata: {"x":"ü"}\ndata: 2\n\n\nevent: empty\n\nid\r\ndata:3\r\n\r\nretry: 5\nid: 9\0\ndata: 4\n\n`;
    const expected = [
      { id: "7", type: "a", data: '{"x":"ü"}\n2' },
      { id: "", type: "message", data: "3" },
      { id: "", type: "message", data: "4" },
    ];
    const whole = bytes(text);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 8 }), (cuts) => {
        const parser = new EventStreamParser();
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const events = places.flatMap((from, i) =>
          parser.push(whole.slice(from, places[i + 1] ?? whole.length)),
        );
        expect(events).toEqual(expected);
      }),
    );
  });

  test("B1 an event or a line without end is refused, not collected", () => {
    for (const piece of ["x".repeat(1024 * 1024), `data: ${"x".repeat(1024 * 1024)}\n`]) {
      const parser = new EventStreamParser();
      expect(() => {
        for (let i = 0; i < 12; i++) parser.push(bytes(piece));
      }).toThrow(SallyportError);
    }
  });
});

describe("following a platform", () => {
  let clock: FakeClock;
  let log: RecordingLog;
  let stop: AbortController;
  let heard: (PlatformEvent | { snapshot: PlatformSnapshot })[];
  let asked: (string | undefined)[];
  beforeEach(() => {
    clock = new FakeClock();
    log = new RecordingLog();
    stop = new AbortController();
    heard = [];
    asked = [];
  });
  afterEach(() => stop.abort());

  /** One answer for each attempt: pieces of a stream, `null` = it stays open; or an error. */
  function follow(answers: ((string | null)[] | Error)[]) {
    return followEvents({
      async open({ lastEventId }) {
        asked.push(lastEventId);
        const answer = answers.shift() ?? [null];
        if (answer instanceof Error) throw answer;
        return new ReadableStream({
          start(controller) {
            for (const piece of answer) if (piece !== null) controller.enqueue(bytes(piece));
            if (!answer.includes(null)) controller.close();
          },
        });
      },
      handler: {
        event: (event) => heard.push(event),
        snapshot: (snapshot) => heard.push({ snapshot }),
      },
      backoff: { next: () => 1000, reset() {} },
      signal: stop.signal,
      clock,
      log,
    });
  }

  test("hands over what it hears and comes back after the last event", async () => {
    const snapshot = { gateways: [{ gatewayId: GATEWAY, generation: 1 }], serials: ["a1"] };
    void follow([
      [`id: 3\nevent: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`, revoked(4)],
      [revoked(5)],
    ]);
    await clock.advance(1500);
    const event = { type: "gateway.revoked" as const, gatewayId: GATEWAY, generation: 2 };
    expect(heard).toEqual([{ snapshot }, event, event]);
    expect(asked.slice(0, 2)).toEqual([undefined, "4"]);
  });

  test("silence for 40 s counts as down, a comment does not", async () => {
    void follow([[": hello\n\n", null], [null]]);
    await clock.advance(39_000);
    expect(asked).toHaveLength(1);
    await clock.advance(3000);
    expect(asked).toHaveLength(2);
    expect(log.entries.map(({ level }) => level)).toEqual(["warn", "info"]);
  });

  test("a platform without the stream is asked once and named once", async () => {
    await follow([new SallyportError("NOT_FOUND", "nothing there")]);
    await clock.advance(3_600_000);
    expect(asked).toHaveLength(1);
    expect(log.entries.map(({ level }) => level)).toEqual(["info"]);
  });

  test("a refusal is not repeated in haste, and an outage is logged once", async () => {
    void follow(Array.from({ length: 50 }, () => new SallyportError("UNAUTHENTICATED", "revoked")));
    await clock.advance(590_000);
    expect(asked.length).toBeLessThanOrEqual(11);
    expect(log.entries).toHaveLength(1);
  });

  test("a platform that says when to come again is not asked before", async () => {
    void follow([new SallyportError("RATE_LIMITED", "more slowly", { retryAfter: 30 })]);
    await clock.advance(29_999);
    expect(asked).toHaveLength(1);
    await clock.advance(1);
    expect(asked).toHaveLength(2);
  });

  test("events of a newer platform are skipped; after what can't be read a snapshot is asked for", async () => {
    const odd = `id: 8\nevent: gateway.renamed\ndata: {"x":1}\n\n`;
    const broken = `id: 9\nevent: gateway.revoked\ndata: {"gatewayId":5}\n\n`;
    void follow([
      [odd, broken, revoked(10)],
      [revoked(11), null],
    ]);
    await clock.advance(1500);
    expect(heard).toHaveLength(1);
    expect(asked.slice(0, 2)).toEqual([undefined, undefined]);
  });
});
