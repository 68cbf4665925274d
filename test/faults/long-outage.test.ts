import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { AGENTS, DatedSystem } from "../support/dated-system.ts";
import { LongStream, roundTrip } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(180_000);

/** Retries are spread over up to 3 minutes while certificates are good for hours; these are not. */
const BACK_MS = 60_000;

let workspace: Workspace;
let system: DatedSystem;

beforeAll(async () => {
  workspace = await Workspace.open("long-outage");
  system = await DatedSystem.open(workspace);
});
afterAll(() => workspace.close());

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(300);
}

test("F5 the platform is away for 8 h, relay and gateway are started again meanwhile: the tunnel works, status says so", async () => {
  await system.recovers(BACK_MS);
  // What a client has was good for 5 minutes: who is connected stays so.
  const stream = await LongStream.open(workspace, system.port);
  await system.stopPlatform();
  system.time.jump(8);
  await stream.moves();
  stream.close();
  for (const agent of AGENTS) {
    expect(await system.daemon(agent).stop()).toBe(0);
    await system.start(agent);
    await until(async () => (await system.conditions(agent)).includes("PLATFORM_UNREACHABLE"));
  }
  expect(await system.flaws()).toEqual([]);
});

test("F5 past the end of every certificate: status says so, and it recovers by itself when the platform is back", async () => {
  system.time.jump(24);
  for (const agent of AGENTS) {
    const codes = await system.conditions(agent);
    expect(codes.some((code) => /^(CERTIFICATE_EXPIRED|PLATFORM_UNREACHABLE)$/.test(code))).toBe(true);
  }
  expect(await roundTrip(system.port)).toBe(false);
  await system.startPlatform();
  await system.recovers(BACK_MS);
});

test("F5 stopped for 30 days, relay and gateway start again without being enrolled", async () => {
  for (const agent of AGENTS) expect(await system.daemon(agent).stop()).toBe(0);
  await system.stopPlatform();
  system.time.jump(30 * 24);
  await system.startPlatform();
  for (const agent of AGENTS) await system.start(agent);
  await system.recovers(BACK_MS);
  for (const agent of AGENTS) expect(await system.daemon(agent).stop()).toBe(0);
});
