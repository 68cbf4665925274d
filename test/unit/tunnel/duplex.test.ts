import { expect, test } from "bun:test";
import { once } from "node:events";
import { StreamDuplex } from "../../../src/tunnel/duplex.ts";
import { streamPair } from "../../support/stream-pair.ts";

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Reads to the end without destroying the stream, as an async iterator would. */
async function textOf(stream: StreamDuplex): Promise<string> {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(stream, "end");
  return text;
}

test("bytes go both ways, each end on its own", async () => {
  const [a, b] = streamPair();
  const traffic = [
    { forward: 0, backward: 0 },
    { forward: 0, backward: 0 },
  ];
  const left = new StreamDuplex(a, traffic[0]);
  const right = new StreamDuplex(b, traffic[1]);
  left.end("question");
  expect(await textOf(right)).toBe("question");
  right.write("");
  right.end("answer");
  expect(await textOf(left)).toBe("answer");
  expect(traffic).toEqual([
    { forward: 6, backward: 8 },
    { forward: 8, backward: 6 },
  ]);
});

test("a reader that stops holds the writer back", async () => {
  const [a, b] = streamPair({ window: 1000 });
  const left = new StreamDuplex(a);
  const right = new StreamDuplex(b);
  let accepted = 0;
  const more = () => {
    while (left.write(Buffer.alloc(1000))) accepted += 1000;
    accepted += 1000;
    left.once("drain", more);
  };
  more();
  await turns(400);
  const stalled = accepted;
  expect(stalled).toBeLessThan(300_000);
  await turns(400);
  expect(accepted).toBe(stalled);
  right.resume();
  await turns(400);
  expect(accepted).toBeGreaterThan(stalled + 100_000);
  left.destroy();
  right.on("error", () => undefined);
});

test("the caller may change its buffer after the write", async () => {
  const [a, b] = streamPair();
  const left = new StreamDuplex(a);
  const right = new StreamDuplex(b);
  const chunk = Buffer.from("before");
  left.write(chunk);
  chunk.write("after!");
  const [received] = await once(right, "data");
  expect(String(received)).toBe("before");
});

test("a failing stream is an error to its reader, and destroy reaches the stream", async () => {
  const [a, b] = streamPair();
  const left = new StreamDuplex(a);
  const right = new StreamDuplex(b);
  const failed = once(right, "close").catch((error: unknown) => error);
  right.on("error", () => undefined);
  left.destroy();
  await failed;
  expect(right.destroyed).toBe(true);
  expect([a.closed, b.closed]).toEqual([true, true]);
});

test("after everything was written, destroy leaves the peer time to read it and to end", async () => {
  const [a, b] = streamPair();
  const left = new StreamDuplex(a);
  const right = new StreamDuplex(b);
  left.end("last words", () => left.destroy());
  await once(left, "close");
  expect(a.closed).toBe(false);
  expect(await textOf(right)).toBe("last words");
  right.end("too late");
  await turns();
  expect([a.closed, b.closed]).toEqual([true, true]);
});
