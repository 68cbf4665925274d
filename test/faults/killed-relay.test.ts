import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Network, startNetwork } from "../support/network.ts";
import { type RunningProcess, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

const STREAMS = 8;
/** Far more than a reconnect takes. */
const DEADLINE_MS = 30_000;

let workspace: Workspace;
let network: Network;
let relay: RunningProcess;
let port: number;
let client: RunningProcess;

beforeAll(async () => {
  workspace = await Workspace.open("killed-relay");
  network = await startNetwork(workspace);
  relay = network.relay;
  const echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => void echo.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => echo.close());
  const target = `127.0.0.1:${(echo.address() as AddressInfo).port}`;
  ({ port, process: client } = await network.forward(target));
});
afterAll(() => workspace.close());

test.each([1, 2, 3])(
  "F1 a relay killed under load and started again is used again by itself, time %d",
  async () => {
    const load = await Promise.all(Array.from({ length: STREAMS }, loadedStream));
    relay.kill();
    await relay.exited;
    // Nobody waits for an answer that never comes.
    await Promise.all(load.map(({ closed }) => closed));
    expect(await answers()).toBe(false);

    relay = await startRelayAgain();
    const deadline = performance.now() + DEADLINE_MS;
    while (!(await answers())) {
      if (performance.now() > deadline) throw new Error(`no way through\n${network.gateway.stderr.text}`);
      await Bun.sleep(50);
    }
    for (let i = 0; i < STREAMS; i++) expect(await answers()).toBe(true);
    expect(network.gateway.stderr.text).not.toContain("GATEWAY_DUPLICATE");
  },
  2 * DEADLINE_MS,
);

test("F1 neither the gateway nor the client had to be started again", async () => {
  expect(await client.stop()).toBe(0);
  expect(await network.gateway.stop()).toBe(0);
});

async function startRelayAgain(): Promise<RunningProcess> {
  const ports = ["--listen", "127.0.0.1", "--ssh-port", String(network.relayPorts.ssh)];
  const args = ["relay", "start", "--pki", network.directories.relay, ...ports];
  const again = workspace.own(startProduct(args, { home: workspace.path }));
  await again.waitForLog("Relay server started successfully");
  return again;
}

/** A connection with bytes on their way, both ways. */
async function loadedStream(): Promise<{ closed: Promise<void> }> {
  const socket = local();
  const block = Buffer.alloc(64 * 1024, "load");
  const push = () => {
    while (socket.writable && socket.write(block)) {}
  };
  socket.on("drain", push);
  push();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await Promise.race([new Promise((resolve) => socket.once("data", resolve)), closed]);
  socket.resume();
  return { closed };
}

/** Whether a word comes back on a new connection. */
function answers(): Promise<boolean> {
  const socket = local();
  return new Promise((resolve) => {
    socket.once("data", (chunk) => {
      resolve(chunk.toString() === "hello");
      socket.destroy();
    });
    socket.once("close", () => resolve(false));
    socket.write("hello");
  });
}

function local(): Socket {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  workspace.defer(() => socket.destroy());
  return socket;
}
