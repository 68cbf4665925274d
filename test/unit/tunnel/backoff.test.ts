import { describe, expect, test } from "bun:test";
import { fullJitter } from "../../../src/tunnel/backoff.ts";

describe("backoff", () => {
  test("the ceiling doubles from twice the base to the cap", () => {
    const backoff = fullJitter({ baseMs: 500, capMs: 30_000, random: () => 1 });
    expect([1, 2, 3, 4, 5, 6, 7].map(() => backoff.next())).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
  });

  test("no wait is shorter than the base", () => {
    const backoff = fullJitter({ baseMs: 500, capMs: 30_000, random: () => 0 });
    expect([1, 2, 3].map(() => backoff.next())).toEqual([500, 500, 500]);
  });

  test("F15 waits are spread over the whole range, not only its end", () => {
    const waits = Array.from({ length: 200 }, () => {
      const backoff = fullJitter();
      for (let i = 0; i < 6; i++) backoff.next();
      return backoff.next();
    });
    expect(Math.min(...waits)).toBeLessThan(10_000);
    expect(Math.max(...waits)).toBeGreaterThan(20_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
  });

  test("reset starts over", () => {
    const backoff = fullJitter({ random: () => 1 });
    for (let i = 0; i < 9; i++) backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(1000);
  });
});
