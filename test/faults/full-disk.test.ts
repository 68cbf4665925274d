import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Agent, GATEWAY, READY, RELAY, startPlatform } from "../support/platform-network.ts";
import { runProduct, startProduct } from "../support/processes.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { echoTarget, LongStream, roundTrip } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

let workspace: Workspace;
beforeEach(async () => {
  workspace = await Workspace.open("full-disk");
});
afterEach(() => workspace.close());

const NAMES: Record<Agent, string> = { relay: RELAY, gateway: GATEWAY };
const shown = z.object({ conditions: z.array(z.object({ code: z.string(), text: z.string() })) });

test("F10 a full state directory and a read-only one: relay and gateway say so, serve on, and write when they can", async () => {
  const network = await startPlatform(workspace);
  const disks = {
    gateway: workspace.own(await SmallDisk.mount(join(network.homes.gateway, "state"), 256)),
    relay: workspace.own(await SmallDisk.mount(join(network.homes.relay, "state"), 256)),
  };
  const agents = ["relay", "gateway"] as const;
  const start = async (agent: Agent) => {
    const daemon = network.start(agent);
    await daemon.waitForLog(READY[agent]);
    return daemon;
  };
  for (const agent of agents) await network.enroll(agent);
  const daemons = { relay: await start("relay"), gateway: await start("gateway") };
  const target = { host: "127.0.0.1", port: await echoTarget(workspace) };
  await network.client.resources.create({ name: "echo", gatewayName: GATEWAY, ...target });
  const words = ["connect", "echo", "--listen", "127.0.0.1:0", "--json", "--domain", network.client.domain];
  const own = { home: workspace.path, env: { SALLYPORT_TOKEN: network.token } };
  const forward = workspace.own(startProduct(words, own));
  const { port } = z.object({ port: z.number() }).parse(await forward.waitForJson());
  const stream = await LongStream.open(workspace, port);
  const kept = (agent: Agent) =>
    readFile(join(disks[agent].path, "sallyport", agent, NAMES[agent], "credentials.json"), "utf8");
  const before = { relay: await kept("relay"), gateway: await kept("gateway") };
  const conditions = async (agent: Agent) => {
    const { stdout } = await runProduct([agent, "status", NAMES[agent], "--json"], network.as(agent));
    return shown.parse(JSON.parse(stdout)).conditions;
  };

  await disks.gateway.fill();
  await disks.relay.readOnly();
  // Those at hand count as fresh for 10 s.
  await Bun.sleep(10_500);
  for (const agent of agents) daemons[agent].signal("SIGHUP");
  for (const agent of agents) {
    await daemons[agent].waitForLog("code=STATE_UNWRITABLE");
    const [trouble] = await conditions(agent);
    expect(trouble).toMatchObject({ code: "STATE_UNWRITABLE" });
    expect(trouble?.text).toMatch(agent === "gateway" ? /ENOSPC/ : /EROFS/);
    // What was there is whole.
    expect(await kept(agent)).toBe(before[agent]);
  }
  await stream.moves();
  expect(await roundTrip(port)).toBe(true);

  await disks.gateway.empty();
  await disks.relay.writable();
  for (const agent of agents) {
    await daemons[agent].waitForLog("The state directory can be written again");
    expect(await kept(agent)).not.toBe(before[agent]);
    expect((await conditions(agent)).map(({ code }) => code)).not.toContain("STATE_UNWRITABLE");
    expect(daemons[agent].stderr.text.match(/STATE_UNWRITABLE/g)).toHaveLength(1);
  }
  stream.close();

  // Nothing was lost: both start again without their platform.
  expect(await network.platform.stop()).toBe(0);
  for (const agent of agents) {
    expect(await daemons[agent].stop()).toBe(0);
    daemons[agent] = await start(agent);
  }
  while (!(await roundTrip(port))) await Bun.sleep(100);
});

test("F10 they start on a full disk, too", async () => {
  const network = await startPlatform(workspace);
  for (const agent of ["relay", "gateway"] as const) {
    await network.enroll(agent);
    const disk = workspace.own(await SmallDisk.mount(join(network.homes[agent], "state"), 64));
    await disk.fill();
    const daemon = network.start(agent);
    await daemon.waitForLog(READY[agent]);
    await daemon.waitForLog("code=STATE_UNWRITABLE");
  }
});

test("F10 a platform whose disk is full refuses what it can't write, serves the rest, and has lost nothing", async () => {
  const disk = workspace.own(await SmallDisk.mount(workspace.join("platform-data"), 4096));
  const network = await startPlatform(workspace);
  const { client, platform } = network;
  const made: string[] = [];
  const make = async () => {
    const name = `g-${made.length}`;
    await client.gateways.create({ name });
    made.push(name);
  };
  await make();
  await disk.fill();
  const refusal = async () => {
    for (;;) {
      // What was allotted to the journal before can still be written.
      const error = await make().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) return error;
    }
  };
  expect(await refusal()).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  await platform.waitForLog(/"code":"DATABASE_UNAVAILABLE".*disk is full/);
  expect(new Set((await client.gateways.list()).map(({ name }) => name))).toEqual(new Set(made));
  await disk.empty();
  for (let i = 0; i < 5; i++) await make();
  expect(new Set((await client.gateways.list()).map(({ name }) => name))).toEqual(new Set(made));
  expect(await platform.stop()).toBe(0);
});
