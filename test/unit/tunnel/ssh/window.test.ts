import { expect, test } from "bun:test";
import { DEFAULT_LIMITS } from "../../../../src/tunnel/ssh/limits.ts";
import { TokenBucket } from "../../../../src/tunnel/ssh/token-bucket.ts";
import { ReceiveWindow, WindowBudget } from "../../../../src/tunnel/ssh/window.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** A window, its clock, and a way of letting the peer use it. */
function opened(budget = new WindowBudget(), peerIsSallyport = true) {
  const clock = { now: 0 };
  const window = ReceiveWindow.reserve({
    budget,
    limits: DEFAULT_LIMITS,
    peerIsSallyport,
    now: () => clock.now,
  });
  if (!window) throw new Error("no window");
  /** The peer sends `bytes` in pieces, which are consumed at once. Returns the credit it was given. */
  const flow = (bytes: number, piece = 32 * KIB) => {
    let credit = 0;
    for (let left = bytes; left > 0; left -= piece) {
      const length = Math.min(piece, left);
      expect(window.take(length)).toBe(true);
      credit += window.give(length);
    }
    return credit;
  };
  return { window, clock, flow, budget };
}

test("a window begins at 256 KiB and grows to 16 MiB while whole windows are consumed within a second", () => {
  const { window, flow, budget } = opened();
  expect(window.credit).toBe(256 * KIB);
  flow(64 * MIB);
  expect(budget.used).toBe(16 * MIB);
  expect(window.credit).toBeGreaterThan(14 * MIB);
});

test("towards others it stops at 2 MiB", () => {
  const { flow, budget } = opened(new WindowBudget(), false);
  flow(64 * MIB);
  expect(budget.used).toBe(2 * MIB);
});

test("a slow stream keeps the window it began with", () => {
  const { clock, flow, budget } = opened();
  for (let i = 0; i < 100; i++) {
    flow(128 * KIB);
    clock.now += 1100;
  }
  expect(budget.used).toBe(256 * KIB);
});

test("credit is gathered up to an eighth of the window and no more than 1 MiB", () => {
  const { window, clock, flow } = opened();
  clock.now = 5000;
  expect(window.take(32 * KIB - 1)).toBe(true);
  expect(window.give(32 * KIB - 1)).toBe(0);
  expect(window.take(1)).toBe(true);
  expect(window.give(1)).toBe(32 * KIB);
  flow(64 * MIB);
  const before = window.credit;
  expect(flow(MIB)).toBeGreaterThanOrEqual(MIB - 32 * KIB);
  expect(window.credit).toBeLessThanOrEqual(before + MIB);
});

test("more than the credit is not taken", () => {
  const { window } = opened();
  expect(window.take(256 * KIB)).toBe(true);
  expect(window.take(1)).toBe(false);
});

test("the sum of all windows never passes the budget; short of it new channels get 64 KiB, then none", () => {
  const budget = new WindowBudget(16 * MIB);
  const windows: ReceiveWindow[] = [];
  const sizes = new Map<number, number>();
  for (;;) {
    const window = ReceiveWindow.reserve({
      budget,
      limits: DEFAULT_LIMITS,
      peerIsSallyport: true,
      now: () => 0,
    });
    if (!window) break;
    windows.push(window);
    sizes.set(window.credit, (sizes.get(window.credit) ?? 0) + 1);
  }
  expect(Object.fromEntries(sizes)).toEqual({ [256 * KIB]: 32, [64 * KIB]: 128 });
  expect(budget.used).toBe(16 * MIB);
  for (const window of windows) {
    window.close();
    window.close();
  }
  expect(budget.used).toBe(0);
});

test("busy channels may take half of the budget, so that there is room for new ones", () => {
  const budget = new WindowBudget(64 * MIB);
  for (let i = 0; i < 20; i++) opened(budget).flow(32 * MIB);
  expect(budget.used).toBeLessThanOrEqual(32 * MIB + 20 * 64 * KIB);
});

test("when the budget is tight, wide windows shrink as they are used", () => {
  const budget = new WindowBudget(32 * MIB);
  const wide = opened(budget);
  wide.flow(64 * MIB);
  expect(budget.used).toBe(16 * MIB);
  expect(budget.reserve(10 * MIB, 10 * MIB)).toBe(10 * MIB);
  expect(budget.tight).toBe(true);
  wide.flow(8 * MIB);
  expect(budget.tight).toBe(false);
});

test("a token bucket allows its burst, then its rate", () => {
  let now = 0;
  const bucket = new TokenBucket(200, 500, () => now);
  const count = (tries: number) => Array.from({ length: tries }, () => bucket.take()).filter(Boolean).length;
  expect(count(1000)).toBe(500);
  now = 1000;
  expect(count(1000)).toBe(200);
  now = 3_600_000;
  expect(count(1000)).toBe(500);
});
