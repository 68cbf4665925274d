import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Network, startNetwork } from "../support/network.ts";
import { runProduct, startProduct } from "../support/processes.ts";
import { echoTarget, LongStream, roundTrip, SteadyLoad } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

let workspace: Workspace;
let network: Network;
beforeAll(async () => {
  workspace = await Workspace.open("offline-rotation");
  network = await startNetwork(workspace);
});
afterAll(() => workspace.close());

test("F7 without a platform: rotate, issue again, drop the old ones: no new connection fails, no stream is dropped", async () => {
  const target = `127.0.0.1:${await echoTarget(workspace)}`;
  const ca = ["--dir", network.directories.ca];
  const client = workspace.join("client");
  const issue = async (...ttl: string[]) =>
    await network.sallyport(
      "ca",
      "issue",
      "client",
      "--gateway",
      "site",
      "--target",
      target,
      "--out",
      client,
      ...ttl,
      ...ca,
    );
  await issue("--ttl", "25s");
  const port = await listen(client);
  const stream = await LongStream.open(workspace, port);
  const load = new SteadyLoad(port);

  await network.sallyport("ca", "rotate", ...ca);
  const dropOld = () => runProduct(["ca", "rotate", "--drop-old", ...ca], { home: workspace.path });
  expect((await dropOld()).stderr).toContain("still valid");
  await Bun.sleep(2000);
  await network.reissue();
  await issue();
  // Refused until the last certificate of the old ones has expired.
  while ((await dropOld()).exitCode !== 0) await Bun.sleep(1000);
  // Until everybody has seen the new files.
  await Bun.sleep(3000);
  await load.stop();
  expect(load.failures).toEqual([]);
  expect(load.opened).toBeGreaterThan(20);
  await stream.moves();
  stream.close();
});

test("F7 without a platform: connections that come while a client's directory is written are served", async () => {
  const target = `127.0.0.1:${await echoTarget(workspace)}`;
  const directory = await network.clientDirectory(target);
  const port = await listen(directory);
  expect(await roundTrip(port)).toBe(true);
  const identity = join(directory, "identity.json");
  await rename(identity, `${identity}.away`);
  expect(await roundTrip(port)).toBe(true);
});

async function listen(directory: string): Promise<number> {
  const words = ["connect", "--pki", directory, "--listen", "127.0.0.1:0", "--json"];
  const client = workspace.own(startProduct(words, { home: workspace.path }));
  return z.object({ port: z.number() }).parse(await client.waitForJson()).port;
}
