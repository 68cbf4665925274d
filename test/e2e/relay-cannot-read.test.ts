import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createServer, request } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { readGatewayDirectory } from "../../src/pki/directory.ts";
import { type Capture, startCapture } from "../support/capture.ts";
import { memoryContains } from "../support/memory.ts";
import { type Network, startNetwork } from "../support/network.ts";
import { READY, startPlatform } from "../support/platform-network.ts";
import { filesWithKey, privateKeysBelow } from "../support/private-keys.ts";
import type { RunningProcess } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

/** Only this process makes it up: it reaches the product's processes through the tunnel and no other way. */
const canary = randomBytes(32);
/** Half of it gives it away as well. */
const halves = [canary.subarray(0, 16), canary.subarray(16)];
/** Of an odd length, so that the canary stands at every offset of the packets and buffers that it passes. */
const block = Buffer.concat([...Array<Buffer>(1024).fill(canary), Buffer.from("odd")]);
/** What each direction of each mode carries at least before anything is judged. */
const ENOUGH = 8 * 1024 * 1024;

let workspace: Workspace;
let network: Network;

beforeAll(async () => {
  workspace = await Workspace.open("canary");
  network = await startNetwork(workspace, { build: "binary" });
});
afterAll(() => workspace.close());

describe("the relay cannot read", () => {
  test("what streams both ways, in TCP mode", async () => {
    const target = createTcpServer((socket) => echo(socket, socket));
    await judge(target, async (port) => {
      const socket = own(connect({ host: "127.0.0.1", port }));
      return { up: socket, down: socket };
    });
  });

  test("bodies of requests and answers, in HTTP mode", async () => {
    const target = createServer((incoming, outgoing) => {
      outgoing.flushHeaders();
      echo(incoming, outgoing);
    });
    await judge(
      target,
      async (port) => {
        const up = own(request({ host: "127.0.0.1", port, method: "POST", agent: false }));
        up.flushHeaders();
        return { up, down: await new Promise<Readable>((resolve) => up.once("response", resolve)) };
      },
      "--mode",
      "http",
    );
  });

  test("and has no key of gateway or client, in no file and not in its memory", async () => {
    const { directories, relay, gateway } = network;
    const client = await network.clientDirectory("127.0.0.1:1");
    const foreign = [...(await privateKeysBelow(directories.gateway)), ...(await privateKeysBelow(client))];
    expect(foreign).toHaveLength(4);
    for (const key of foreign) {
      expect(await filesWithKey(directories.relay, key)).toEqual([]);
      expect(memoryContains(relay.pid, key.secret)).toBe(false);
      expect(memoryContains(relay.pid, middleOf(key.text))).toBe(false);
    }
    // The search finds a key where there is one: its own, and the gateway's in the gateway.
    const [own] = await privateKeysBelow(directories.relay);
    const [known] = await privateKeysBelow(directories.gateway);
    if (!own || !known) throw new Error("a directory without keys");
    expect(await filesWithKey(directories.relay, own)).toEqual([own.file]);
    expect(memoryContains(relay.pid, middleOf(own.text))).toBe(true);
    expect(memoryContains(gateway.pid, middleOf(known.text))).toBe(true);
  });
});

test("X1 with a platform too, the keys of a gateway are in the gateway's files and nowhere else", async () => {
  const platform = await startPlatform(workspace, { build: "binary" });
  for (const agent of ["relay", "gateway"] as const) {
    await platform.enroll(agent);
    await platform.start(agent).waitForLog(READY[agent]);
  }
  const keys = await privateKeysBelow(platform.homes.gateway);
  expect(keys.length).toBeGreaterThanOrEqual(2);
  for (const key of keys) {
    expect(await filesWithKey(platform.homes.gateway, key)).toEqual([key.file]);
    expect(await filesWithKey(platform.homes.relay, key)).toEqual([]);
    expect(await filesWithKey(platform.dataDirectory, key)).toEqual([]);
  }
  // The relay has kept its own two.
  expect(await privateKeysBelow(platform.homes.relay)).toHaveLength(2);
});

interface Ends {
  up: Writable;
  down: Readable;
}

/**
 * Streams the canary to an echoing target and back, and looks for it in the memory of all three processes and on the
 * wire of all three legs, while it streams and afterwards.
 */
