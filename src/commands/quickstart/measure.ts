import { connect, type Socket } from "node:net";
import { SallyportError } from "../../telemetry/error.ts";

export interface Measured {
  /** New connection to first byte back, median. */
  connectMs: number;
  /** One byte there and back on an open connection, median. */
  rttMs: number;
  upMBps: number;
  downMBps: number;
}

const CONNECTS = 15;
const ROUND_TRIPS = 100;
const VOLUME = 64 * 1024 * 1024;
const BLOCK = Buffer.alloc(256 * 1024, "sallyport ");
/** For any one of the measurements. */
const DEADLINE_MS = 20_000;

/** Measures what a client feels, against the raw protocol of the demo service behind a local port. */
export async function measure(port: number): Promise<Measured> {
  const connects: number[] = [];
  for (let i = 0; i < CONNECTS; i++) connects.push(await firstByte(port));
  return {
    connectMs: median(connects),
    rttMs: median(await roundTrips(port)),
    upMBps: rate(await upload(port)),
    downMBps: rate(await download(port)),
  };
}

async function firstByte(port: number): Promise<number> {
  const start = performance.now();
  return await withSocket(port, async (socket) => {
    socket.write("ECHO\nx");
    await bytes(socket, 1);
    return performance.now() - start;
  });
}

async function roundTrips(port: number): Promise<number[]> {
  return await withSocket(port, async (socket) => {
    socket.write("ECHO\n");
    const times: number[] = [];
    for (let i = 0; i < ROUND_TRIPS; i++) {
      const start = performance.now();
      socket.write("x");
      await bytes(socket, 1);
      times.push(performance.now() - start);
    }
    return times;
  });
}

async function upload(port: number): Promise<number> {
  return await withSocket(port, async (socket) => {
    const start = performance.now();
    socket.write(`SINK ${VOLUME}\n`);
    for (let left = VOLUME; left > 0; left -= BLOCK.length) {
      if (!socket.write(BLOCK)) await new Promise((resolve) => socket.once("drain", resolve));
    }
    await bytes(socket, 1);
    return performance.now() - start;
  });
}

async function download(port: number): Promise<number> {
  return await withSocket(port, async (socket) => {
    const start = performance.now();
    socket.write(`SOURCE ${VOLUME}\n`);
    await bytes(socket, VOLUME);
    return performance.now() - start;
  });
}

function bytes(socket: Socket, wanted: number): Promise<void> {
  return new Promise((resolve) => {
    let got = 0;
    const onData = (chunk: Buffer) => {
      got += chunk.length;
      if (got < wanted) return;
      socket.off("data", onData);
      resolve();
    };
    socket.on("data", onData);
  });
}

function withSocket<T>(port: number, use: (socket: Socket) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const fail = (why: string) =>
      reject(new SallyportError("INTERNAL", `The tunnel ${why} while it was measured. Run quickstart again`));
    const timer = setTimeout(() => {
      fail("made no progress");
      socket.destroy();
    }, DEADLINE_MS);
    socket.on("error", (error) => fail(`broke (${error.message})`));
    socket.on("close", () => {
      clearTimeout(timer);
      fail("was closed");
    });
    socket.on("connect", () => {
      use(socket)
        .then(resolve, reject)
        .finally(() => socket.destroy());
    });
  });
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(2));
}

function rate(milliseconds: number): number {
  return Math.round(VOLUME / 1e6 / (milliseconds / 1000));
}
