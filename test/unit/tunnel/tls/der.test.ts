import { expect, test } from "bun:test";
import { DerReader, encodeOid, TAG } from "../../../../src/tunnel/tls/der.ts";

const read = (hex: string) => () => new DerReader(Buffer.from(hex, "hex")).next();

test("short and long lengths", () => {
  expect(read("0403616263")().content.toString()).toBe("abc");
  const long = `048180${"61".repeat(128)}`;
  expect(read(long)().content.length).toBe(128);
});

test.each([
  ["indefinite", "3080 0000"],
  ["longer than minimal", "0481 03 616263"],
  ["with leading zeros", `0482 0080 ${"61".repeat(128)}`],
  ["beyond the end", "0404 616263"],
  ["of four bytes", "0484 00000003 616263"],
  ["missing", "04"],
])("a length that is %s is refused", (_what, hex) => {
  expect(read(hex.replaceAll(" ", ""))).toThrow("malformed");
});

test("tags above 30 are refused", () => {
  expect(read("1f810101 00")).toThrow("malformed");
});

test("values are read one by one, and what is left over is noticed", () => {
  const reader = new DerReader(Buffer.from("3003020105 0101ff".replaceAll(" ", ""), "hex"));
  expect(reader.enter(TAG.sequence).expect(TAG.integer)).toEqual(Buffer.from([5]));
  expect(reader.optional(TAG.integer)).toBeUndefined();
  expect(() => reader.finish()).toThrow("surplus");
  expect(reader.optional(TAG.boolean)).toEqual(Buffer.from([0xff]));
  reader.finish();
});

test("object identifiers are encoded", () => {
  expect(encodeOid("2.5.29.19")).toBe("551d13");
  expect(encodeOid("1.3.6.1.4.1.12345.100.16")).toBe("2b06010401e0396410");
});
