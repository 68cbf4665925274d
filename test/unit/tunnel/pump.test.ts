import { describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { pump } from "../../../src/tunnel/pump.ts";
import { release } from "../../../src/tunnel/release.ts";
import type { SocketStream } from "../../../src/tunnel/socket.ts";
import type { ByteStream, ByteStreamHandler } from "../../../src/tunnel/stream.ts";
import { Inbox } from "../../support/byte-stream.ts";
import { streamPair } from "../../support/stream-pair.ts";
import { tcpPair } from "../../support/tcp-pair.ts";

/** near <-> a === pump === b <-> far */
function joined() {
  const [near, a] = streamPair();
  const [b, far] = streamPair();
  return { near: new Inbox(near), far: new Inbox(far), result: pump(a, b) };
}

test("carries both directions and counts them", async () => {
  const { near, far, result } = joined();
  near.write("question");
  expect(await far.until(8)).toBe("question");
  far.write("the answer");
  expect(await near.until(10)).toBe("the answer");
  near.stream.end();
  far.stream.end();
  expect(await result).toEqual({ forward: 8, backward: 10, error: null });
});

test("each direction ends on its own", async () => {
  const { near, far, result } = joined();
  near.write("all of it");
  near.stream.end();
  expect(await far.untilEnd()).toBe("all of it");
  far.write("still open");
  far.stream.end();
  expect(await near.untilEnd()).toBe("still open");
  expect((await result).error).toBeNull();
});

test("a failure on one side destroys the other with the same error", async () => {
  const { near, far, result } = joined();
  near.stream.destroy();
  expect((await result).error?.message).toBe("connection reset");
  expect(await far.closed).toBeInstanceOf(Error);
});

test("what comes for a side that has closed both ways in order is dropped, and its sender not held up", async () => {
  const [near, a] = streamPair({ window: 1000 });
  let handler: ByteStreamHandler | undefined;
  const written: Buffer[] = [];
  const closed: ByteStream = {
    attach(attached) {
      handler = attached;
    },
    write: (chunk) => void written.push(chunk),
    end() {},
    destroy() {},
    consumed() {},
  };
  const result = pump(a, closed);
  const client = new Inbox(near);
  handler?.end();
  handler?.closed(null);
  expect(await client.untilEnd()).toBe("");
  near.write(Buffer.alloc(10_000));
  near.end();
  expect(await result).toEqual({ forward: 10_000, backward: 0, error: null });
  expect(written).toEqual([]);
});

/** A stream that tells all it has while it is being attached, and forgets what is written before that. */
class Hasty implements ByteStream {
  written: string[] = [];
  credit = 0;
  #handler: ByteStreamHandler | null = null;

  constructor(private readonly early: string[]) {}

  attach(handler: ByteStreamHandler): void {
    this.#handler = handler;
    for (const text of this.early) handler.data(Buffer.from(text));
    handler.end();
  }

  write(chunk: Buffer): void {
    this.written.push(chunk.toString());
    this.#handler?.written(chunk.length);
  }

  end(): void {
    this.#handler?.closed(null);
  }

  destroy(): void {}

  consumed(bytes: number): void {
    this.credit += bytes;
  }
}

test("what a stream tells while its partner is not attached yet is carried in order, and its credit comes back", async () => {
  const a = new Hasty(["1", "22"]);
  const b = new Hasty(["333"]);
  expect(await pump(a, b)).toEqual({ forward: 3, backward: 3, error: null });
  expect(b.written).toEqual(["1", "22"]);
  expect(a.written).toEqual(["333"]);
  expect([a.credit, b.credit]).toEqual([3, 3]);
});

describe("over sockets", () => {
  test("bytes survive a slow reader, and memory stays within the windows", async () => {
    const left = await tcpPair();
    const right = await tcpPair();
    const result = pump(left.b, right.a);
    const TOTAL = 64 * 1024 * 1024;
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    let peak = 0;
    const sent = send(left.a, TOTAL);
    const received = await new Promise<string>((resolve) => {
      const hash = createHash("sha256");
      right.b.attach({
        data(chunk) {
          hash.update(chunk);
          peak = Math.max(peak, process.memoryUsage.rss());
          const { length } = chunk;
          release(chunk);
          setTimeout(() => right.b.consumed(length), 1);
        },
        end: () => resolve(hash.digest("hex")),
        written() {},
        closed() {},
      });
    });
    expect(received).toBe(await sent);
    right.b.end();
    expect(await result).toEqual({ forward: TOTAL, backward: 0, error: null });
    expect(peak - before).toBeLessThan(64 * 1024 * 1024);
  });
});

/** Writes random bytes as credit comes back, then ends. Returns their hash. */
function send(stream: SocketStream, total: number): Promise<string> {
  const CHUNK = 128 * 1024;
  return new Promise((resolve) => {
    const hash = createHash("sha256");
    const block = randomBytes(CHUNK);
    let left = total;
    let pending = 0;
    const fill = () => {
      while (left > 0 && pending < 4 * CHUNK) {
        block.writeUInt32LE(left, 0);
        const chunk = Buffer.from(block);
        hash.update(chunk);
        left -= CHUNK;
        pending += CHUNK;
        stream.write(chunk);
      }
      if (left === 0 && pending === 0) {
        stream.end();
        resolve(hash.digest("hex"));
      }
    };
    stream.attach({
      data() {},
      end() {},
      written(bytes) {
        pending -= bytes;
        fill();
      },
      closed() {},
    });
    fill();
  });
}
