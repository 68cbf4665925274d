import { expect, test } from "bun:test";
import { heir, release } from "../../../src/tunnel/release.ts";

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
