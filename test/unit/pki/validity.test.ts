import { expect, test } from "bun:test";
import { normalSerial, randomSerial } from "../../../src/pki/serial.ts";
import { authorityValidity, leafValidity } from "../../../src/pki/validity.ts";

test("an authority ends on the same month and day of 2045", () => {
  const { notBefore, notAfter } = authorityValidity(new Date("2026-11-21T18:30:15.678Z"));
  expect(notBefore.toISOString()).toBe("2026-11-21T18:25:15.000Z");
  expect(notAfter.toISOString()).toBe("2045-11-21T18:30:15.000Z");
});

test("an authority made on 29 February ends on 28 February 2045", () => {
  const { notAfter } = authorityValidity(new Date("2028-02-29T23:59:59Z"));
  expect(notAfter.toISOString()).toBe("2045-02-28T23:59:59.000Z");
});

test("a leaf is valid from five minutes ago for its life", () => {
  const { notBefore, notAfter } = leafValidity(new Date("2026-01-01T00:00:00.999Z"), 300);
  expect(notBefore.toISOString()).toBe("2025-12-31T23:55:00.000Z");
  expect(notAfter.toISOString()).toBe("2026-01-01T00:05:00.000Z");
});

test("a leaf never outlives its issuer", () => {
  const issuerEnds = new Date("2026-01-01T01:00:00Z");
  const { notAfter } = leafValidity(new Date("2026-01-01T00:30:00Z"), 86_400, issuerEnds);
  expect(notAfter).toEqual(issuerEnds);
});

test("serials are positive, 20 bytes and never repeat", () => {
  const serials = Array.from({ length: 2000 }, randomSerial);
  expect(new Set(serials).size).toBe(serials.length);
  for (const serial of serials) expect(serial).toMatch(/^[0-7][0-9a-f]{39}$/);
});

test("a serial has one spelling", () => {
  expect(normalSerial("00AB01")).toBe("ab01");
  expect(normalSerial("0")).toBe("0");
});
