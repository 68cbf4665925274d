import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { z } from "zod";
import {
  type Agent,
  GATEWAY,
  type PlatformNetwork,
  READY,
  RELAY,
  startPlatform,
} from "../support/platform-network.ts";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { echoTarget, LongStream, roundTrip } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(90_000);

/** A process that does not wait is gone by then; any drain takes longer. */
const AT_ONCE_MS = 2500;
const NAMES: Record<Agent, string> = { relay: RELAY, gateway: GATEWAY };

let workspace: Workspace;
let network: PlatformNetwork;
const daemons = new Map<Agent, RunningProcess>();

beforeAll(async () => {
  workspace = await Workspace.open("signals");
  network = await startPlatform(workspace);
  for (const agent of ["relay", "gateway"] as const) {
    await network.enroll(agent);
    await start(agent);
  }
  const target = { host: "127.0.0.1", port: await echoTarget(workspace) };
  await network.client.resources.create({ name: "echo", gatewayName: GATEWAY, ...target });
});
afterAll(() => workspace.close());

async function start(agent: Agent): Promise<RunningProcess> {
  const daemon = network.start(agent);
  daemons.set(agent, daemon);
  await daemon.waitForLog(READY[agent]);
  return daemon;
}

async function running(agent: Agent): Promise<RunningProcess> {
  return daemons.get(agent) ?? (await start(agent));
}

/** `connect` to the resource, with a stream through it. */
async function forward(): Promise<{ process: RunningProcess; stream: LongStream; port: number }> {
  const words = ["connect", "echo", "--listen", "127.0.0.1:0", "--json", "--log-level", "info"];
  const env = { SALLYPORT_TOKEN: network.token, SALLYPORT_DOMAIN: network.client.domain };
  const process = workspace.own(startProduct(words, { home: workspace.path, env }));
  const { port } = z.object({ port: z.number() }).parse(await process.waitForJson(30_000));
  return { process, port, stream: await LongStream.open(workspace, port) };
}

/** After the first signal what is open goes on, and with its end the process ends. */
async function drains(process: RunningProcess, stream: LongStream): Promise<void> {
  process.signal("SIGTERM");
  await process.waitForLog("Shutting down");
  await stream.moves();
  stream.close();
  expect(await process.exited).toBe(0);
}

/** After the second one nothing goes on. */
async function endsAtOnce(process: RunningProcess): Promise<void> {
  process.signal("SIGTERM");
  await process.waitForLog("Shutting down");
  await process.signalAgain("SIGTERM");
  const code = await Promise.race([process.exited, Bun.sleep(AT_ONCE_MS)]);
  expect(code).toBe(143);
}

test("O4 connect lets what runs end, and exits 0", async () => {
  const { process, stream } = await forward();
  await drains(process, stream);
});

test("O4 connect waits 5 s at most, and exits 0", async () => {
  const { process, stream } = await forward();
  process.signal("SIGTERM");
  expect(await process.exited).toBe(0);
  await stream.closed;
});

test("O4 connect exits at once on a second signal", async () => {
  await endsAtOnce((await forward()).process);
});

test("O4 a gateway drains on SIGTERM and exits 0", async () => {
  const gateway = await running("gateway");
  const { stream, process } = await forward();
  daemons.delete("gateway");
  await drains(gateway, stream);
  await process.stop();
});

test("O4 a gateway exits at once on a second signal", async () => {
  const gateway = await running("gateway");
  const { stream, process } = await forward();
  daemons.delete("gateway");
  await endsAtOnce(gateway);
  await stream.closed;
  await process.stop();
});

const shown = z.object({ certificates: z.array(z.object({ name: z.string(), from: z.string() })) });

test("SIGHUP gives relay and gateway of a platform new certificates, and cuts nothing", async () => {
  await running("gateway");
  const { stream, port } = await forward();
  const certificates = async (agent: Agent) => {
    const { stdout } = await runProduct([agent, "status", NAMES[agent], "--json"], network.as(agent));
    return shown.parse(JSON.parse(stdout)).certificates.map(({ name, from }) => `${name} ${from}`);
  };
  // What is at hand counts as fresh for 10 s.
  await Bun.sleep(10_500);
  for (const agent of ["relay", "gateway"] as const) {
    const before = await certificates(agent);
    daemons.get(agent)?.signal("SIGHUP");
    await daemons.get(agent)?.waitForLog("Reloading");
    const both = async () => (await certificates(agent)).filter((line) => before.includes(line));
    while ((await both()).length > 0) await Bun.sleep(200);
  }
  await stream.moves();
  expect(await roundTrip(port)).toBe(true);
});

/** A request whose last byte is still to come. */
async function halfARequest(): Promise<{ finish(): void; answer: Promise<string> }> {
  const body = JSON.stringify({ name: "late" });
  const { hostname, port } = new URL(network.client.domain);
  const socket: Socket = connect({ host: hostname, port: Number(port) });
  const answer = new Promise<string>((resolve) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
  const head = `POST /api/v3/gateways HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${network.token}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write(head + body.slice(0, -1));
  await Bun.sleep(300);
  return { answer, finish: () => void socket.write(body.slice(-1)) };
}

test("SIGHUP does not end a platform; O4 SIGTERM lets a request be answered, and it exits 0", async () => {
  const { platform } = network;
  platform.signal("SIGHUP");
  await platform.waitForLog("Reloading");
  const { answer, finish } = await halfARequest();
  platform.signal("SIGTERM");
  await platform.waitForLog("Shutting down");
  finish();
  expect(await answer).toMatch(/^HTTP\/1.1 20[01] /);
  expect(await platform.exited).toBe(0);
});

test("O4 a platform exits at once on a second signal", async () => {
  await using own = await Workspace.open("signals-platform");
  network = await startPlatform(own);
  const { answer } = await halfARequest();
  await endsAtOnce(network.platform);
  expect(await answer).not.toContain(" 200 ");
});
