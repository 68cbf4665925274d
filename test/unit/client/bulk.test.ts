import { afterAll, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { openTunnel } from "../../../src/client/tunnel.ts";
import type { ByteStream } from "../../../src/tunnel/stream.ts";
import { TlsPath } from "../../support/tls-path.ts";

const MIB = 1024 * 1024;
const TOTAL = 128 * MIB;
const CHUNK = 256 * 1024;
/** All four TLS ends and both unix sockets are in this process: windows of half a MiB each, and what the allocator keeps. */
const MEMORY_LIMIT = 64 * MIB;

const done = Promise.withResolvers<Exchange>();
const path = await TlsPath.open({ serve: ({ stream }) => void exchange(stream).then(done.resolve) });
afterAll(() => path.close());

interface Exchange {
  sent: string;
  received: string;
  bytes: number;
  error: Error | null;
}

/** Sends that much with flow control, then ends; meanwhile reads everything. Resolves when both are over. */
function exchange(stream: ByteStream, consumeLate = false): Promise<Exchange> {
  return new Promise((resolve) => {
    const sent = createHash("sha256");
    const received = createHash("sha256");
    let bytes = 0;
    let left = TOTAL;
    let pending = 0;
    const ours = randomBytes(4);
    const fill = () => {
      while (left > 0 && pending < 4 * CHUNK) {
        const chunk = Buffer.alloc(CHUNK, "sallyport");
        ours.copy(chunk);
        chunk.writeUInt32LE(left, ours.length);
        sent.update(chunk);
        left -= CHUNK;
        pending += CHUNK;
        stream.write(chunk);
      }
      if (left === 0 && pending === 0) stream.end();
    };
    stream.attach({
      data(chunk) {
        const { length } = chunk;
        received.update(chunk);
        bytes += length;
        if (consumeLate) setTimeout(() => stream.consumed(length), 1);
        else stream.consumed(length);
      },
      end() {},
      written(count) {
        // The gateway's own status line is not part of what we send.
        pending = Math.max(0, pending - count);
        fill();
      },
      closed: (error) =>
        resolve({ sent: sent.digest("hex"), received: received.digest("hex"), bytes, error }),
    });
    fill();
  });
}

test("F13 128 MiB each way at once, one side reading slowly: hashes equal, memory bounded", async () => {
  const { stream } = await openTunnel(await path.client());
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const [near, far] = await Promise.all([exchange(stream, true), done.promise]);
  clearInterval(watch);
  expect(near).toMatchObject({ bytes: TOTAL, error: null });
  expect(far).toMatchObject({ bytes: TOTAL, error: null });
  expect(near.received).toBe(far.sent);
  expect(far.received).toBe(near.sent);
  expect(peak - before).toBeLessThan(MEMORY_LIMIT);
}, 60_000);
