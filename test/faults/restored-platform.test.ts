import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFile } from "node:fs/promises";
import { z } from "zod";
import { GATEWAY, type PlatformNetwork, READY, startPlatform } from "../support/platform-network.ts";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { echoTarget, LongStream, roundTrip } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

let workspace: Workspace;
let network: PlatformNetwork;
let gateway: RunningProcess;
let port: number;

beforeAll(async () => {
  workspace = await Workspace.open("restored-platform");
  network = await startPlatform(workspace);
  for (const agent of ["relay", "gateway"] as const) await network.enroll(agent);
  await network.start("relay").waitForLog(READY.relay);
  gateway = network.start("gateway");
  await gateway.waitForLog(READY.gateway);
  const target = { host: "127.0.0.1", port: await echoTarget(workspace) };
  await network.client.resources.create({ name: "echo", gatewayName: GATEWAY, ...target });
  const words = ["connect", "echo", "--listen", "127.0.0.1:0", "--json", "--domain", network.client.domain];
  const env = { SALLYPORT_TOKEN: network.token };
  const forward = workspace.own(startProduct(words, { home: workspace.path, env }));
  ({ port } = z.object({ port: z.number() }).parse(await forward.waitForJson()));
});
afterAll(() => workspace.close());

test("a running gateway works on against the restored platform, which can revoke it", async () => {
  const own = { home: workspace.join("platform") };
  const stream = await LongStream.open(workspace, port);
  const file = workspace.join("backup.jsonl");
  const data = ["--data-dir", network.dataDirectory];
  // While it runs.
  expect((await runProduct(["platform", "backup", "--out", file, ...data], own)).exitCode).toBe(0);
  const domain = new URL(network.client.domain);
  await network.platform.stop();

  const restored = workspace.join("restored-data");
  await copyFile(`${network.dataDirectory}.root-key`, `${restored}.root-key`);
  const there = ["--data-dir", restored];
  const done = await runProduct(["platform", "restore", "--in", file, ...there], own);
  expect([done.stderr, done.exitCode]).toEqual([expect.stringContaining("revoke again"), 0]);
  const start = ["platform", "start", "--listen", domain.host, ...there, "--log-format", "json"];
  const platform = workspace.own(startProduct(start, own));
  await platform.waitForLog('"url"');

  await stream.moves();
  expect(await roundTrip(port)).toBe(true);
  const [row] = await network.client.gateways.list();
  expect(row?.name).toBe(GATEWAY);
  // Its event stream is up again: a revocation reaches it and its relay.
  await network.client.gateways.revoke(row?.id ?? "");
  await stream.closed;
  await gateway.waitForLog("was revoked", 60_000);
});
