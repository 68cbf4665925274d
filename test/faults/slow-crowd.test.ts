import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { Cable } from "../support/namespaces.ts";
import { productCommand, type RunningProcess, runProduct, startProcess } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

/** What the acceptance list asks for. */
const PEERS = 500;
const CROWD = "10.80";
/** Logins of each kind. */
const ROUNDS = 100;

let workspace: Workspace;
let cable: Cable;
let relay: RunningProcess;

beforeAll(async () => {
  workspace = await Workspace.open("slow-crowd");
  cable = workspace.own(await Cable.lay());
  await cable.addNearAddresses(`${CROWD}.0.0/16`);
  const { address } = cable.far;
  await ca("init", "--org", "acme");
  await ca("issue", "relay", "edge", "--host", address, "--out", workspace.join("relay"));
  await ca("issue", "gateway", "site", "--relay-host", address, "--out", workspace.join("gateway"));
  await ca(
    "issue",
    "client",
    "--gateway",
    "site",
    "--target",
    "10.0.0.1:1",
    "--out",
    workspace.join("client"),
  );
});
afterEach(() => relay.close());
afterAll(() => workspace.close());

async function ca(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await runProduct(["ca", ...args, "--dir", workspace.join("ca")], {
    home: workspace.path,
  });
  if (exitCode !== 0) throw new Error(stderr);
}

async function startRelay(...flags: string[]): Promise<void> {
  const args = ["relay", "start", "--pki", workspace.join("relay"), ...flags];
  const env = { SALLYPORT_RUNTIME_DIR: workspace.join("run"), HOME: workspace.path };
  relay = startProcess(["ip", "netns", "exec", cable.far.name, ...productCommand(args)], { env });
  await relay.waitForLog("Relay server started successfully");
}

/** A program of the test's, in the near namespace. */
function near(program: string, args: string[]): RunningProcess {
  const path = join(import.meta.dir, "../support", program);
  const command = ["ip", "netns", "exec", cable.near.name, process.execPath, path, ...args];
  return workspace.own(startProcess(command));
}

function startCrowd(from: string): Promise<RunningProcess> {
  const target = ["--host", cable.far.address, "--port", "ssh:2222", "--port", "tls:8443"];
  return ready(near("slow-crowd.ts", [...target, "--count", String(PEERS), "--from", from]));
}

async function ready(crowd: RunningProcess): Promise<RunningProcess> {
  await crowd.waitForOutput("ready");
  return crowd;
}

const tally = z.tuple([z.number(), z.number()]).transform(([worked, tried]) => worked / tried);
const loginReport = z.object({ ssh: tally, tls: tally });

/** Shares of the gateways' and of the clients' logins that worked, each tried once, while the crowd was there. */
async function honestLogins(crowd: RunningProcess) {
  const directories = ["--gateway", workspace.join("gateway"), "--client", workspace.join("client")];
  const honest = near("honest-logins.ts", [...directories, "--rounds", String(ROUNDS), "--pause", "20"]);
  const shares = loginReport.parse(await honest.waitForJson(60_000));
  crowd.signal("SIGTERM");
  const { cut } = z.object({ cut: z.number() }).parse(JSON.parse((await crowd.waitForOutput(/^{/)) ?? ""));
  // They were there all the time, and came back again and again.
  expect(cut).toBeGreaterThan(PEERS);
  return shares;
}

describe(`B5 ${PEERS} slow and silent peers on 2222 and 8443`, () => {
  test.each([1, 2])(
    "from addresses of their own leave 99 %% of honest logins working, %d worker(s)",
    async (count) => {
      await startRelay("--workers", String(count));
      const { ssh, tls } = await honestLogins(await startCrowd(CROWD));
      expect(ssh).toBeGreaterThanOrEqual(0.99);
      expect(tls).toBeGreaterThanOrEqual(0.99);
    },
  );

  test("from the address of honest ones leave 90 % of their logins working", async () => {
    await startRelay();
    const { ssh, tls } = await honestLogins(await startCrowd(cable.near.address));
    expect(ssh).toBeGreaterThanOrEqual(0.9);
    expect(tls).toBeGreaterThanOrEqual(0.9);
  });

  test("are all cut at the deadline, however much room there is", async () => {
    const room = ["--limit", "unauthenticated=1000", "--limit", "unauthenticated-per-address=1000"];
    await startRelay(...room, "--limit", "login-grace-ms=2000", "--limit", "tls-handshake-ms=2000");
    const crowd = await startCrowd(CROWD);
    await crowd.waitForOutput("all were cut");
    crowd.signal("SIGTERM");
  });
});
