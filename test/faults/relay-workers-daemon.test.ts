import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdir, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Network, startNetwork } from "../support/network.ts";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let network: Network;
let echo: Server;
let forwarded: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  workspace = await Workspace.open("workers-daemon");
  echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => echo.close());
  const relayFlags = ["--workers", "2", "--limit", "advice-ms=100", "--limit", "drain-ms=20000"];
  network = await startNetwork(workspace, { relayFlags });
  ({ port: forwarded } = await network.forward(`localhost:${portOf(echo)}`));
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => workspace.close());

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

interface Stream {
  socket: Socket;
  /** Sends a line and waits for its echo. */
  say(text: string): Promise<void>;
}

async function open(port = forwarded): Promise<Stream> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk;
  });
  socket.on("error", () => {});
  return {
    socket,
    async say(text) {
      socket.write(text);
      await until(() => received.endsWith(text) || socket.destroyed);
      if (socket.destroyed) throw new Error("the stream is closed");
    },
  };
}

function workersOf(relay: RunningProcess): number[] {
  return [...relay.stderr.text.matchAll(/Worker started .*process=(\d+)/g)].map(([, pid]) => Number(pid));
}

const isGone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe("a relay of two workers", () => {
  test("workers ignore the signals that their supervisor gets", async () => {
    for (const pid of workersOf(network.relay))
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.kill(pid, signal);
    await (await open()).say("hello");
    expect(workersOf(network.relay).map(isGone)).toEqual([false, false]);
  });

  test("has one control socket: status, log level and reload are about all of them", async () => {
    const stream = await open();
    await stream.say("hello");
    const status = JSON.parse(await network.sallyport("relay", "status", "edge", "--json"));
    expect(status.connections.open).toBeGreaterThan(0);
    expect(status).toMatchObject({
      state: "running",
      workers: { running: 2, wanted: 2 },
      connections: { newest: [{ mode: "client", id: expect.stringMatching(/^w[12]c\d+$/) }] },
      gateways: { total: 1 },
      windowBudget: { limit: 256 * 1024 * 1024 },
    });
    await network.sallyport("relay", "log-level", "edge", "debug");
    await network.reissue();
    await network.sallyport("relay", "reload", "edge");
    await network.relay.waitForLog("Credentials renewed");
    await stream.say("again");
    await (await open()).say("new");
  });

  test.each([["1"], ["2"]])("keeps another relay (--workers %s) off its ports", async (count) => {
    const home = await workspace.directory("elsewhere");
    const ports = [
      "--ssh-port",
      String(network.relayPorts.ssh),
      "--tls-port",
      String(network.relayPorts.tls),
    ];
    const args = ["relay", "start", "--pki", network.directories.relay, "--listen", "127.0.0.1", ...ports];
    const second = await runProduct([...args, "--workers", count], { home });
    expect(second.stderr).toMatch(
      new RegExp(`^sallyport: Port ${network.relayPorts.ssh} .* \\[PORT_IN_USE\\]\n$`),
    );
    expect(second.exitCode).toBe(1);
  });

  test("O4 drains over all workers on SIGTERM, exits 0 and leaves no process", async () => {
    const streams = await Promise.all([open(), open(), open(), open()]);
    for (const stream of streams) await stream.say("before");
    network.relay.signal("SIGTERM");
    await network.relay.waitForLog("Shutting down");
    for (const stream of streams) await stream.say("after");
    for (const { socket } of streams) socket.end();
    expect(await network.relay.exited).toBe(0);
    expect(workersOf(network.relay).map(isGone)).toEqual([true, true]);
  });

  test("O4 exits at once on a second signal, with its workers", async () => {
    const { ssh, tls } = network.relayPorts;
    const relay = await startAgain(ssh, tls);
    await relay.waitForLog("Gateway connected");
    await (await open()).say("hello");
    relay.signal("SIGTERM");
    await relay.waitForLog("Shutting down");
    await relay.signalAgain("SIGTERM");
    expect(await relay.exited).toBe(143);
    await until(() => workersOf(relay).every(isGone));
  });

  test("takes its workers with it when it is killed", async () => {
    const relay = await startAgain(0, 0);
    expect(workersOf(relay)).toHaveLength(2);
    process.kill(relay.pid, "SIGKILL");
    await until(() => workersOf(relay).every(isGone));
  });
});

test("a client that can't be handed over between workers is refused, and the log says why", async () => {
  await using own = await Workspace.open("hand-over");
  const { relay, forward } = await startNetwork(own, { relayFlags: ["--workers", "2"] });
  const paths = (await readdir(own.path, { recursive: true })).filter((path) =>
    /worker-\d\.sock$/.test(path),
  );
  expect(paths).toHaveLength(2);
  for (const path of paths) await rm(own.join(path));
  // The kernel chooses by the connection's ports which worker it comes in by, so it may take a few; each client looks
  // whether there is a way before it listens.
  const target = `localhost:${portOf(echo)}`;
  while (!relay.stderr.text.includes("A client could not be handed over")) {
    await forward(target).catch((error) => expect(String(error)).toContain("GATEWAY_NOT_CONNECTED"));
  }
  expect(relay.stderr.text).toMatch(/WARN +A client could not be handed over .*can't be reached/);
});

/** The same relay in a process of its own. */
async function startAgain(ssh: number, tls: number): Promise<RunningProcess> {
  const ports = ["--ssh-port", String(ssh), "--tls-port", String(tls), "--listen", "127.0.0.1"];
  const args = ["relay", "start", "--pki", network.directories.relay, ...ports, "--workers", "2"];
  const relay = workspace.own(startProduct(args, { home: await workspace.directory("again") }));
  await relay.waitForLog("Relay server started successfully");
  return relay;
}
