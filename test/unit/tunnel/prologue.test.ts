import { expect, test } from "bun:test";
import { withPrologue } from "../../../src/tunnel/prologue.ts";
import type { ByteStream, ByteStreamHandler } from "../../../src/tunnel/stream.ts";

test("a line of our own comes first, and nobody gets credit for its bytes", () => {
  const wrote: string[] = [];
  const credit: number[] = [];
  let inner: ByteStreamHandler | undefined;
  const stream: ByteStream = {
    attach(handler) {
      inner = handler;
    },
    write: (chunk) => wrote.push(chunk.toString()),
    end() {},
    destroy() {},
    consumed() {},
  };
  const outer = withPrologue(stream, Buffer.from("OK\n"));
  outer.attach({ data() {}, end() {}, written: (bytes) => credit.push(bytes), closed() {} });
  outer.write(Buffer.from("hello"));
  expect(wrote).toEqual(["OK\n", "hello"]);
  for (const bytes of [2, 3, 3]) inner?.written(bytes);
  expect(credit).toEqual([2, 3]);
});

test("without a line the stream is itself", () => {
  const stream: ByteStream = { attach() {}, write() {}, end() {}, destroy() {}, consumed() {} };
  expect(withPrologue(stream, null)).toBe(stream);
});
