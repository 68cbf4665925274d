import { afterEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { ReadBudget } from "../../../src/tunnel/read-budget.ts";
import { type RawSocket, SocketStream, streamEvents } from "../../../src/tunnel/socket.ts";
import type { ByteStreamHandler } from "../../../src/tunnel/stream.ts";
import { Inbox } from "../../support/byte-stream.ts";
import { tcpPair } from "../../support/tcp-pair.ts";

/** A socket that takes as many bytes as it is told to. */
class StubSocket implements RawSocket {
  readonly calls: string[] = [];
  taken = Buffer.alloc(0);
  room = Number.POSITIVE_INFINITY;

  write(data: Uint8Array): number {
    const taken = data.subarray(0, Math.min(this.room, data.length));
    this.taken = Buffer.concat([this.taken, taken]);
    this.calls.push(`write ${taken.length}`);
    return taken.length;
  }
  shutdown = () => void this.calls.push("shutdown");
  end = () => void this.calls.push("end");
  terminate = () => void this.calls.push("terminate");
  pause = () => void this.calls.push("pause");
  resume = () => void this.calls.push("resume");
}

/** A handler that writes down what it is told. */
function recorder(log: string[], name = ""): ByteStreamHandler {
  return {
    data: (chunk) => log.push(`${name}data ${chunk}`),
    end: () => log.push(`${name}end`),
    written: (bytes) => log.push(`${name}written ${bytes}`),
    closed: (error) => log.push(`${name}closed ${error?.message ?? null}`),
  };
}

function opened(options?: ConstructorParameters<typeof SocketStream>[0]) {
  const socket = new StubSocket();
  const stream = new SocketStream(options);
  stream.open(socket);
  return { socket, stream, log: [] as string[] };
}

describe("what the handler is told", () => {
  test("data that comes before a handler is attached waits", () => {
    const { socket, stream, log } = opened();
    stream.onData(Buffer.from("a"));
    stream.onData(Buffer.from("b"));
    stream.attach(recorder(log));
    expect(log).toEqual(["data a", "data b"]);
    expect(socket.calls).toEqual([]);
  });

  test("an end and a close before a handler is attached are told in order, after the data", () => {
    const { stream, log } = opened();
    stream.onData(Buffer.from("a"));
    stream.onEnd();
    stream.onClose(new Error("reset"));
    stream.attach(recorder(log));
    expect(log).toEqual(["data a", "end", "closed reset"]);
  });

  test("a handler that replaces itself on its first chunk leaves the rest, and the end, to the next one", () => {
    const { stream, log } = opened();
    for (const text of ["1", "2", "3"]) stream.onData(Buffer.from(text));
    stream.onEnd();
    stream.attach({
      ...recorder(log, "first "),
      data(chunk) {
        log.push(`first data ${chunk}`);
        stream.attach(recorder(log, "second "));
      },
    });
    expect(log).toEqual(["first data 1", "second data 2", "second data 3", "second end"]);
  });

  test("a handler attached after the close is told of it, once", () => {
    const { stream, log } = opened();
    stream.attach(recorder(log, "first "));
    stream.onClose(new Error("reset"));
    stream.onClose();
    stream.attach(recorder(log, "second "));
    expect(log).toEqual(["first closed reset", "second closed reset"]);
  });

  test("bytes written before a handler is attached are reported to it", () => {
    const { stream, log } = opened();
    stream.write(Buffer.from("12345"));
    stream.attach(recorder(log));
    expect(log).toEqual(["written 5"]);
  });

  test("destroy drops what waits and tells of the close once", () => {
    const { socket, stream, log } = opened();
    stream.onData(Buffer.from("a"));
    stream.destroy(new Error("why"));
    stream.destroy();
    stream.onClose();
    stream.attach(recorder(log));
    expect(log).toEqual(["closed why"]);
    expect(socket.calls).toEqual(["terminate"]);
    expect(stream.error?.message).toBe("why");
  });
});

describe("how much is read ahead", () => {
  const KIB = 1024;
  const silent: ByteStreamHandler = { data() {}, end() {}, written() {}, closed() {} };
  const reading = (reads: ReadBudget) => {
    const pair = opened({ reads });
    pair.stream.attach(silent);
    pair.socket.calls.splice(0);
    return pair;
  };

  test("16 KiB while nobody is attached, and on when somebody is who consumes them", () => {
    const { socket, stream } = opened({ reads: new ReadBudget() });
    stream.onData(Buffer.alloc(16 * KIB - 1));
    expect(socket.calls).toEqual([]);
    stream.onData(Buffer.alloc(1));
    expect(socket.calls).toEqual(["pause"]);
    stream.consumed(0);
    expect(socket.calls).toEqual(["pause"]);
    stream.attach(silent);
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  test("half a megabyte, and again when half of that is consumed", () => {
    const { socket, stream } = reading(new ReadBudget());
    stream.onData(Buffer.alloc(511 * KIB));
    expect(socket.calls).toEqual([]);
    stream.onData(Buffer.alloc(KIB));
    expect(socket.calls).toEqual(["pause"]);
    stream.consumed(256 * KIB);
    expect(socket.calls).toEqual(["pause"]);
    stream.consumed(1);
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  test("F14 64 KiB while the sockets of the process hold more than their budget, whoever holds it", () => {
    const reads = new ReadBudget(1024 * KIB);
    const stalled = [reading(reads), reading(reads)];
    for (const { stream } of stalled) stream.onData(Buffer.alloc(512 * KIB));
    const moving = reading(reads);
    for (let i = 0; i < 3; i++) {
      moving.stream.onData(Buffer.alloc(64 * KIB));
      moving.stream.consumed(32 * KIB);
      moving.stream.consumed(32 * KIB);
    }
    expect(moving.socket.calls).toEqual(["pause", "resume", "pause", "resume", "pause", "resume"]);
  });

  test("a socket that closes gives back what it held; what is consumed later counts no more", () => {
    const reads = new ReadBudget(512 * KIB);
    const { stream } = reading(reads);
    stream.onData(Buffer.alloc(512 * KIB));
    expect(reads.window).toBe(64 * KIB);
    stream.destroy();
    stream.consumed(512 * KIB);
    expect(reads.window).toBe(512 * KIB);
    const next = reading(reads);
    next.stream.onData(Buffer.alloc(512 * KIB - 1));
    expect(next.socket.calls).toEqual([]);
  });
});

describe("writing", () => {
  test("what the socket does not take waits for drain and is reported as it leaves", () => {
    const { socket, stream, log } = opened();
    stream.attach(recorder(log));
    socket.room = 4;
    stream.write(Buffer.from("abcdef"));
    stream.write(Buffer.from("gh"));
    expect(log).toEqual(["written 4"]);
    socket.room = 100;
    stream.onDrain();
    expect(socket.taken.toString()).toBe("abcdefgh");
    expect(log).toEqual(["written 4", "written 2", "written 2"]);
  });

  test("the end waits until everything has left", () => {
    const { socket, stream } = opened();
    stream.attach(recorder([]));
    socket.room = 0;
    stream.write(Buffer.from("abc"));
    stream.end();
    expect(socket.calls).not.toContain("shutdown");
    socket.room = 100;
    stream.onDrain();
    expect(socket.calls.at(-1)).toBe("shutdown");
  });

  test("after the end bytes are dropped and reported as written", () => {
    const { socket, stream, log } = opened();
    stream.attach(recorder(log));
    stream.end();
    stream.write(Buffer.from("late"));
    expect(log).toEqual(["written 4"]);
    expect(socket.taken.length).toBe(0);
  });

  test("a reset reports what was queued as written, then the error", () => {
    const { socket, stream, log } = opened();
    stream.attach(recorder(log));
    socket.room = 1;
    stream.write(Buffer.from("abc"));
    stream.onClose(new Error("reset"));
    expect(log).toEqual(["written 1", "written 2", "closed reset"]);
  });

  test("bytes written before the socket is there leave when it is", () => {
    const stream = new SocketStream();
    const socket = new StubSocket();
    stream.write(Buffer.from("early"));
    stream.end();
    stream.open(socket);
    expect(socket.taken.toString()).toBe("early");
    expect(socket.calls.at(-1)).toBe("shutdown");
  });
});

describe("how it ends", () => {
  test("two orderly ends close without an error", () => {
    const { socket, stream, log } = opened();
    stream.attach(recorder(log));
    stream.onEnd();
    stream.end();
    expect(socket.calls).toEqual(["shutdown", "end"]);
    stream.onClose();
    expect(log).toEqual(["end", "closed null"]);
  });

  test("a bare close after our own end is the peer's end", () => {
    const { stream, log } = opened();
    stream.attach(recorder(log));
    stream.end();
    stream.onClose();
    expect(log).toEqual(["end", "closed null"]);
  });

  test("a bare close before our own end is a failure", () => {
    const { stream, log } = opened();
    stream.attach(recorder(log));
    stream.onClose();
    expect(log).toEqual(["closed connection closed"]);
  });
});

describe("over a real connection", () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });
  const pair = async () => {
    const made = await tcpPair();
    closers.push(made.close);
    return made;
  };

  test("each side can end first and still receive", async () => {
    const { a, b } = await pair();
    const near = new Inbox(a);
    const far = new Inbox(b);
    near.write("question");
    a.end();
    expect(await far.untilEnd()).toBe("question");
    far.write("answer");
    b.end();
    expect(await near.untilEnd()).toBe("answer");
    expect(await near.closed).toBeNull();
    expect(await far.closed).toBeNull();
  });

  test("a reset reaches the other side as an error", async () => {
    const { a, b } = await pair();
    const far = new Inbox(b);
    b.write(Buffer.from("unread"));
    await Bun.sleep(20);
    a.destroy();
    expect(await far.closed).toBeInstanceOf(Error);
  });

  test("data and the end that came while nobody was attached are all delivered", async () => {
    const { a, b } = await pair();
    const sent = randomBytes(3_000_000);
    a.attach(recorder([]));
    for (let at = 0; at < sent.length; at += 100_000) a.write(Buffer.from(sent.subarray(at, at + 100_000)));
    a.end();
    await Bun.sleep(50);
    const far = new Inbox(b);
    expect(Buffer.from(await far.untilEnd(), "latin1").equals(sent)).toBe(true);
    b.end();
    expect(await far.closed).toBeNull();
  });

  test("a reader that does not consume stops the writer within the windows, and memory stays flat", async () => {
    const { a, b } = await pair();
    const CHUNK = 256 * 1024;
    let written = 0;
    let received = 0;
    const unconsumed: number[] = [];
    b.attach({
      data(chunk) {
        received += chunk.length;
        unconsumed.push(chunk.length);
      },
      end() {},
      written() {},
      closed() {},
    });
    const refill = () => a.write(Buffer.alloc(CHUNK));
    a.attach({
      data() {},
      end() {},
      written(bytes) {
        written += bytes;
        if (written < 400 * CHUNK && written % CHUNK === 0) refill();
      },
      closed() {},
    });
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    refill();
    await Bun.sleep(100);
    expect(received).toBeLessThan(2 * 1024 * 1024);
    expect(written).toBeLessThan(100 * CHUNK);
    const stalledAt = written;
    while (written < 400 * CHUNK) {
      for (const bytes of unconsumed.splice(0)) b.consumed(bytes);
      await Bun.sleep(0);
    }
    expect(written).toBeGreaterThan(stalledAt);
    Bun.gc(true);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  });

  test("a handler that throws takes down its own connection only", async () => {
    const { a, b } = await pair();
    const other = await pair();
    const log: string[] = [];
    b.attach({
      ...recorder(log),
      data() {
        throw new Error("handler failed");
      },
    });
    const near = new Inbox(a);
    near.write("x");
    expect(await near.closed).toBeInstanceOf(Error);
    expect(log).toEqual(["closed handler failed"]);
    const far = new Inbox(other.b);
    other.a.attach(recorder([]));
    other.a.write(Buffer.from("fine"));
    expect(await far.until(4)).toBe("fine");
  });
});

test("the events of a socket without a stream do nothing", () => {
  const socket = { data: undefined };
  streamEvents.data(socket, Buffer.from("x"));
  streamEvents.drain(socket);
  streamEvents.end(socket);
  streamEvents.close(socket);
  streamEvents.error(socket, new Error("x"));
});
