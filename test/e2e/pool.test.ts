import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { z } from "zod";
import { type PlatformNetwork, startPlatform } from "../support/platform-network.ts";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

const BUILD = "source";
const CREATED = z.object({ id: z.string(), token: z.string() });
const LISTENING = z.object({ port: z.number(), kind: z.string(), hint: z.string() });

let workspace: Workspace;
let network: PlatformNetwork;
let admin: string;
let target: number;
const gateways = new Map<string, RunningProcess>();

beforeAll(async () => {
  workspace = await Workspace.open("pool");
  network = await startPlatform(workspace, { build: BUILD });
  admin = await workspace.directory("admin-home");
  await sallyport(["login", "--domain", network.client.domain, "--token-file", "-"], {
    input: network.token,
  });
  await network.enroll("relay");
  await network.start("relay").waitForLog("Relay server started successfully");
  target = await echo();
});
afterAll(() => workspace.close());

interface Run {
  input?: string;
  exitCode?: number;
}

/** A management command as the administrator types it. */
async function sallyport(words: string[], { input, exitCode = 0 }: Run = {}) {
  const result = await runProduct(words, {
    ...{ home: admin, build: BUILD, deadlineMs: 40_000 },
    ...(input !== undefined && { input }),
  });
  if (result.exitCode !== exitCode)
    throw new Error(`${words.join(" ")}: ${result.exitCode} ${result.stderr}`);
  return result;
}

async function echo(): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket).on("error", () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => server.close());
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** Created, put into the pool, and running on a machine of its own. */
async function gateway(name: string, home: string): Promise<void> {
  const made = await sallyport(["gateway", "create", name, "--json"]);
  const { token } = CREATED.parse(JSON.parse(made.stdout));
  await sallyport(["pool", "add", "site", name]);
  const place = { home: await workspace.directory(home), build: BUILD } as const;
  const words = ["gateway", "enroll", name, "--token-file", "-", "--domain", network.client.domain];
  const enrolled = await runProduct([...words, "--allow", "localhost"], { ...place, input: token });
  if (enrolled.exitCode !== 0) throw new Error(enrolled.stderr);
  gateways.set(name, workspace.own(startProduct(["gateway", "start", name], place)));
}

/** A local connection that has carried a byte both ways. */
async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  const answered = new Promise<void>((resolve, reject) => {
    socket.once("data", () => resolve());
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed without an answer")));
  });
  socket.write("x");
  await answered;
  workspace.defer(() => socket.destroy());
  return socket;
}

async function memberLoads(): Promise<(number | null)[]> {
  const shown = await sallyport(["pool", "show", "site", "--json"]);
  const pool = z.object({ gateways: z.array(z.object({ load: z.number().nullable() })) });
  return pool.parse(JSON.parse(shown.stdout)).gateways.map(({ load }) => load);
}

test("two gateways in a pool: spread while both are there, and a kill -9 of one fails no new connection", async () => {
  await sallyport(["pool", "create", "site"]);
  for (const name of ["a", "b"]) await gateway(name, `home-${name}`);
  for (const name of ["a", "b"]) {
    const waited = await sallyport(["gateway", "show", name, "--wait", "--timeout", "30s"]);
    expect(waited.stderr).toContain(`The gateway ${name} is Healthy.`);
  }
  const place = ["--pool", "site", "--target", `127.0.0.1:${target}`, "--kind", "redis"];
  const created = await sallyport(["resource", "create", "cache", ...place]);
  expect(created.stderr).toContain("each gateway of the pool site");
  expect((await sallyport(["resource", "list"])).stdout).toContain("pool site");

  const forward = workspace.own(startProduct(["connect", "cache", "--json"], { home: admin, build: BUILD }));
  const { port, kind, hint } = LISTENING.parse(await forward.waitForJson(20_000));
  expect([kind, hint]).toEqual(["redis", `redis-cli -h 127.0.0.1 -p ${port}`]);

  const held: Socket[] = [];
  for (let i = 0; i < 6; i++) {
    held.push(await open(port));
    // Connections of one moment go together.
    await Bun.sleep(250);
  }
  for (const load of await memberLoads()) expect(load).toBeGreaterThanOrEqual(2);

  gateways.get("a")?.kill();
  for (let i = 0; i < 6; i++) await open(port);
  // What was open through it is lost, and nothing else.
  const alive = held.filter((socket) => !socket.destroyed);
  const complaints = forward.stderr.text.split("\n").filter((line) => line.startsWith("sallyport:"));
  expect(complaints).toHaveLength(held.length - alive.length);
  for (const line of complaints) expect(line).toContain("The tunnel broke");
  expect(alive.length).toBeGreaterThan(0);
  expect(alive.length).toBeLessThan(held.length);
});

test("--wait gives up with exit code 4 and says what is wrong, while scripts have their output already", async () => {
  const words = ["gateway", "create", "never", "--json", "--wait", "--timeout", "1s"];
  const { stdout, stderr } = await sallyport(words, { exitCode: 4 });
  expect(CREATED.parse(JSON.parse(stdout)).token).toStartWith("gwe_");
  expect(stderr).toContain("Waiting for the gateway never: Unregistered");
  expect(stderr).toContain("[SERVICE_NOT_READY]");
});

test("what is there can be changed and renamed", async () => {
  await sallyport(["gateway", "update", "never", "--name", "later"]);
  expect((await sallyport(["gateway", "list"])).stdout).toContain("later");
  await sallyport(["relay", "update", "edge", "--no-auto-select"]);
  expect((await sallyport(["relay", "show", "edge"])).stdout).toContain("only by gateways that name it");
  await sallyport(["relay", "update", "edge", "--auto-select"]);
  await sallyport(["resource", "update", "cache", "--name", "store", "--target", "10.0.0.9"]);
  expect((await sallyport(["resource", "show", "store"])).stdout).toContain(`10.0.0.9:${target}`);
  await sallyport(["pool", "update", "site", "--name", "hall"]);
  const refused = await sallyport(["pool", "delete", "hall"], { exitCode: 1 });
  expect(refused.stderr).toContain("the resource store");
  await sallyport(["org", "update", "--require-gateway-pools"]);
  const single = ["resource", "create", "x", "--gateway", "later", "--target", "db:1"];
  expect((await sallyport(single, { exitCode: 1 })).stderr).toContain("requires gateway pools");
  await sallyport(["resource", "delete", "store"]);
  await sallyport(["pool", "remove", "hall", "b"]);
  await sallyport(["pool", "delete", "hall"]);
  expect((await sallyport(["pool", "list"])).stdout.trim()).toBe("NAME  HEALTHY  RESOURCES  ID");
});

test.each([
  [["resource", "create", "x", "--target", "db:1"], "--gateway or --pool"],
  [["resource", "create", "x", "--gateway", "a", "--pool", "p", "--target", "db:1"], "not both"],
  [["resource", "update", "x"], "Say what to change"],
  [["relay", "update", "edge"], "Say what to change"],
  [["gateway", "show", "a", "--wait", "--timeout", "soon"], "--timeout"],
])("%j ends with exit code 2 and says what to do", async (words, hint) => {
  expect((await sallyport(words, { exitCode: 2 })).stderr).toContain(hint);
});
