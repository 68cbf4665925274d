import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { type Site, Star } from "../support/namespaces.ts";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

/** ACCEPTANCE O3. */
const NOTICED_MS = 30_000;
/** Backoff of the gateway at most, the dial, and what a busy machine takes to say so. */
const RECOVERED_MS = 90_000;
const PORT = 8080;

const shown = z.object({
  health: z.object({
    status: z.string(),
    cause: z.object({ code: z.string(), text: z.string(), fix: z.string() }).nullable(),
    conditions: z.array(z.object({ code: z.string(), text: z.string(), since: z.string() })),
  }),
});
type Health = z.infer<typeof shown>["health"];

let space: Workspace;
let star: Star;
let platform: Site;
let relay: Site;
let gateway: Site;
let relayProcess: RunningProcess;
let token = "";
const domain = () => `http://${platform.address}:${PORT}`;

beforeAll(async () => {
  space = await Workspace.open("health-network");
  star = space.own(await Star.lay(3));
  [platform, relay, gateway] = star.sites as [Site, Site, Site];
  const own = { home: await space.directory("platform"), namespace: platform.name };
  const data = ["--data-dir", space.join("data")];
  const flags = ["--email", "root@example.com", "--org", "Acme", "--json"];
  const made = await runProduct(["platform", "bootstrap", ...data, ...flags], own);
  token = z.object({ token: z.string() }).parse(JSON.parse(made.stdout)).token;
  const listen = ["--listen", `${platform.address}:${PORT}`, "--public-url", domain()];
  const running = startProduct(["platform", "start", ...listen, "--allow-private-hosts", ...data], own);
  await space.own(running).waitForLog("Platform started");
  await person("relay", "create", "edge", "--host", relay.address);
  await person("gateway", "create", "site");
  await enroll("relay", "edge", relay);
  relayProcess = await start("relay", "edge", relay, "Relay server started successfully");
  await enroll("gateway", "site", gateway);
  await start("gateway", "site", gateway, "Gateway started successfully");
}, 120_000);
afterAll(() => space.close(), 60_000);

/** A command of the administrator, on the platform's machine. */
async function person(...words: string[]): Promise<string> {
  const home = space.join("platform");
  const env = { SALLYPORT_TOKEN: token, SALLYPORT_DOMAIN: domain() };
  const options = { home, env, namespace: platform.name };
  const result = await runProduct([...words, "--insecure-http"], options);
  if (result.exitCode !== 0) throw new Error(`${words.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

async function enroll(kind: "relay" | "gateway", name: string, site: Site): Promise<void> {
  const command = await person(kind, "deploy-command", name, "--json");
  const input = /gwe_[A-Za-z0-9_-]+/.exec(command)?.[0] ?? "";
  const words = [kind, "enroll", name, "--token-file", "-", "--domain", domain(), "--insecure-http"];
  const options = { home: await space.directory(name), namespace: site.name, input };
  const result = await runProduct(words, options);
  if (result.exitCode !== 0) throw new Error(`${kind} enroll: ${result.stderr}`);
}

async function start(kind: string, name: string, site: Site, ready: string): Promise<RunningProcess> {
  const process = startProduct([kind, "start", name, "--insecure-http"], {
    home: space.join(name),
    namespace: site.name,
  });
  await space.own(process).waitForLog(ready);
  return process;
}

async function healthOf(kind: "relay" | "gateway", name: string): Promise<Health> {
  return shown.parse(JSON.parse(await person(kind, "show", name, "--json"))).health;
}

/** Polls until it is so. @throws with the last answer at the deadline */
async function until(
  kind: "relay" | "gateway",
  name: string,
  isSo: (health: Health) => boolean,
  deadlineMs: number,
): Promise<Health> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const health = await healthOf(kind, name);
    if (isSo(health)) return health;
    if (performance.now() > deadline) throw new Error(`${kind} ${name}: ${JSON.stringify(health, null, 1)}`);
    await Bun.sleep(300);
  }
}

const well = ({ status }: Health) => status === "healthy";
const because =
  (...codes: string[]) =>
  ({ cause }: Health) =>
    codes.includes(cause?.code ?? "");

async function recovers(): Promise<void> {
  await until("relay", "edge", well, RECOVERED_MS);
  await until("gateway", "site", well, RECOVERED_MS);
}

test("O3 with every cable in place both are healthy", recovers, 2 * RECOVERED_MS);

test("O3 the cable between gateway and relay is pulled: the gateway is unreachable, for want of that tunnel", async () => {
  await star.cut(gateway, relay);
  const health = await until("gateway", "site", because("TUNNEL_LOST"), NOTICED_MS);
  expect((await healthOf("relay", "edge")).status).toBe("healthy");
  await star.mend(gateway, relay);
  expect(health.status).toBe("unreachable");
  expect(health.cause?.text).toContain("has no tunnel at the relay edge");
  expect(health.cause?.fix).not.toBe("");
  await recovers();
}, 240_000);

test("O3 the cable between relay and platform is pulled: both name the relay's silence", async () => {
  await star.cut(relay, platform);
  const silent = because("RELAY_SILENT", "RELAY_UNREACHABLE");
  await Promise.all([
    until("relay", "edge", silent, NOTICED_MS),
    until("gateway", "site", silent, NOTICED_MS),
  ]);
  // The platform looks for itself, and hears nothing.
  const looked = await until("relay", "edge", because("RELAY_UNREACHABLE"), NOTICED_MS);
  await star.mend(relay, platform);
  expect(looked.cause?.text).toContain("within 10 s");
  await recovers();
}, 240_000);

test("O3 the relay is killed: it is unreachable, because nobody listens there", async () => {
  relayProcess.kill();
  const [ofRelay, ofGateway] = await Promise.all([
    until("relay", "edge", because("RELAY_UNREACHABLE"), NOTICED_MS),
    until("gateway", "site", because("RELAY_UNREACHABLE"), NOTICED_MS),
  ]);
  expect(ofRelay.cause?.text).toContain("Nothing listens on");
  expect([ofRelay.status, ofGateway.status]).toEqual(["unreachable", "unreachable"]);
  relayProcess = await start("relay", "edge", relay, "Relay server started successfully");
  await recovers();
}, 240_000);
