import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { type Network, startNetwork } from "../support/network.ts";
import { freePort } from "../support/ports.ts";
import { type RunningProcess, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

/** Two hosts, told apart by the address that the relay sees. */
type Host = "original" | "copy";
const ADDRESSES: Record<Host, string> = { original: "127.0.0.1", copy: "127.0.0.2" };

let workspace: Workspace;
let network: Network;
let detour: Detour;
let port: number;
let directories: Record<Host, string>;
const gateways: Partial<Record<Host, RunningProcess>> = {};

beforeAll(async () => {
  workspace = await Workspace.open("stale-session");
  detour = new Detour();
  network = await startNetwork(workspace, { build: "binary", detour });
  gateways.original = network.gateway;
  directories = { original: network.directories.gateway, copy: workspace.join("copied-gateway") };
  await cp(directories.original, directories.copy, { recursive: true });

  const echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => void echo.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => echo.close());
  ({ port } = await network.forward(`127.0.0.1:${(echo.address() as AddressInfo).port}`));
});
afterAll(() => workspace.close());

describe("F3 two hosts with one identity", () => {
  test("the newest serves; the other says what is wrong and what helps, and waits", async () => {
    expect(await whoServes()).toBe("original");
    await start("copy");
    expect(await whoServes()).toBe("copy");
    const warning = await gateways.original?.waitForLog("GATEWAY_DUPLICATE");
    expect(warning).toContain("stop it or give it a gateway of its own");
    expect(warning).toContain("sallyport ca issue gateway site");
    expect(warning).toContain("retryInSeconds=60");
    const dialled = detour.connections;
    for (let i = 0; i < 20; i++) expect(await whoServes()).toBe("copy");
    expect(detour.connections).toBe(dialled);
    expect(logins()).toBe(2);
  });

  test("after three replacements within a minute the present one stays, whoever is started again", async () => {
    await start("original");
    expect(await whoServes()).toBe("original");
    await start("copy");
    expect(await whoServes()).toBe("copy");
    await start("original", { refused: true });
    await network.relay.waitForLog(/Gateway refused .*GATEWAY_DUPLICATE/);
    await start("original", { refused: true });
    expect(await whoServes()).toBe("copy");
    expect(logins()).toBe(4);
  });

  test("once the original is issued again, the copy never serves again, not even alone", async () => {
    await network.reissue();
    await start("original");
    expect(await whoServes()).toBe("original");
    await gateways.copy?.waitForLog("GATEWAY_DUPLICATE");
    await start("copy", { refused: true });
    await network.relay.waitForLog(/Gateway refused .*lower-generation/);
    expect(await whoServes()).toBe("original");

    await gateways.original?.stop();
    await start("copy", { refused: true });
    expect(await whoServes()).toBe("nobody");
    expect(logins()).toBe(5);
  });
});

/** Starts a gateway on that host, in place of the process that ran there. */
async function start(host: Host, { refused = false } = {}): Promise<void> {
  await gateways[host]?.stop();
  detour.source = ADDRESSES[host];
  const process = workspace.own(
    startProduct(["gateway", "start", "--pki", directories[host], "--allow", "localhost"], {
      home: workspace.path,
      build: "binary",
      env: { SALLYPORT_RUNTIME_DIR: workspace.join(host) },
    }),
  );
  gateways[host] = process;
  await process.waitForLog(refused ? "GATEWAY_DUPLICATE" : "Relay connection established");
}

/** Which process a new connection leads to. */
async function whoServes(): Promise<Host | "nobody"> {
  const before = { original: sessions("original"), copy: sessions("copy") };
  if (!(await answers())) return "nobody";
  const grown = (["original", "copy"] as const).filter((host) => sessions(host) > before[host]);
  const [only] = grown;
  if (!only || grown.length > 1) throw new Error(`sessions of ${grown.join(" and ") || "nobody"}`);
  return only;
}

function sessions(host: Host): number {
  return count(gateways[host], "Session opened");
}

/** How often the relay has taken a gateway in. */
function logins(): number {
  return count(network.relay, "Gateway connected");
}

function count(process: RunningProcess | undefined, message: string): number {
  return process?.stderr.lines.filter((line) => line.includes(message)).length ?? 0;
}

/** Whether a word comes back on a new connection. */
function answers(): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  return new Promise((resolve) => {
    socket.once("data", (chunk) => {
      resolve(chunk.toString() === "hello");
      socket.destroy();
    });
    socket.once("close", () => resolve(false));
    socket.write("hello");
  });
}

/** The gateways' way to the relay, which sees them come from `source`. */
class Detour {
  readonly port = freePort();
  source = ADDRESSES.original;
  connections = 0;

  async start(relaySshPort: number): Promise<void> {
    const server = createServer((near) => {
      this.connections++;
      const far = connect({ host: "127.0.0.1", port: relaySshPort, localAddress: this.source });
      near.on("error", () => far.destroy()).on("close", () => far.destroy());
      far.on("error", () => near.destroy()).on("close", () => near.destroy());
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => void server.listen(this.port, "127.0.0.1", resolve));
    workspace.defer(() => server.close());
  }
}
