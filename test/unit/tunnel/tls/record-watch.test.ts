import { expect, test } from "bun:test";
import fc from "fast-check";
import { RecordWatch } from "../../../../src/tunnel/tls/record-watch.ts";

const HANDSHAKE = 22;
const ALERT = 21;
const DATA = 23;

function record(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(5 + length, 0xaa);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt16BE(0x0303, 1);
  bytes.writeUInt16BE(length, 3);
  return bytes;
}

function after(...chunks: Buffer[]): RecordWatch {
  const watch = new RecordWatch();
  for (const chunk of chunks) watch.pass(chunk);
  return watch;
}

test("TLS 1.3: a record as long as an alert can be close_notify, any other cannot", () => {
  expect(
    after(record(HANDSHAKE, 90), record(DATA, 500), record(DATA, 19)).endsWithCloseNotify("TLSv1.3"),
  ).toBe(true);
  for (const last of [
    record(DATA, 18),
    record(DATA, 20),
    record(ALERT, 19),
    record(ALERT, 2),
    record(HANDSHAKE, 19),
  ]) {
    expect(after(record(DATA, 19), last).endsWithCloseNotify("TLSv1.3")).toBe(false);
  }
});

test("TLS 1.2: an encrypted alert can be close_notify, one in clear cannot", () => {
  expect(after(record(DATA, 500), record(ALERT, 26)).endsWithCloseNotify("TLSv1.2")).toBe(true);
  expect(after(record(ALERT, 2)).endsWithCloseNotify("TLSv1.2")).toBe(false);
  expect(after(record(DATA, 19)).endsWithCloseNotify("TLSv1.2")).toBe(false);
});

test("a record that is cut off is no end", () => {
  const bytes = Buffer.concat([record(DATA, 300), record(DATA, 19)]);
  for (let length = 0; length < bytes.length; length++) {
    expect(after(bytes.subarray(0, length)).endsWithCloseNotify("TLSv1.3")).toBe(false);
  }
  expect(after(bytes).endsWithCloseNotify("TLSv1.3")).toBe(true);
});

test("how the bytes are cut into chunks makes no difference", () => {
  const bytes = Buffer.concat([record(HANDSHAKE, 7), record(DATA, 0), record(DATA, 100), record(DATA, 19)]);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const chunks = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
      expect(after(...chunks).endsWithCloseNotify("TLSv1.3")).toBe(true);
    }),
  );
});
