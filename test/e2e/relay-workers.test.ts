import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { GATEWAY, type PlatformNetwork, READY, RELAY, startPlatform } from "../support/platform-network.ts";
import { type RunningProcess, startProduct } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let network: PlatformNetwork;
let relay: RunningProcess;
let gateway: RunningProcess;

beforeAll(async () => {
  workspace = await Workspace.open("platform-workers");
  network = await startPlatform(workspace, { build: "binary" });
  for (const agent of ["relay", "gateway"] as const) await network.enroll(agent);
  const words = ["relay", "start", RELAY, "--workers", "2", "--limit", "advice-ms=100"];
  relay = workspace.own(startProduct(words, network.as("relay")));
  await relay.waitForLog(READY.relay);
  gateway = network.start("gateway");
  await gateway.waitForLog(READY.gateway);
});
afterAll(() => workspace.close());

const lines = (text: string) => relay.stderr.text.split("\n").filter((line) => line.includes(text));

describe("a relay of two workers and a platform, compiled", () => {
  test("is known to the platform once: reachable, with its gateway's tunnel", async () => {
    await relay.waitForLog("Relay is reachable");
    expect(lines("Relay is reachable")).toHaveLength(1);
    const tunnels = async () => (await network.client.gateways.list()).filter(({ name }) => name === GATEWAY);
    while (!JSON.stringify(await tunnels()).includes(RELAY)) await Bun.sleep(50);
  });

  test("O2 a gateway that is revoked is cut, whichever worker holds it", async () => {
    const [{ id } = { id: "" }] = await network.client.gateways.list();
    await network.client.gateways.revoke(id);
    await relay.waitForLog("A gateway's session is revoked");
    await until(() => lines("Gateway disconnected").length === 1);
  });

  test("O4 drains when the platform asks for it, and exits 0", async () => {
    const [{ id } = { id: "" }] = await network.client.relays.list();
    await network.client.relays.drain(id);
    expect(await relay.exited).toBe(0);
  });
});
