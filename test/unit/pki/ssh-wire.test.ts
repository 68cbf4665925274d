import { expect, test } from "bun:test";
import fc from "fast-check";
import { SshReader, SshWriter } from "../../../src/pki/ssh-wire.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";

test("what the writer wrote, the reader reads", () => {
  const bytes = new SshWriter()
    .byte(7)
    .boolean(true)
    .uint32(0xfffffffe)
    .uint64(2n ** 64n - 1n)
    .string("name")
    .string(Buffer.of(0, 255))
    .positive(Buffer.of(0, 0, 0x80))
    .raw(Buffer.of(9))
    .toBuffer();
  const reader = new SshReader(bytes);
  expect(reader.byte()).toBe(7);
  expect(reader.boolean()).toBe(true);
  expect(reader.uint32()).toBe(0xfffffffe);
  expect(reader.uint64()).toBe(2n ** 64n - 1n);
  expect(reader.latin1()).toBe("name");
  expect(reader.string()).toEqual(Buffer.of(0, 255));
  expect(reader.positive(16)).toEqual(Buffer.of(0x80));
  expect(reader.atEnd).toBe(false);
  expect(() => reader.end()).toThrow("1 bytes too many");
  expect(reader.rest()).toEqual(Buffer.of(9));
  reader.end();
});

test("a string longer than allowed or than the data is refused before it is read", () => {
  const long = new SshWriter().string("12345").toBuffer();
  expect(() => new SshReader(long).string(4)).toThrow("a string of 5 bytes");
  expect(() => new SshReader(long.subarray(0, 6)).string()).toThrow("an end in the middle");
  expect(() => new SshReader(Buffer.of(0xff, 0xff, 0xff, 0xff)).string()).toThrow("at most");
});

test("numbers that are negative, zero or padded are refused", () => {
  for (const bytes of [[0x80], [], [0], [0, 1], [0, 0, 0x80]]) {
    expect(() => new SshReader(new SshWriter().string(Buffer.from(bytes)).toBuffer()).positive(8)).toThrow(
      SallyportError,
    );
  }
});

test("B1 random bytes give values or SSH_PROTOCOL, never another error", () => {
  const steps = fc.array(
    fc.constantFrom("byte", "uint32", "uint64", "string", "latin1", "positive", "rest", "end"),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), steps, (bytes, methods) => {
      const reader = new SshReader(Buffer.from(bytes));
      try {
        for (const method of methods) {
          if (method === "positive") reader.positive(16);
          else if (method === "byte") reader.byte();
          else if (method === "uint32") reader.uint32();
          else if (method === "uint64") reader.uint64();
          else if (method === "string") reader.string();
          else if (method === "latin1") reader.latin1();
          else if (method === "rest") reader.rest();
          else reader.end();
        }
      } catch (error) {
        expect(error).toBeInstanceOf(SallyportError);
      }
      expect(reader.position).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
