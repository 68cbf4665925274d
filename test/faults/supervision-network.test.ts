import { expect, test } from "bun:test";
import { Cable } from "../support/namespaces.ts";
import {
  mustRun,
  productCommand,
  type RunningProcess,
  runProduct,
  startProduct,
} from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

/** ACCEPTANCE F2, and what a busy machine takes to say so. */
const NOTICED_MS = 25_000;
/** Backoff after that, at most, and the dial. */
const BACK_MS = 35_000;

/** A relay and a gateway, each on a machine of its own, with a tunnel between them. */
class Scene implements AsyncDisposable {
  private constructor(
    private readonly space: Workspace,
    readonly cable: Cable,
    readonly relay: RunningProcess,
    readonly gateway: RunningProcess,
  ) {}

  static async open(): Promise<Scene> {
    const space = await Workspace.open("supervision-network");
    try {
      return await Scene.#set(space);
    } catch (error) {
      await space.close();
      throw error;
    }
  }

  static async #set(space: Workspace): Promise<Scene> {
    const cable = space.own(await Cable.lay());
    const { address } = cable.far;
    const ca = (...args: string[]) =>
      mustRun([...productCommand(["ca", ...args]), "--dir", space.join("ca")], { env: { HOME: space.path } });
    const start = (namespace: string, ...args: string[]) =>
      space.own(startProduct(args, { home: space.path, namespace }));
    await ca("init", "--org", "Acme");
    await ca("issue", "relay", "edge", "--host", address, "--out", space.join("relay"));
    await ca("issue", "gateway", "site", "--relay-host", address, "--out", space.join("gateway"));
    await ca(
      "issue",
      "client",
      "--gateway",
      "site",
      "--target",
      "127.0.0.1:9",
      "--out",
      space.join("client"),
    );
    const relay = start(cable.far.name, "relay", "start", "--pki", space.join("relay"));
    await relay.waitForLog("Relay server started successfully");
    const gateway = start(cable.near.name, "gateway", "start", "--pki", space.join("gateway"));
    await gateway.waitForLog("Gateway started successfully");
    return new Scene(space, cable, relay, gateway);
  }

  /** A client at the relay hears that its target is denied, which only the gateway can say. */
  async reachesGateway(): Promise<boolean> {
    const { stderr } = await runProduct(["connect", "--pki", this.space.join("client"), "--stdio"], {
      home: this.space.path,
      namespace: this.cable.far.name,
    });
    return stderr.includes("TARGET_DENIED");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.space.close();
  }
}

function count(process: RunningProcess, words: string): number {
  return process.stderr.text.split(words).length - 1;
}

/** Waits for the nth line with these words. */
async function nth(process: RunningProcess, words: string, n: number, deadlineMs: number): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (count(process, words) < n) {
    if (performance.now() > deadline) throw new Error(`no line ${n} with ${words}:\n${process.stderr.text}`);
    await Bun.sleep(100);
  }
}

test.concurrent("F2 a black hole is noticed at both ends within 25 s, and the tunnel comes back by itself", async () => {
  await using scene = await Scene.open();
  const { cable, relay, gateway } = scene;
  expect(await scene.reachesGateway()).toBe(true);
  await cable.cut();
  await Promise.all([
    gateway.waitForLog("The tunnel is lost", NOTICED_MS),
    relay.waitForLog("Gateway disconnected", NOTICED_MS),
  ]);
  await cable.mend();
  await nth(gateway, "Relay connection established for gateway", 2, BACK_MS);
  expect(await scene.reachesGateway()).toBe(true);
}, 120_000);

test.concurrent("F9 the gateway's address changes under it: it is reached again at its new one", async () => {
  await using scene = await Scene.open();
  const { cable, relay, gateway } = scene;
  await cable.readdress("10.77.1.3");
  await nth(gateway, "Relay connection established for gateway", 2, NOTICED_MS + BACK_MS);
  expect(await scene.reachesGateway()).toBe(true);
  expect(relay.stderr.text).toContain("address=10.77.1.3");
  expect(gateway.stderr.text).not.toContain("GATEWAY_DUPLICATE");
}, 120_000);
