import { expect, test } from "bun:test";
import type { RawSocket } from "../../../src/tunnel/socket.ts";
import { HIGH_WATER, Staging, type StagingOptions } from "../../../src/tunnel/staging.ts";

/** Takes at most `room` bytes until it is given more. */
class SlowSocket implements RawSocket {
  readonly taken: Buffer[] = [];
  room = Number.POSITIVE_INFINITY;
  gone = false;

  write(data: Uint8Array): number {
    if (this.gone) return -1;
    const length = Math.min(this.room, data.length);
    this.room -= length;
    if (length > 0) this.taken.push(Buffer.from(data.subarray(0, length)));
    return length;
  }

  shutdown(): void {}
  end(): void {}
  terminate(): void {}
  pause(): void {}
  resume(): void {}
}

function stage(o: Partial<StagingOptions> = {}): Staging {
  return new Staging({ room() {}, now: () => 0, ...o });
}

function bytes(length: number, first: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (first + index) & 0xff));
}

test("small writes leave together, once per microtask, in order", async () => {
  const socket = new SlowSocket();
  const staging = stage();
  staging.open(socket);
  for (let i = 0; i < 10; i++) staging.append(Buffer.of(i));
  staging.appendPacket([Buffer.of(10), Buffer.of(11, 12), Buffer.of(13)]);
  expect(socket.taken).toEqual([]);
  await Promise.resolve();
  expect(socket.taken).toEqual([bytes(14, 0)]);
  expect([staging.pending, staging.total]).toEqual([0, 14]);
});

test("256 KiB leave at once", () => {
  const socket = new SlowSocket();
  const staging = stage();
  staging.open(socket);
  staging.append(Buffer.alloc(300 * 1024));
  expect(socket.taken.reduce((sum, { length }) => sum + length, 0)).toBe(300 * 1024);
});

test("what the socket does not take waits, and nothing is lost or doubled", () => {
  const socket = new SlowSocket();
  const staging = stage();
  const all: Buffer[] = [];
  const add = (length: number) => {
    const chunk = bytes(length, all.length * 7);
    all.push(chunk);
    if (all.length % 2) staging.append(chunk);
    else
      staging.appendPacket([chunk.subarray(0, 4), chunk.subarray(4, length - 3), chunk.subarray(length - 3)]);
  };
  socket.room = 1000;
  for (const length of [10, 300_000, 131_100, 131_100, 5, 700_000]) add(length);
  staging.open(socket);
  staging.flush();
  expect(staging.pending).toBe(all.reduce((sum, { length }) => sum + length, 0) - 1000);
  for (let i = 0; i < 2000 && staging.pending > 0; i++) {
    socket.room = 997;
    staging.drained();
  }
  expect(Buffer.concat(socket.taken).equals(Buffer.concat(all))).toBe(true);
});

test("room is announced below half of the high-water mark only", () => {
  const socket = new SlowSocket();
  let announced = 0;
  const staging = stage({ room: () => announced++ });
  socket.room = 0;
  staging.open(socket);
  staging.append(Buffer.alloc(HIGH_WATER));
  expect(announced).toBe(0);
  socket.room = HIGH_WATER / 2;
  staging.drained();
  expect(announced).toBe(0);
  socket.room = 1;
  staging.drained();
  expect(announced).toBe(1);
});

test("a socket that is gone, or a close, drops everything", () => {
  const socket = new SlowSocket();
  const staging = stage();
  socket.room = 0;
  staging.open(socket);
  staging.append(Buffer.alloc(1000));
  socket.gone = true;
  staging.drained();
  expect(staging.pending).toBe(0);
  staging.append(Buffer.alloc(1000));
  expect(staging.pending).toBe(0);
  staging.close();
});

test("on a slow line about a second's worth is staged, and more again when the line is fast", () => {
  const socket = new SlowSocket();
  let now = 0;
  const staging = stage({ now: () => now });
  const fill = () => {
    while (!staging.full) staging.append(Buffer.alloc(16 * 1024));
    return staging.pending;
  };
  socket.room = 0;
  staging.open(socket);
  expect(fill()).toBe(HIGH_WATER);
  // 200 KB a second, in pieces, for as long as what was staged before lasts.
  for (let i = 0; i < 100; i++) {
    now += 50;
    socket.room = 10_000;
    staging.drained();
    if (!staging.full) fill();
  }
  expect(staging.pending).toBeGreaterThan(180_000);
  expect(staging.pending).toBeLessThan(280_000);
  socket.room = Number.POSITIVE_INFINITY;
  now += 10;
  staging.drained();
  socket.room = 0;
  expect(fill()).toBe(HIGH_WATER);
});

test("what is lent leaves in order from where it lies, and its memory is given back with its last byte", () => {
  const socket = new SlowSocket();
  const staging = stage();
  socket.room = 0;
  staging.open(socket);
  const chunk = bytes(300_000, 3);
  const copy = Buffer.from(chunk);
  staging.append(Buffer.of(1, 2));
  staging.lend(chunk, 0, 200_000);
  staging.append(Buffer.of(3));
  staging.lend(chunk, 200_000, 100_000);
  staging.append(Buffer.of(4));
  expect([staging.pending, staging.total]).toEqual([300_004, 300_004]);
  for (const room of [1, 150_000, 50_001, 2, 99_998]) {
    socket.room = room;
    staging.drained();
    expect(chunk.length).toBe(300_000);
  }
  socket.room = 1;
  staging.drained();
  expect(staging.pending).toBe(1);
  expect(chunk.length).toBe(0);
  socket.room = 1;
  staging.drained();
  const all = [
    Buffer.of(1, 2),
    copy.subarray(0, 200_000),
    Buffer.of(3),
    copy.subarray(200_000),
    Buffer.of(4),
  ];
  expect(Buffer.concat(socket.taken).equals(Buffer.concat(all))).toBe(true);
});

test("small chunks are copied, and given back at once", async () => {
  const socket = new SlowSocket();
  const staging = stage();
  staging.open(socket);
  const chunk = bytes(20_000, 9);
  const copy = Buffer.from(chunk);
  staging.append(Buffer.of(7));
  staging.lend(chunk, 0, chunk.length);
  expect(chunk.length).toBe(0);
  await Promise.resolve();
  expect(socket.taken).toEqual([Buffer.concat([Buffer.of(7), copy])]);
});

test("a close gives back what was lent to its end, and leaves alone what has more to come", () => {
  const staging = stage();
  const [whole, begun, late] = [bytes(50_000, 1), bytes(50_000, 2), bytes(50_000, 3)];
  staging.lend(whole, 0, 50_000);
  staging.lend(begun, 0, 40_000);
  staging.close();
  staging.lend(late, 0, 50_000);
  expect([whole.length, begun.length, late.length, staging.pending]).toEqual([0, 50_000, 50_000, 0]);
});
