import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AddressInfo, connect, createServer } from "node:net";
import { z } from "zod";
import {
  type Agent,
  GATEWAY,
  type PlatformNetwork,
  READY,
  startPlatform,
} from "../support/platform-network.ts";
import { type RunningProcess, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let network: PlatformNetwork;
let port: number;
const agents = new Map<Agent, RunningProcess>();

beforeAll(async () => {
  workspace = await Workspace.open("supervision-outage");
  network = await startPlatform(workspace);
  for (const agent of ["relay", "gateway"] as const) {
    await network.enroll(agent);
    await start(agent);
  }
  const echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => echo.close());
  const target = { host: "127.0.0.1", port: (echo.address() as AddressInfo).port };
  await network.client.resources.create({ name: "echo", gatewayName: GATEWAY, ...target });
  const words = ["connect", "echo", "--listen", "127.0.0.1:0", "--json", "--domain", network.client.domain];
  const env = { SALLYPORT_TOKEN: network.token };
  const forward = workspace.own(startProduct(words, { home: workspace.path, env }));
  ({ port } = z.object({ port: z.number() }).parse(await forward.waitForJson()));
}, 60_000);
afterAll(() => workspace.close());

async function start(agent: Agent): Promise<RunningProcess> {
  const process = network.start(agent);
  agents.set(agent, process);
  await process.waitForLog(READY[agent]);
  return process;
}

/** Whether a word comes back on a new connection. */
function answers(): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  return new Promise((resolve) => {
    socket.once("data", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
    socket.write("hello");
  });
}

test("F5 the platform goes away, relay and gateway are started again: tunnels work, and the logs say so", async () => {
  expect(await answers()).toBe(true);
  network.platform.kill();
  await network.platform.exited;
  expect(await answers()).toBe(true);
  for (const agent of ["relay", "gateway"] as const) {
    expect(await agents.get(agent)?.stop()).toBe(0);
    const again = await start(agent);
    await again.waitForLog(/platform is away|Cannot get certificates/);
  }
  for (let i = 0; i < 300 && !(await answers()); i++) await Bun.sleep(100);
  expect(await answers()).toBe(true);
}, 60_000);
