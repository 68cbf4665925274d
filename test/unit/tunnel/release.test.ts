import { expect, test } from "bun:test";
import { heir, release, share } from "../../../src/tunnel/release.ts";

test("a chunk that owns its memory gives it back at once", () => {
  const chunk = Buffer.alloc(100_000);
  release(chunk);
  expect(chunk.length).toBe(0);
});

test("a chunk with a few bytes of framing around it owns its memory", () => {
  const chunk = Buffer.alloc(10_000).subarray(5, 9_990);
  release(chunk);
  expect(chunk.length).toBe(0);
});

test("a part of something larger, and what is small, is left alone", () => {
  const whole = Buffer.alloc(100_000, 1);
  release(whole.subarray(0, 50_000));
  const small = Buffer.allocUnsafe(1000);
  release(small);
  expect(whole.length).toBe(100_000);
  expect(small.length).toBe(1000);
});

test("shared memory is left alone", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  release(shared);
  expect(shared.length).toBe(100_000);
});

test("the beginning of a chunk gives back all that the chunk owned", () => {
  const chunk = Buffer.alloc(100_000);
  const beginning = heir(chunk, 10);
  expect(beginning.length).toBe(10);
  release(beginning);
  expect(chunk.length).toBe(0);
});

test("the beginning of a chunk that did not own its memory is left alone", () => {
  const whole = Buffer.alloc(100_000);
  release(heir(whole.subarray(0, 50_000), 40_000));
  expect(whole.length).toBe(100_000);
});

test("a shared chunk gives its memory back when it and all its parts are released, in any order", () => {
  for (const order of [
    [0, 1, 2],
    [2, 0, 1],
    [1, 2, 0],
  ]) {
    const chunk = Buffer.alloc(100_000, 1);
    // The second reaches to a few bytes from the end and the beginning: it does not pass for the owner.
    const holders = [chunk, share(chunk, 5, 99_990), share(chunk, 60_000, 100_000)];
    for (const [at, index] of order.entries()) {
      expect([at, chunk.length]).toEqual([at, 100_000]);
      const holder = holders[index];
      if (holder) release(holder);
    }
    expect(chunk.length).toBe(0);
    expect(holders.map((each) => each.length)).toEqual([0, 0, 0]);
  }
});

test("a part of a part, and the heir of one, hold the same memory", () => {
  const chunk = Buffer.alloc(100_000, 1);
  const part = share(chunk, 0, 80_000);
  release(chunk);
  const inner = share(part, 10_000, 60_000);
  const last = heir(part, 70_000, 60_000);
  release(inner);
  expect(chunk.length).toBe(100_000);
  release(last);
  expect(chunk.length).toBe(0);
});

test("a small part is a copy, which holds up nothing", () => {
  const chunk = Buffer.alloc(100_000, 1);
  const part = share(chunk, 0, 10_000);
  release(chunk);
  expect(chunk.length).toBe(0);
  expect(part.equals(Buffer.alloc(10_000, 1))).toBe(true);
});

test("parts of a chunk that did not own its memory are left alone", () => {
  const whole = Buffer.alloc(100_000, 1);
  const chunk = whole.subarray(0, 50_000);
  const part = share(chunk, 0, 50_000);
  release(chunk);
  release(part);
  expect(whole.length).toBe(100_000);
});

test("who releases twice, or what it left to an heir, gives back nothing that others hold", () => {
  const chunk = Buffer.alloc(100_000, 1);
  const part = share(chunk, 5, 99_990);
  release(part);
  release(part);
  expect(chunk.length).toBe(100_000);
  const last = heir(chunk, 99_990);
  release(chunk);
  expect(last.length).toBe(99_990);
  release(last);
  expect(chunk.length).toBe(0);
});
