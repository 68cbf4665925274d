import type { ByteStream } from "../../src/tunnel/stream.ts";

/** Opens a stream to the demo target's raw port, however the path under test does it. */
export type Dial = () => Promise<ByteStream>;

/** What the load generator can be asked for. */
export type Task =
  | { kind: "up" | "down"; bytes: number; streams: number }
  | { kind: "latency"; connections: number; pings: number }
  | { kind: "opens"; count: number; parallel: number }
  | { kind: "stall"; streams: number; bytes: number; seconds: number };

export interface TaskResult {
  /** How long the work took, dialling excluded (except for `opens`, which is dialling). */
  ms: number;
  /** Connect + first byte, one number per connection. */
  connectMs: number[];
  /** One byte there and back on an open stream. */
  rttMs: number[];
}

/** Unsent bytes that an uploader keeps in the stream. */
const AHEAD = 1024 * 1024;
const BLOCK = 256 * 1024;

export async function perform(task: Task, dial: Dial): Promise<TaskResult> {
  switch (task.kind) {
    case "up":
      return transfer(dial, task.streams, task.bytes, upload);
    case "down":
      return transfer(dial, task.streams, task.bytes, download);
    case "latency":
      return latency(dial, task.connections, task.pings);
    case "opens":
      return opens(dial, task.count, task.parallel);
    case "stall":
      return stall(dial, task.streams, task.bytes, task.seconds);
  }
}

async function transfer(
  dial: Dial,
  streams: number,
  bytes: number,
  one: (stream: ByteStream, bytes: number) => Promise<void>,
): Promise<TaskResult> {
  const open = await Promise.all(Array.from({ length: streams }, dial));
  const started = performance.now();
  await Promise.all(open.map((stream) => one(stream, Math.floor(bytes / streams))));
  return result({ ms: performance.now() - started });
}

/** Sends `bytes` and waits for the target's answer that all of them arrived. */
function upload(stream: ByteStream, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = bytes;
    let queued = 0;
    let answered = false;
    const fill = () => {
      while (left > 0 && queued < AHEAD) {
        const size = Math.min(left, BLOCK);
        left -= size;
        queued += size;
        stream.write(Buffer.allocUnsafeSlow(size));
      }
    };
    stream.attach({
      data(chunk) {
        answered = true;
        stream.consumed(chunk.length);
      },
      end: () => stream.end(),
      written(count) {
        queued -= count;
        fill();
      },
      closed: (error) => (answered ? resolve() : reject(error ?? new Error("ended without an answer"))),
    });
    const line = Buffer.from(`SINK ${bytes}\n`);
    queued += line.length;
    stream.write(line);
    fill();
  });
}

function download(stream: ByteStream, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    stream.attach({
      data(chunk) {
        received += chunk.length;
        stream.consumed(chunk.length);
      },
      end() {
        if (received === bytes) resolve();
        stream.end();
      },
      written() {},
      closed: (error) => reject(error ?? new Error(`ended after ${received} of ${bytes} bytes`)),
    });
    stream.write(Buffer.from(`SOURCE ${bytes}\n`));
  });
}

async function latency(dial: Dial, connections: number, pings: number): Promise<TaskResult> {
  const connectMs: number[] = [];
  const rttMs: number[] = [];
  const started = performance.now();
  for (let i = 0; i < connections; i++) {
    const from = performance.now();
    const echo = await openEcho(dial);
    connectMs.push(performance.now() - from);
    for (let ping = 0; ping < pings; ping++) {
      const sent = performance.now();
      await echo.ping();
      rttMs.push(performance.now() - sent);
    }
    echo.close();
  }
  return result({ ms: performance.now() - started, connectMs, rttMs });
}

async function opens(dial: Dial, count: number, parallel: number): Promise<TaskResult> {
  const connectMs: number[] = [];
  const started = performance.now();
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const from = performance.now();
      const echo = await openEcho(dial);
      connectMs.push(performance.now() - from);
      echo.close();
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return result({ ms: performance.now() - started, connectMs });
}

/** Asks for far more than anybody buffers, and takes nothing. */
async function stall(dial: Dial, streams: number, bytes: number, seconds: number): Promise<TaskResult> {
  const open = await Promise.all(Array.from({ length: streams }, dial));
  const started = performance.now();
  for (const stream of open) {
    stream.attach({ data() {}, end() {}, written() {}, closed() {} });
    stream.write(Buffer.from(`SOURCE ${bytes}\n`));
  }
  await Bun.sleep(seconds * 1000);
  for (const stream of open) stream.destroy();
  return result({ ms: performance.now() - started });
}

/** An open stream whose first byte has come back. */
async function openEcho(dial: Dial): Promise<{ ping(): Promise<void>; close(): void }> {
  const stream = await dial();
  let answer: PromiseWithResolvers<void> = Promise.withResolvers();
  stream.attach({
    data(chunk) {
      stream.consumed(chunk.length);
      answer.resolve();
    },
    end: () => answer.reject(new Error("the echo ended")),
    written() {},
    closed: (error) => answer.reject(error ?? new Error("the echo was closed")),
  });
  stream.write(Buffer.from("ECHO\nx"));
  await answer.promise;
  return {
    ping() {
      answer = Promise.withResolvers();
      stream.write(Buffer.from("x"));
      return answer.promise;
    },
    close: () => stream.destroy(),
  };
}

function result(part: Partial<TaskResult> & { ms: number }): TaskResult {
  return { connectMs: [], rttMs: [], ...part };
}
