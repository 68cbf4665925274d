import { describe, expect, test } from "bun:test";
import { boundRequests } from "../../../src/platform/api/bounds.ts";
import { holdsNul } from "../../../src/platform/api/nul.ts";
import { receiveBodies } from "../../../src/platform/api/receive.ts";
import { answerRefusal } from "../../../src/platform/api/refusals.ts";
import { routes } from "../../../src/platform/api/route.ts";
import { FailureLimiter } from "../../../src/platform/services/login/failure-limiter.ts";
import { RequestRate } from "../../../src/platform/services/login/request-rate.ts";
import { Slots } from "../../../src/platform/services/slots.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { DatabaseHost, TestPlatform } from "../../support/platform.ts";

const failure = new SallyportError("ENROLLMENT_TOKEN_INVALID", "no");

describe("the rate of requests", () => {
  const gateway = (gatewayId: string) =>
    ({ kind: "gateway", gatewayId, orgId: "o", tokenVersion: 1, address: "192.0.2.1" }) as const;
  const spend = (rate: RequestRate, id: string, requests: number) => {
    for (let i = 0; i < requests; i++) rate.count(gateway(id));
  };

  test("is 6000 at once and 200 a second for each caller, and nobody pays for another", () => {
    let now = 0;
    const rate = new RequestRate(() => now);
    spend(rate, "greedy", 6000);
    expect(() => spend(rate, "greedy", 1)).toThrow("More than 200 requests a second");
    spend(rate, "honest", 6000);
    now += 1000;
    spend(rate, "greedy", 200);
    expect(() => spend(rate, "greedy", 1)).toThrow("More than 200 requests a second");
  });

  test("takes no more memory than for 20 000 callers", () => {
    const rate = new RequestRate(() => 0);
    spend(rate, "first", 6000);
    for (let i = 0; i < 20_000; i++) spend(rate, `other-${i}`, 1);
    spend(rate, "first", 6000);
  });

  test("a gateway that asks without end is answered 429, its neighbour is not", async () => {
    const host = await DatabaseHost.open();
    const platform = await TestPlatform.open(host, "sqlite");
    const tenant = await platform.tenant("acme");
    const [greedy, honest] = [
      await platform.gateway(tenant, "greedy"),
      await platform.gateway(tenant, "honest"),
    ];
    const again = new Set<string | null>();
    const ask = async (token: string) => {
      const { status, headers } = await platform.call("GET", "/v1/relays", { token });
      if (status === 429) again.add(headers.get("retry-after"));
      return status;
    };
    const statuses = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const batch = await Promise.all(Array.from({ length: 100 }, () => ask(greedy.token)));
      for (const status of batch) statuses.add(status);
    }
    expect(statuses).toEqual(new Set([200, 429]));
    expect(again).toEqual(new Set(["1"]));
    expect(await ask(honest.token)).toBe(200);
    await platform.close();
    await host.close();
  });
});

describe("the failure limiter", () => {
  const limiter = () => {
    const clock = { now: 0 };
    return { clock, limiter: new FailureLimiter(() => new Date(clock.now)) };
  };

  test("the eleventh failure within a minute is RATE_LIMITED, by address and resource", () => {
    const { limiter: it } = limiter();
    for (let i = 0; i < 10; i++) expect(it.failed("a", "x", failure)).toBe(failure);
    expect(it.failed("a", "x", failure).code).toBe("RATE_LIMITED");
    expect(it.failed("a", "y", failure)).toBe(failure);
    expect(it.failed("b", "x", failure)).toBe(failure);
  });

  test("a minute after the first failure the count begins anew", () => {
    const { clock, limiter: it } = limiter();
    for (let i = 0; i < 11; i++) it.failed("a", "x", failure);
    expect(it.failed("a", "x", failure)).toMatchObject({ code: "RATE_LIMITED", retryAfter: 60 });
    clock.now = 59_999;
    expect(it.failed("a", "x", failure)).toMatchObject({ code: "RATE_LIMITED", retryAfter: 1 });
    clock.now = 60_000;
    expect(it.failed("a", "x", failure)).toBe(failure);
  });

  test("attempts count before they are tried and are forgiven by a success", () => {
    const { limiter: it } = limiter();
    for (let i = 0; i < 10; i++) it.attempt("a", "x");
    expect(() => it.attempt("a", "x")).toThrow("Too many");
    it.succeeded("a", "x");
    expect(() => it.attempt("a", "x")).not.toThrow();
  });

  test("an IPv6 network counts as one address", () => {
    const { limiter: it } = limiter();
    for (let i = 0; i < 10; i++) it.failed(`2001:db8:1:2::${i}`, "x", failure);
    expect(it.failed("2001:db8:1:2:ffff:ffff:ffff:ffff", "x", failure).code).toBe("RATE_LIMITED");
    expect(it.failed("2001:db8:1:3::1", "x", failure)).toBe(failure);
    expect(it.failed("::1", "x", failure)).toBe(failure);
  });

  test("a flood of keys does not grow without end, and forgets the oldest", () => {
    const { limiter: it } = limiter();
    for (let i = 0; i < 11; i++) it.failed("victim", "x", failure);
    for (let i = 0; i < 20_000; i++) it.failed(`10.${i >> 8}.${i & 255}.1`, "x", failure);
    expect(it.failed("victim", "x", failure)).toBe(failure);
  });
});

