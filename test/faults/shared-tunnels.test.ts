import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { PlatformAccess } from "../../src/client/platform-access.ts";
import { SharedTunnels } from "../../src/client/shared-tunnels.ts";
import type { PlatformClient } from "../../src/platform-client/client.ts";
import { ALPN } from "../../src/tunnel/alpn.ts";
import { Inbox } from "../support/byte-stream.ts";
import { LiveSystem } from "../support/live-system.ts";
import { type Network, startNetwork } from "../support/network.ts";
import { type RunningProcess, startProduct } from "../support/processes.ts";
import { echoTarget, LongStream, roundTrip } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(90_000);

/** One `connect --listen`, all of whose tunnels share a session, while relay and gateway go and come. */
describe("a client whose tunnels share a session", () => {
  let workspace: Workspace;
  let network: Network;
  let client: RunningProcess;
  let port: number;

  beforeAll(async () => {
    workspace = await Workspace.open("shared-faults");
    network = await startNetwork(workspace);
    const target = `127.0.0.1:${await echoTarget(workspace)}`;
    ({ port, process: client } = await network.forward(target));
  });
  afterAll(() => workspace.close());

  const start = async (...words: string[]) => {
    const process = workspace.own(startProduct(words, { home: workspace.path, build: "source" }));
    await process.waitForLog(/started successfully/);
    return process;
  };
  const startRelay = () => {
    const { ssh, tls } = network.relayPorts;
    const ports = ["--ssh-port", String(ssh), "--tls-port", String(tls)];
    return start("relay", "start", "--pki", network.directories.relay, "--listen", "127.0.0.1", ...ports);
  };
  const startGateway = () =>
    start("gateway", "start", "--pki", network.directories.gateway, "--allow", "localhost");
  const untilItAnswers = async () => {
    while (!(await roundTrip(port))) await Bun.sleep(50);
  };
  const streams = () => Promise.all(Array.from({ length: 4 }, () => LongStream.open(workspace, port)));

  test("goes on with what is open while the relay stops, opens more until then, and uses the next relay process", async () => {
    const open = await streams();
    const { relay } = network;
    relay.signal("SIGTERM");
    await network.gateway.waitForLog("The relay is about to stop");
    // There is no other relay to go to: this one still takes clients.
    expect(await roundTrip(port)).toBe(true);
    for (const stream of open) await stream.moves();
    for (const stream of open) stream.close();
    expect(await relay.exited).toBe(0);
    await startRelay();
    await untilItAnswers();
    for (let i = 0; i < 5; i++) expect(await roundTrip(port)).toBe(true);
  });

  test("goes on with what is open while the gateway stops, and uses the next gateway process", async () => {
    const open = await streams();
    const { gateway } = network;
    gateway.signal("SIGTERM");
    await gateway.waitForLog("Shutting down");
    for (const stream of open) await stream.moves();
    expect(await roundTrip(port)).toBe(false);
    for (const stream of open) stream.close();
    expect(await gateway.exited).toBe(0);
    const next = await startGateway();
    await untilItAnswers();

    // One that is killed has no time for a word.
    const more = await streams();
    next.kill();
    await Promise.all(more.map(({ closed }) => closed));
    await startGateway();
    await untilItAnswers();
    expect(await client.stop()).toBe(0);
  });
});

describe("O2 access that is revoked ends tunnels that share a session", () => {
  let system: LiveSystem;
  let tunnels: SharedTunnels;

  beforeAll(async () => {
    system = await LiveSystem.open();
    // Without reports about tunnels, whose answers would cut as well: this is about the event stream.
    await system.relay("eu-1", { reports: false });
    await system.gateway("office");
    const port = await system.echo();
    await system.admin.resources.create({ name: "db", gatewayName: "office", host: "127.0.0.1", port });
    tunnels = new SharedTunnels();
  });
  afterAll(async () => {
    void tunnels.close();
    await system.close();
  });

  const access = (client: PlatformClient) => new PlatformAccess(client, { resource: "db" });
  const open = async (from: PlatformAccess) => {
    const { credentials } = await from.current();
    const tunnel = await tunnels.open(credentials);
    expect(tunnel.alpn).toBe(ALPN.sallyportMux);
    const inbox = new Inbox(tunnel.stream);
    inbox.write("x");
    expect(await inbox.until(1)).toBe("x");
    return inbox;
  };

  test("all of them, and no other person's; with new access there are new ones", async () => {
    const noah = await system.member("noah");
    await system.admin.grants.create("db", { email: noah.email });
    const [theirs, mine] = [access(noah.client), access(system.admin)];
    const cut = [await open(theirs), await open(theirs), await open(theirs)];
    const kept = await open(mine);
    const { credentials } = await theirs.current();
    await system.admin.grants.delete("db", { email: noah.email });
    for (const inbox of cut) expect(await inbox.closed).toBeInstanceOf(Error);
    // By the relay or by the gateway: both have been told.
    expect(String(await tunnels.open(credentials).catch((error: unknown) => error))).toMatch(/revoked/);
    kept.write("y");
    expect(await kept.until(2)).toBe("xy");
    await open(mine);

    await system.admin.grants.create("db", { email: noah.email });
    await open(access(noah.client));
  });

  test("when it is the gateway that is revoked, those of everybody", async () => {
    const from = access(system.admin);
    const cut = [await open(from), await open(from)];
    const [gateway] = await system.admin.gateways.list();
    await system.admin.gateways.revoke(gateway?.id ?? "");
    for (const inbox of cut) expect(await inbox.closed).toBeInstanceOf(Error);
  });
});
