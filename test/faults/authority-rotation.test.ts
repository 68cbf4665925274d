import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { PlatformAccess } from "../../src/client/platform-access.ts";
import { openTunnel } from "../../src/client/tunnel.ts";
import type { ClientCredentials } from "../../src/pki/credentials.ts";
import { PlatformClient } from "../../src/platform-client/client.ts";
import { freePort } from "../support/ports.ts";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { echoTarget, LongStream, roundTrip, SteadyLoad } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(240_000);

const HOST = "127.0.0.1";
const RELAY_SECRET = "a secret of instance relays";
/** Long enough for everybody to ask twice, on a busy machine too. */
const TIMES = ["--overlap", "16s", "--retire-after", "16s"];

let workspace: Workspace;
let url: string;
let token: string;
let admin: PlatformClient;
let port: number;

beforeAll(async () => {
  workspace = await Workspace.open("authority-rotation");
  await startPlatform();
  const relays = [await startInstanceRelay("shared"), await startOwnRelay("edge")];
  await startGateway("site");
  for (const relay of relays) await relay.waitForLog("Gateway connected");
  const target = await echoTarget(workspace);
  await admin.resources.create({ name: "db", gatewayName: "site", host: HOST, port: target });
  port = await startClient("db");
});
afterAll(() => workspace.close());

test("F7 all authorities rotate under load: no new connection fails, no stream is dropped, then the old ones are refused", async () => {
  const before = (await access()).credentials;
  const stream = await LongStream.open(workspace, port);
  const load = new SteadyLoad(port);
  for (const owner of [["--instance"], []]) {
    const { exitCode, stderr } = await sallyport("authorities", "rotate", ...owner, ...TIMES);
    // The organisation's may rotate already, with the instance's.
    if (exitCode !== 0) expect(stderr).toContain("rotate already");
  }
  await rotated(2);
  await load.stop();
  expect(load.failures).toEqual([]);
  expect(load.opened).toBeGreaterThan(50);
  await stream.moves();

  const now = (await access()).credentials;
  const stale = (hop: "relay" | "gateway"): ClientCredentials => {
    const { certificate, privateKey } = before[hop];
    return { ...now, [hop]: { ...now[hop], certificate, privateKey } };
  };
  (await openTunnel(now)).stream.destroy();
  for (const hop of ["relay", "gateway"] as const) {
    // They drop the old ones when they next ask, each at a moment of its own.
    while (await answers(stale(hop))) await Bun.sleep(200);
    await expect(openTunnel(stale(hop))).rejects.toMatchObject({ code: "CERTIFICATE_REFUSED" });
  }
  // And the other way round: what serves now is not known to whoever knows the old ones only.
  await expect(openTunnel(before)).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
  stream.close();
});

test("F7 authorities that are replaced at once: what is open is cut, they are refused, everybody comes back by himself", async () => {
  const before = (await access()).credentials;
  const stream = await LongStream.open(workspace, port);
  const { exitCode } = await sallyport("authorities", "replace", "--yes");
  expect(exitCode).toBe(0);
  await stream.closed;
  while (await answers(before)) await Bun.sleep(50);
  while (!(await roundTrip(port))) await Bun.sleep(200);
});

async function sallyport(...args: string[]) {
  const env = { SALLYPORT_TOKEN: token };
  return await runProduct([...args, "--domain", url, "--json"], { home: workspace.path, env });
}

/** All authorities are of this generation, and nothing rotates. */
async function rotated(generation: number): Promise<void> {
  for (const owner of ["instance", "organisation"] as const) {
    for (;;) {
      const state = await admin.authorities.show(owner);
      if (state.generation >= generation && !state.rotation) break;
      await Bun.sleep(500);
    }
  }
}

const access = () => new PlatformAccess(admin, { resource: "db" }).current();

/** Whether the relay and the gateway still take these certificates. */
async function answers(credentials: ClientCredentials): Promise<boolean> {
  try {
    (await openTunnel(credentials)).stream.destroy();
    return true;
  } catch {
    return false;
  }
}

async function startPlatform(): Promise<void> {
  const data = ["--data-dir", workspace.join("platform-data")];
  const own = { home: workspace.path, env: { SALLYPORT_RELAY_AUTH_SECRET: RELAY_SECRET } };
  const words = ["platform", "bootstrap", ...data, "--org", "Acme", "--email", "admin@example.com", "--json"];
  ({ token } = z.object({ token: z.string() }).parse(JSON.parse((await runProduct(words, own)).stdout)));
  const start = ["platform", "start", "--listen", `${HOST}:0`, ...data, "--log-format", "json"];
  const platform = workspace.own(startProduct(start, own));
  ({ url } = z.object({ url: z.string() }).parse(JSON.parse(await platform.waitForLog('"url"'))));
  admin = new PlatformClient({ domain: url, token: () => token });
}

async function startInstanceRelay(name: string): Promise<RunningProcess> {
  const words = ["relay", "start", "--type", "instance", "--name", name, "--host", HOST, "--domain", url];
  return await startRelay(name, words, { SALLYPORT_RELAY_AUTH_SECRET: RELAY_SECRET });
}

async function startOwnRelay(name: string): Promise<RunningProcess> {
  const { id } = await admin.relays.create({ name, host: HOST });
  const { token: given } = await admin.relays.generateToken(id);
  const words = ["relay", "start", name, "--domain", url];
  return await startRelay(name, words, { SALLYPORT_RELAY_ENROLLMENT_TOKEN: given });
}

async function startRelay(name: string, words: string[], env: Record<string, string>) {
  const ports = ["--ssh-port", String(freePort()), "--tls-port", String(freePort())];
  const all = [...words, "--listen", HOST, ...ports, "--exempt", "127.0.0.0/8"];
  const relay = workspace.own(startProduct(all, { home: await workspace.directory(name), env }));
  await relay.waitForLog("Relay server started successfully");
  return relay;
}

async function startGateway(name: string): Promise<void> {
  const { id } = await admin.gateways.create({ name });
  const { token: given } = await admin.gateways.generateToken(id);
  const words = ["gateway", "start", name, "--domain", url, "--tunnels", "2", "--allow", "localhost"];
  const env = { SALLYPORT_GATEWAY_ENROLLMENT_TOKEN: given };
  const started = workspace.own(startProduct(words, { home: await workspace.directory(name), env }));
  await started.waitForLog("Gateway started successfully");
}

async function startClient(resource: string): Promise<number> {
  const words = ["connect", resource, "--listen", `${HOST}:0`, "--json", "--domain", url];
  const client = workspace.own(
    startProduct(words, { home: workspace.path, env: { SALLYPORT_TOKEN: token } }),
  );
  return z.object({ port: z.number() }).parse(await client.waitForJson()).port;
}