describe("slots", () => {
  test("run so many at once, in the order of the calls, also after a failure", async () => {
    const slots = new Slots(2, 10);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const outcomes = await Promise.allSettled(
      [0, 1, 2, 3, 4].map((i) =>
        slots.run(async () => {
          started.push(i);
          most = Math.max(most, ++running);
          await Bun.sleep(2);
          running--;
          if (i === 0) throw new Error("first");
        }),
      ),
    );
    expect(started).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(2);
    expect(outcomes.map((outcome) => outcome.status)[0]).toBe("rejected");
    await slots.run(async () => {});
  });

  test("turn away when too many wait", async () => {
    const slots = new Slots(1, 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = slots.run(() => promise);
    const second = slots.run(async () => {});
    await expect(slots.run(async () => {})).rejects.toMatchObject({ code: "RESOURCE_SHORTAGE" });
    resolve();
    await Promise.all([first, second]);
    await slots.run(async () => {});
  });
});

describe("slots with many callers", () => {
  test("B5 one of them fills the queue for nobody else, and may come again when theirs are done", async () => {
    const slots = new Slots(1, 10, 2);
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = slots.run(() => promise, "busy");
    const crowd = Array.from({ length: 20 }, () => slots.run(async () => {}, "busy"));
    const honest = slots.run(async () => "served", "honest");
    resolve();
    const outcomes = await Promise.allSettled(crowd);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    expect(await honest).toBe("served");
    await first;
    const again = Promise.withResolvers<void>();
    const running = slots.run(() => again.promise, "busy");
    const waiting = [0, 1].map(() => slots.run(async () => {}, "busy"));
    again.resolve();
    await Promise.all([running, ...waiting]);
  });
});

describe("bodies", () => {
  const limits = { bytes: 100, milliseconds: 20, bytesInAll: 150 };
  const app = () => {
    const made = routes();
    made.onError((error, c) => answerRefusal(c, error, silentLogger));
    made.use(receiveBodies(limits));
    made.post("/echo", async (c) => c.text(await c.req.text()));
    return made;
  };
  /** A body that never ends after this. */
  const stuck = (text: string) =>
    new ReadableStream<Uint8Array>({ start: (it) => it.enqueue(new TextEncoder().encode(text)) });
  const post = async (on: ReturnType<typeof app>, body: ReadableStream<Uint8Array> | string) =>
    await on.request("/echo", { method: "POST", body });

  test("B5 a body that is not here in time is answered 408, and its connection is cut", async () => {
    const answer = await post(app(), stuck("slow"));
    expect([answer.status, answer.headers.get("connection")]).toEqual([408, "close"]);
  });

  test("B5 more than all bodies together may have is turned away until some are gone", async () => {
    const on = app();
    const first = post(on, stuck("x".repeat(90)));
    expect((await post(on, "y".repeat(90))).status).toBe(503);
    expect((await first).status).toBe(408);
    expect(await (await post(on, "y".repeat(90))).text()).toBe("y".repeat(90));
  });

  test("one that is too large is 413, one that breaks off 400, and the rest arrives whole", async () => {
    const on = app();
    expect((await post(on, "x".repeat(101))).status).toBe(413);
    expect((await post(on, new Blob(["x".repeat(101)]).stream())).status).toBe(413);
    const broken = new ReadableStream<Uint8Array>({ pull: (it) => it.error(new Error("gone")) });
    expect((await post(on, broken)).status).toBe(400);
    expect(await (await post(on, "x".repeat(100))).text()).toBe("x".repeat(100));
  });
});

describe("the character NUL, which PostgreSQL can't store", () => {
  test.each([
    ['{"a":"\\u0000"}', true],
    ['{"a":"x\\\\\\u0000"}', true],
    ['{"a":"\u0000"}', true],
    ['{"a":"x\\\\u0000"}', false],
    ['{"a":"\\u00001\\u0001"}', true],
    ['{"a":"\\u0001 u0000"}', false],
    ["", false],
  ])("%j: %p", (text, expected) => {
    expect(holdsNul(Buffer.from(text))).toBe(expected);
  });
});

describe("bounds of requests", () => {
  test("B5 a request that takes too long is answered 503 and its connection cut; so is one too many", async () => {
    const app = routes();
    const { promise, resolve } = Promise.withResolvers<void>();
    app.onError((error, c) => answerRefusal(c, error, silentLogger));
    app.use(boundRequests({ atOnce: 2, milliseconds: 20 }));
    app.get("/slow", async (c) => {
      await promise;
      return c.text("done");
    });
    const answers = await Promise.all([1, 2, 3].map(async () => await app.request("/slow")));
    expect(answers.map((answer) => answer.status)).toEqual([503, 503, 503]);
    expect(answers.every((answer) => answer.headers.get("connection") === "close")).toBe(true);
    expect(answers.every((answer) => answer.headers.get("retry-after") === "1")).toBe(true);
    resolve();
    expect((await app.request("/slow")).status).toBe(200);
  });
});