async function judge(
  target: Server | ReturnType<typeof createServer>,
  open: (port: number) => Promise<Ends>,
  ...flags: string[]
): Promise<void> {
  await new Promise<void>((resolve) => void target.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => target.close());
  const targetPort = (target.address() as AddressInfo).port;
  const { port, process: client } = await network.forward(`127.0.0.1:${targetPort}`, ...flags);
  const { relay, gateway, relayPorts } = network;
  const legs = {
    "client to relay": await startCapture(workspace, `client-${port}`, relayPorts.tls),
    "relay to gateway": await startCapture(workspace, `gateway-${port}`, relayPorts.ssh),
    target: await startCapture(workspace, `target-${port}`, targetPort),
  };

  const stream = new Streaming(await open(port));
  await stream.until(ENOUGH);
  expect(await appearsIn(client, stream)).toBe(true);
  expect(await appearsIn(gateway, stream)).toBe(true);
  // The same search of the relay's memory finds what passed by in the open: which gateway it is about.
  const { gatewayId } = await readGatewayDirectory(network.directories.gateway);
  expect(memoryContains(relay.pid, Buffer.from(gatewayId))).toBe(true);
  for (let look = 0; look < 3; look++) {
    await stream.until(stream.received + ENOUGH);
    expect(halves.some((half) => memoryContains(relay.pid, half))).toBe(false);
  }
  await stream.close();
  expect(halves.some((half) => memoryContains(relay.pid, half))).toBe(false);

  const carried = stream.received;
  expect(isReadable(await onTheWire(legs.target, carried))).toBe(true);
  const outside = await onTheWire(legs["client to relay"], carried);
  const inside = await onTheWire(legs["relay to gateway"], carried);
  expect([isReadable(outside), isReadable(inside)]).toEqual([false, false]);
  expect(passesThrough(outside, inside)).toBe(true);
}

/** The canary in endless repetition, as fast as it goes. */
class Streaming {
  received = 0;
  #going = true;
  #arrived: () => void = () => {};
  readonly #ended: Promise<void>;

  constructor(private readonly ends: Ends) {
    const { up, down } = ends;
    const push = () => {
      while (this.#going && up.write(block)) {}
    };
    up.on("drain", push);
    down.on("data", (chunk: Buffer) => {
      this.received += chunk.length;
      this.#arrived();
    });
    this.#ended = new Promise((resolve) => down.once("end", resolve));
    push();
  }

  async until(bytes: number): Promise<void> {
    while (this.received < bytes) await new Promise<void>((resolve) => (this.#arrived = resolve));
  }

  /** Ends in order: what is under way arrives. */
  async close(): Promise<void> {
    this.#going = false;
    this.ends.up.end();
    await this.#ended;
  }
}

/** A process frees a buffer as soon as it is written, so one look may come at the wrong moment. */
async function appearsIn(process: RunningProcess, stream: Streaming): Promise<boolean> {
  for (let look = 0; look < 10; look++) {
    if (memoryContains(process.pid, canary)) return true;
    await stream.until(stream.received + block.length);
  }
  return false;
}

async function onTheWire(capture: Capture, carried: number): Promise<Buffer> {
  const packets = await capture.stop();
  // The capture saw both directions of the stream.
  expect(packets.length).toBeGreaterThan(2 * carried);
  return packets;
}

function isReadable(packets: Buffer): boolean {
  return halves.some((half) => packets.includes(half));
}

/** The end-to-end records are on both legs as they are: neither encrypts them again. */
function passesThrough(one: Buffer, other: Buffer): boolean {
  // One that lies across two packets would be missed, so there are some more.
  const samples = Array.from({ length: 5 }, (_, n) => Math.floor((one.length * (n + 3)) / 10));
  return samples.some((at) => other.includes(one.subarray(at, at + 64)));
}

function echo(from: Duplex | Readable, to: Writable): void {
  from.on("error", () => {});
  to.on("error", () => {});
  from.pipe(to);
}

function own<T extends { destroy(): unknown }>(thing: T): T {
  workspace.defer(() => thing.destroy());
  return thing;
}

/** One line's worth from the middle of a key's PEM: where headers and names are far. */
function middleOf(text: string): Buffer {
  return Buffer.from(text.slice(text.length / 2 - 16, text.length / 2 + 16));
}
