import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { SEALING_KEY_BYTES, seal, unseal } from "../../../src/pki/sealing.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";

const KEY = randomBytes(SEALING_KEY_BYTES);
const SECRET = Buffer.from("the private key of an authority");

function refused(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    return error instanceof SallyportError && error.code === "ROOT_KEY_MISMATCH";
  }
}

test("what was sealed opens with the same key and context", () => {
  expect(Buffer.from(unseal(KEY, seal(KEY, SECRET, "org 1"), "org 1"))).toEqual(SECRET);
  expect(unseal(KEY, seal(KEY, new Uint8Array(), "org 1"), "org 1")).toHaveLength(0);
});

test("a sealed blob shows nothing of its content and never looks the same twice", () => {
  const sealed = Buffer.from(seal(KEY, SECRET, "org 1"));
  expect(sealed.includes(SECRET.subarray(0, 8))).toBe(false);
  expect(sealed.equals(seal(KEY, SECRET, "org 1"))).toBe(false);
});

test("another key does not open it", () => {
  const sealed = seal(KEY, SECRET, "org 1");
  expect(refused(() => unseal(randomBytes(SEALING_KEY_BYTES), sealed, "org 1"))).toBe(true);
});

test("another context does not open it", () => {
  const sealed = seal(KEY, SECRET, "org 1");
  expect(refused(() => unseal(KEY, sealed, "org 2"))).toBe(true);
});

test("a blob with any one bit changed does not open", () => {
  const sealed = seal(KEY, SECRET, "org 1");
  for (let at = 0; at < sealed.length; at++) {
    const damaged = Uint8Array.from(sealed);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(refused(() => unseal(KEY, damaged, "org 1"))).toBe(true);
  }
});

test("a blob that is cut off does not open", () => {
  const sealed = seal(KEY, SECRET, "org 1");
  for (let length = 0; length < sealed.length; length++) {
    expect(refused(() => unseal(KEY, sealed.subarray(0, length), "org 1"))).toBe(true);
  }
});
