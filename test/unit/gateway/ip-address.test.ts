import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../../src/gateway/ip-address.ts";

const canonical = (text: string) => {
  const address = parseAddress(text);
  return address && formatAddress(address);
};

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["2130706433", "127.0.0.1"],
  ["0x7f000001", "127.0.0.1"],
  ["017700000001", "127.0.0.1"],
  ["0177.0.0.1", "127.0.0.1"],
  ["0x7f.0.0.1", "127.0.0.1"],
  ["127.1", "127.0.0.1"],
  ["127.0.1", "127.0.0.1"],
  ["10.1.65535", "10.1.255.255"],
  ["0", "0.0.0.0"],
  ["4294967295", "255.255.255.255"],
  ["::ffff:127.0.0.1", "127.0.0.1"],
  ["::ffff:7f00:1", "127.0.0.1"],
  ["[::FFFF:127.0.0.1]", "127.0.0.1"],
  ["0:0:0:0:0:ffff:7f00:0001", "127.0.0.1"],
  ["::1", "::1"],
  ["[::1]", "::1"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"],
  ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
])("%s is the address %s", (text, address) => {
  expect(canonical(text)).toBe(address);
});

test.each([
  "",
  "localhost",
  "1.2.3.4.5",
  "256.1.1.1",
  "4294967296",
  "127.0.0.256",
  "127.0x1g",
  "08.0.0.1",
  "1..2",
  ".1",
  "+1",
  "-1",
  "1e3",
  " 127.0.0.1",
  "fe80::1%eth0",
  ":::",
  "[127.0.0.1",
  "1:2:3",
])("%p is no address", (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

test("every IPv6 address survives being read and written", () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const address = parseAddress(text);
      expect(address).toBeDefined();
      if (address) expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
});

test("B1 no text makes the address parser fail or hang", () => {
  const part = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom("0x", ".", ":", "[", "]", "::", "9".repeat(500)),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const address = parseAddress(parts.join(""));
      if (address) expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
});
