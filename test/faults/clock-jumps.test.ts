import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { FakeTime } from "../support/fake-time.ts";
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
setDefaultTimeout(120_000);

/** ACCEPTANCE F4. */
const RIGHT_MS = 30_000;
const NAMES: Record<Agent, string> = { relay: RELAY, gateway: GATEWAY };

let workspace: Workspace;
let time: FakeTime;
let network: PlatformNetwork;
const daemons = new Map<Agent, RunningProcess>();
let port: number;

beforeAll(async () => {
  workspace = await Workspace.open("clock-jumps");
  time = FakeTime.open(workspace);
  // The authorities are older than any jump.
  time.jump(-48);
  network = await startPlatform(workspace, { env: time.env, agentEnv: time.env });
  time.jump(48);
  for (const agent of ["relay", "gateway"] as const) {
    await network.enroll(agent);
    const daemon = network.start(agent);
    daemons.set(agent, daemon);
    await daemon.waitForLog(READY[agent], 20_000);
  }
  const target = { host: "127.0.0.1", port: await echoTarget(workspace) };
  await network.client.resources.create({ name: "echo", gatewayName: GATEWAY, ...target });
  const words = ["connect", "echo", "--listen", "127.0.0.1:0", "--json", "--domain", network.client.domain];
  const env = { ...time.env, SALLYPORT_TOKEN: network.token };
  const forward = workspace.own(startProduct(words, { home: workspace.path, env }));
  ({ port } = z.object({ port: z.number() }).parse(await forward.waitForJson()));
});
afterAll(() => workspace.close());

const shown = z.object({
  certificates: z.array(z.object({ name: z.string(), from: z.coerce.date(), until: z.coerce.date() })),
  conditions: z.array(z.object({ code: z.string() })),
});

/** What is wrong with the certificates of both, by their own clock. */
async function flaws(): Promise<string[]> {
  const found: string[] = [];
  for (const agent of ["relay", "gateway"] as const) {
    const { stdout } = await runProduct([agent, "status", NAMES[agent], "--json"], network.as(agent));
    const { certificates, conditions } = shown.parse(JSON.parse(stdout));
    const now = time.now();
    for (const { name, from, until } of certificates) {
      if (from > now || until <= now) found.push(`${agent} ${name} from ${from.toISOString()}`);
    }
    for (const { code } of conditions) if (/^(CERTIFICATE|CLOCK)_/.test(code)) found.push(`${agent} ${code}`);
  }
  return found;
}

/** Certificates are right in time, and new connections come through. */
async function recovers(deadlineMs = RIGHT_MS): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await flaws();
    if (found.length === 0 && (await roundTrip(port))) return;
    if (performance.now() > deadline)
      throw new Error(`after ${deadlineMs} ms: ${found.join(", ") || "no way through"}`);
    await Bun.sleep(500);
  }
}

test("F4 all clocks jump an hour forward: an open stream goes on, new connections come through", async () => {
  await recovers();
  const stream = await LongStream.open(workspace, port);
  time.jump(1);
  await recovers();
  await stream.moves();
  stream.close();
});

test("F4 all clocks jump an hour back: certificates that are not valid yet are replaced within 30 s", async () => {
  // Those of an hour ago are still valid, so let there be newer ones: what is at hand counts as fresh for 10 s.
  await Bun.sleep(10_500);
  for (const daemon of daemons.values()) daemon.signal("SIGHUP");
  await Bun.sleep(2000);
  const stream = await LongStream.open(workspace, port);
  time.jump(-1);
  expect(await flaws()).not.toEqual([]);
  await recovers();
  await stream.moves();
  stream.close();
});

test("F4 the gateway's machine is suspended for two hours: the tunnel comes back by itself", async () => {
  daemons.get("gateway")?.signal("SIGSTOP");
  // The relay gives it up after 20 s without a byte.
  await Bun.sleep(25_000);
  time.jump(2);
  daemons.get("gateway")?.signal("SIGCONT");
  await recovers();
});

test("F4 all clocks jump 30 hours forward: every certificate has expired, and is replaced within 30 s", async () => {
  time.jump(30);
  expect(await flaws()).not.toEqual([]);
  await recovers();
  for (const agent of ["relay", "gateway"] as const) expect(await daemons.get(agent)?.stop()).toBe(0);
});
