import { expect, test } from "bun:test";
import fc from "fast-check";
import { ALPN, decodeProtocols } from "../../../src/tunnel/alpn.ts";

/** RFC 7301, 3.1. */
function encodeProtocols(protocols: readonly string[]): Buffer {
  return Buffer.concat(protocols.map((name) => Buffer.from(`${String.fromCharCode(name.length)}${name}`)));
}

test("names come over the wire with their lengths", () => {
  const wire = Buffer.from("\x10infisical-health\x0einfisical-ping", "latin1");
  expect(decodeProtocols(wire)).toEqual([ALPN.health, ALPN.ping]);
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
