import { expect, test } from "bun:test";
import fc from "fast-check";
import { ALPN, decodeProtocols, encodeProtocols } from "../../../src/tunnel/alpn.ts";

test("names go over the wire with their lengths", () => {
  expect(encodeProtocols([ALPN.health, ALPN.ping]).toString("latin1")).toBe(
    "\x10infisical-health\x0einfisical-ping",
  );
});

test("what was encoded is decoded", () => {
  const name = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(..."abc-/1") });
  fc.assert(
    fc.property(fc.array(name, { maxLength: 6 }), (names) => {
      expect(decodeProtocols(encodeProtocols(names))).toEqual(names);
    }),
  );
});

test("B1 any bytes decode to something", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => Array.isArray(decodeProtocols(bytes))));
  expect(decodeProtocols(Buffer.from("\x02h2\x09cut", "latin1"))).toEqual(["h2"]);
});
