import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { Cable } from "../support/namespaces.ts";
import { productCommand, type RunningProcess, startProcess } from "../support/processes.ts";
import { makeServerCertificate } from "../support/server-certificate.ts";
import { Workspace } from "../support/workspace.ts";

/** What the acceptance list asks for (B5). */
const PEERS = 500;
const CROWD = "10.80";
/** Honest requests: with and without a body. */
const ROUNDS = 100;
const PORT = 8080;

let workspace: Workspace;
let cable: Cable;
let platform: RunningProcess;

beforeAll(async () => {
  workspace = await Workspace.open("platform-slow-crowd");
  cable = workspace.own(await Cable.lay());
  await cable.addNearAddresses(`${CROWD}.0.0/16`);
});
afterEach(() => platform.close());
afterAll(() => workspace.close());

async function startPlatform(scheme: "http" | "https", ...flags: string[]): Promise<string> {
  const url = `${scheme}://${cable.far.address}:${PORT}`;
  const listen = ["--listen", `${cable.far.address}:${PORT}`, "--public-url", url, ...flags];
  const args = ["platform", "start", "--data-dir", workspace.join(scheme), ...listen];
  const command = ["ip", "netns", "exec", cable.far.name, ...productCommand(args)];
  platform = startProcess(command, { env: { HOME: workspace.path } });
  await platform.waitForLog("Platform started");
  return url;
}

/** A program of the test's, in the near namespace. */
function near(program: string, args: string[]): RunningProcess {
  const path = join(import.meta.dir, "../support", program);
  const command = ["ip", "netns", "exec", cable.near.name, process.execPath, path, ...args];
  return workspace.own(startProcess(command));
}

const report = z.object({ worked: z.number(), tried: z.number(), slowestMs: z.number() });

/** The share of honest requests that were answered while the crowd was there; each of the crowd is cut meanwhile. */
async function honestShare(url: string, kind: "http" | "tls", from: string): Promise<number> {
  const target = ["--host", cable.far.address, "--port", `${kind}:${PORT}`];
  const crowd = near("slow-crowd.ts", [...target, "--count", String(PEERS), "--from", from]);
  await crowd.waitForOutput("ready");
  const honest = near("honest-requests.ts", ["--url", url, "--rounds", String(ROUNDS), "--pause", "20"]);
  const { worked, tried } = report.parse(await honest.waitForJson(120_000));
  await crowd.waitForOutput("all were cut", 60_000);
  crowd.signal("SIGTERM");
  return worked / tried;
}

describe("B5 500 peers that send a byte a second", () => {
  test("in heads and bodies, from addresses of their own, are cut and keep nobody out", async () => {
    const url = await startPlatform("http");
    expect(await honestShare(url, "http", CROWD)).toBeGreaterThanOrEqual(0.99);
  }, 200_000);

  test("from the address of honest ones are cut and do not keep those out", async () => {
    const url = await startPlatform("http");
    expect(await honestShare(url, "http", cable.near.address)).toBeGreaterThanOrEqual(0.9);
  }, 200_000);

  test("in TLS handshakes are cut and keep nobody out", async () => {
    const { certFile, keyFile } = await makeServerCertificate(workspace, "platform");
    const url = await startPlatform("https", "--tls-cert", certFile, "--tls-key", keyFile);
    expect(await honestShare(url, "tls", CROWD)).toBeGreaterThanOrEqual(0.99);
  }, 200_000);
});
