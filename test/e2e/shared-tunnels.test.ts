import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { type Network, startNetwork } from "../support/network.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { runProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(90_000);

const CLIENTS = 16;
const status = z.object({ connections: z.object({ total: z.number(), open: z.number() }) });

let workspace: Workspace;
let network: Network;
let postgres: Postgres;

beforeAll(async () => {
  workspace = await Workspace.open("shared");
  postgres = workspace.own(await startPostgres());
  network = await startNetwork(workspace, { build: "binary" });
});
afterAll(() => workspace.close());

const connections = async (role: "relay" | "gateway", name: string) => {
  const { stdout } = await runProduct([role, "status", name, "--json"], {
    home: workspace.path,
    build: "binary",
  });
  return status.parse(JSON.parse(stdout)).connections;
};

test("pgbench -C for 5 s: a connection for each transaction, all in one session through the relay", async () => {
  const { port, process } = await network.forward(`127.0.0.1:${postgres.port}`);
  // `connect` itself has looked whether the gateway is there.
  const before = (await connections("relay", "edge")).total;
  await postgres.createDatabase("bench");
  const url = `postgres://postgres@127.0.0.1:${port}/bench`;
  await postgres.client("pgbench", ["--initialize", "--quiet", "--scale", "1", url]);
  const load = ["--client", String(CLIENTS), "--jobs", "2", "--no-vacuum", "--connect", "--time", "5"];
  const report = await postgres.client("pgbench", [...load, url]);
  expect(report).toContain("number of failed transactions: 0");
  const transactions = Number(/actually processed: (\d+)/.exec(report)?.[1]);
  expect(transactions).toBeGreaterThan(2 * CLIENTS);
  // The relay carried one session, the gateway a tunnel for each transaction.
  expect((await connections("relay", "edge")).total - before).toBe(1);
  expect((await connections("gateway", "site")).total).toBeGreaterThanOrEqual(transactions);
  expect(await process.stop()).toBe(0);
  while ((await connections("relay", "edge")).open > 0) await Bun.sleep(50);
  expect((await connections("gateway", "site")).open).toBe(0);
  // It took its leave, so nothing was lost.
  await network.relay.waitForLog(/Client disconnected .* bytesUp=\d{5,} .*cause=ENDED/);
  expect(network.relay.stderr.text).not.toContain("CONNECTION_LOST");
});
