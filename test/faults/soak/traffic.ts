import { connect, createServer, type Socket } from "node:net";
import type { Workspace } from "../../support/workspace.ts";
import type { World } from "./world.ts";

const HOST = "127.0.0.1";
/** What a slow reader leaves unread: more than every window and buffer on the way. */
const FLOOD_BYTES = 8 * 1024 * 1024;

/** How often each thing happened. */
export type Tally = Record<string, number>;

/** A target: sends back what it gets, and a flood where the first byte asks for one. */
export async function openTarget(workspace: Workspace): Promise<number> {
  const flood = Buffer.alloc(FLOOD_BYTES);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (first) => {
      if (first[0] === FLOOD) return void socket.end(flood);
      socket.write(first);
      socket.pipe(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  workspace.defer(() => server.close());
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

const FLOOD = "F".charCodeAt(0);

/** All of it at once until the signal aborts; when this resolves, every connection of it is closed. */
export async function traffic(world: World, tally: Tally, signal: AbortSignal): Promise<void> {
  const count = (what: string) => {
    tally[what] = (tally[what] ?? 0) + 1;
  };
  const repeat = async (pauseMs: number, act: () => Promise<void>) => {
    while (!signal.aborted) {
      await act();
      await Bun.sleep(pauseMs * (0.5 + Math.random()));
    }
  };
  const { port, relayPorts } = world;
  await Promise.all([
    ...[1, 2, 3, 4].map(() => repeat(50, async () => count((await echo(port)) ? "echoed" : "refused"))),
    repeat(300, () => slowReader(port).then(() => count("slow readers"))),
    repeat(200, () => aborted(port).then(() => count("aborted"))),
    ...[relayPorts.ssh, relayPorts.tls].map((at) =>
      repeat(150, () => halfShaken(at).then(() => count("half a handshake"))),
    ),
  ]);
}

/** 64 KiB there and back. */
async function echo(port: number): Promise<boolean> {
  const socket = dial(port);
  const block = Buffer.alloc(64 * 1024, "e");
  let received = 0;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.on("data", (chunk) => {
    received += chunk.length;
    if (received >= block.length) resolve(true);
  });
  socket.on("close", () => resolve(received >= block.length));
  socket.write(block);
  const timer = setTimeout(() => resolve(false), 10_000);
  const complete = await promise;
  clearTimeout(timer);
  await gone(socket);
  return complete;
}

/** Takes a few pieces of a flood, then goes without a word. */
async function slowReader(port: number): Promise<void> {
  const socket = dial(port);
  socket.write("F");
  for (let i = 0; i < 5 && !socket.destroyed; i++) {
    socket.read(16 * 1024);
    await Bun.sleep(200);
  }
  await gone(socket);
}

/** Resets the connection while both directions are busy. */
async function aborted(port: number): Promise<void> {
  const socket = dial(port);
  socket.write(Buffer.alloc(512 * 1024, "a"));
  await Bun.sleep(30 * Math.random());
  socket.resetAndDestroy();
  await gone(socket);
}

/** Says what no server understands, or nothing, and goes. */
async function halfShaken(port: number): Promise<void> {
  const socket = dial(port);
  if (Math.random() < 0.5) socket.write("SSH-2.0-soak\r\n");
  await Bun.sleep(100 * Math.random());
  await gone(socket);
}

function dial(port: number): Socket {
  const socket = connect({ host: HOST, port });
  socket.on("error", () => {});
  return socket;
}

function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) return resolve();
    socket.once("close", () => resolve());
    socket.destroy();
  });
}
