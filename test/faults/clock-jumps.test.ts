import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { AGENTS, DatedSystem } from "../support/dated-system.ts";
import { LongStream } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

/** ACCEPTANCE F4. */
const RIGHT_MS = 30_000;

let workspace: Workspace;
let system: DatedSystem;

beforeAll(async () => {
  workspace = await Workspace.open("clock-jumps");
  system = await DatedSystem.open(workspace);
});
afterAll(() => workspace.close());

test("F4 all clocks jump an hour forward: an open stream goes on, new connections come through", async () => {
  await system.recovers(RIGHT_MS);
  const stream = await LongStream.open(workspace, system.port);
  system.time.jump(1);
  await system.recovers(RIGHT_MS);
  await stream.moves();
  stream.close();
});

test("F4 all clocks jump an hour back: certificates that are not valid yet are replaced within 30 s", async () => {
  // Those of an hour ago are still valid, so let there be newer ones: what is at hand counts as fresh for 10 s.
  await Bun.sleep(10_500);
  for (const agent of AGENTS) system.daemon(agent).signal("SIGHUP");
  await Bun.sleep(2000);
  const stream = await LongStream.open(workspace, system.port);
  system.time.jump(-1);
  expect(await system.flaws()).not.toEqual([]);
  await system.recovers(RIGHT_MS);
  await stream.moves();
  stream.close();
});

test("F4 the gateway's machine is suspended for two hours: the tunnel comes back by itself", async () => {
  system.daemon("gateway").signal("SIGSTOP");
  // The relay gives it up after 20 s without a byte.
  await Bun.sleep(25_000);
  system.time.jump(2);
  system.daemon("gateway").signal("SIGCONT");
  await system.recovers(RIGHT_MS);
});

test("F4 all clocks jump 30 hours forward: every certificate has expired, and is replaced within 30 s", async () => {
  system.time.jump(30);
  expect(await system.flaws()).not.toEqual([]);
  await system.recovers(RIGHT_MS);
  for (const agent of AGENTS) expect(await system.daemon(agent).stop()).toBe(0);
});
