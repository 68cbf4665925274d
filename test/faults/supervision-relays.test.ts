import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AddressInfo, connect, createServer } from "node:net";
import { z } from "zod";
import { type PlatformNetwork, startPlatform } from "../support/platform-network.ts";
import { freePort } from "../support/ports.ts";
import { type RunningProcess, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

const RELAYS = ["a", "b"] as const;
type RelayName = (typeof RELAYS)[number];
const UP = "Relay connection established for gateway";
const READY = "Relay server started successfully";

let workspace: Workspace;
let network: PlatformNetwork;
let gateway: RunningProcess;
const relays = new Map<RelayName, RunningProcess>();
const words = new Map<RelayName, string[]>();
let port: number;

beforeAll(async () => {
  workspace = await Workspace.open("supervision-relays");
  network = await startPlatform(workspace);
  const { client } = network;
  for (const name of RELAYS) {
    const { id } = await client.relays.create({ name, host: "127.0.0.1" });
    const { token } = await client.relays.generateToken(id);
    const file = await workspace.file(`token-${name}`, token);
    words.set(name, [
      ...["relay", "start", name, "--token-file", file, "--domain", client.domain],
      ...["--listen", "127.0.0.1", "--ssh-port", `${freePort()}`, "--tls-port", `${freePort()}`],
      ...["--limit", "drain-ms=9000", "--limit", "advice-ms=1000"],
    ]);
    await startRelay(name);
  }
  const { id } = await client.gateways.create({ name: "site" });
  const token = await workspace.file("token", (await client.gateways.generateToken(id)).token);
  const domain = ["--domain", client.domain];
  gateway = start("gateway", "start", "site", "--token-file", token, ...domain, "--allow", "localhost");
  await tunnels(2);
  const echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => echo.close());
  const target = { host: "127.0.0.1", port: (echo.address() as AddressInfo).port };
  await client.resources.create({ name: "echo", gatewayName: "site", ...target });
  const forward = start("connect", "echo", "--listen", "127.0.0.1:0", "--json", ...domain);
  ({ port } = z.object({ port: z.number() }).parse(await forward.waitForJson()));
}, 60_000);
afterAll(() => workspace.close());

function start(...args: string[]): RunningProcess {
  const env = { SALLYPORT_TOKEN: network.token };
  return workspace.own(startProduct(args, { home: workspace.path, env }));
}

async function startRelay(name: RelayName): Promise<void> {
  const relay = start(...(words.get(name) ?? []));
  relays.set(name, relay);
  await relay.waitForLog(READY);
}

function relayOf(name: RelayName): RunningProcess {
  const relay = relays.get(name);
  if (!relay) throw new Error(`no relay ${name}`);
  return relay;
}

/** Waits until the gateway has said so often that a tunnel is up. */
async function tunnels(count: number): Promise<void> {
  for (let i = 0; i < 600 && gateway.stderr.text.split(UP).length - 1 < count; i++) await Bun.sleep(50);
  if (gateway.stderr.text.split(UP).length - 1 < count) throw new Error(gateway.stderr.text);
}

/** A connection that echoes now and then; `failure` says what went wrong before it was closed here. */
class Stream {
  failure: string | undefined;
  readonly answered: Promise<boolean>;
  readonly #socket = connect({ host: "127.0.0.1", port });
  #closing = false;

  constructor() {
    const first = Promise.withResolvers<boolean>();
    this.answered = first.promise;
    this.#socket.on("data", () => {
      first.resolve(true);
      setTimeout(() => !this.#closing && this.#socket.write("again"), 50);
    });
    const over = (why: string) => {
      if (!this.#closing) this.failure ??= why;
      first.resolve(false);
    };
    this.#socket.on("error", (error) => over(error.message));
    this.#socket.on("close", () => over("closed"));
    this.#socket.write("first");
    workspace.defer(() => this.close());
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }
}

test("F8 relays restart one after the other: no new connection fails, and those that are open may end in peace", async () => {
  for (const [round, name] of RELAYS.entries()) {
    const long = Array.from({ length: 4 }, () => new Stream());
    await Promise.all(long.map((stream) => stream.answered));
    const relay = relayOf(name);
    relay.signal("SIGTERM");
    const newcomers: Promise<boolean>[] = [];
    const began = performance.now();
    while (performance.now() - began < 4000) {
      const stream = new Stream();
      newcomers.push(stream.answered.finally(() => stream.close()));
      await Bun.sleep(100);
    }
    expect(long.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined, undefined]);
    for (const stream of long) stream.close();
    expect(await relay.exited).toBe(0);
    expect((await Promise.all(newcomers)).filter((answered) => !answered)).toEqual([]);
    expect(gateway.stderr.text.split("The relay is about to stop").length - 1).toBe(round + 1);
    await startRelay(name);
    await tunnels(3 + round);
  }
}, 90_000);

test("F1 a relay is killed: new connections work through the other one within 3 s", async () => {
  for (const name of RELAYS) {
    const before = gateway.stderr.text.split(UP).length - 1;
    const relay = relayOf(name);
    relay.kill();
    await relay.exited;
    const stream = new Stream();
    expect(await Promise.race([stream.answered, Bun.sleep(3000)])).toBe(true);
    stream.close();
    await startRelay(name);
    await tunnels(before + 1);
  }
}, 90_000);

test("none of this was taken for a duplicate, and all of it ends in order", async () => {
  expect(gateway.stderr.text).not.toContain("GATEWAY_DUPLICATE");
  expect(await gateway.stop()).toBe(0);
  for (const name of RELAYS) expect(await relayOf(name).stop()).toBe(0);
}, 60_000);
