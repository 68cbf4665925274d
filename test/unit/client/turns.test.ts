import { describe, expect, test } from "bun:test";
import { Turns } from "../../../src/client/turns.ts";

const patient = { timeoutMs: 60_000 };

describe("turns", () => {
  test("no more than the limit run at once, the rest in the order in which they came", async () => {
    const turns = new Turns(2);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const release = await turns.take("relay", patient);
        order.push(i);
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
        release();
      }),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("each key has turns of its own", async () => {
    const turns = new Turns(1);
    await turns.take("a", patient);
    await turns.take("b", patient);
    expect(turns.waiting).toBe(0);
  });

  test("who gives up leaves the queue, and the turn goes to the next", async () => {
    const turns = new Turns(1);
    const release = await turns.take("a", patient);
    const late = turns.take("a", { timeoutMs: 1 });
    const stop = new AbortController();
    const stopped = turns.take("a", { ...patient, signal: stop.signal });
    const next = turns.take("a", patient);
    stop.abort(new Error("not wanted any more"));
    await expect(stopped).rejects.toThrow("not wanted any more");
    await expect(late).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(turns.waiting).toBe(1);
    release();
    (await next)();
    expect(turns.waiting).toBe(0);
  });
});
