import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readConf } from "../../src/host/conf-file.ts";
import { type Agent, type PlatformNetwork, READY, startPlatform } from "../support/platform-network.ts";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

const KILLS = 10;
/** About what a start takes; a kill comes at a random moment of it, or later. */
const START_MS = 1500;
const STATE = "credentials.json";
const DEADLINE_MS = 120_000;

let workspace: Workspace;
let network: PlatformNetwork;

describe("F16 kill -9 while state is written", () => {
  beforeAll(async () => {
    workspace = await Workspace.open("killed-writing");
    network = await startPlatform(workspace);
    await network.enroll("relay");
    await network.enroll("gateway");
  });
  afterAll(() => workspace.close());

  test(
    "a relay comes up with whole files, whenever it was killed, and its gateway comes back",
    async () => {
      const seen = await killRepeatedly("relay");
      expect(seen.whole).toBeGreaterThan(0);
      const relay = await started("relay");
      const gateway = await started("gateway");
      await relay.waitForLog("Gateway connected");
      expect(relay.stderr.text + gateway.stderr.text).not.toContain("can't be used");
      await gateway.stop();
    },
    DEADLINE_MS,
  );

  test(
    "a gateway comes up with whole files, whenever it was killed",
    async () => {
      const seen = await killRepeatedly("gateway");
      expect(seen.whole).toBeGreaterThan(0);
      const gateway = await started("gateway");
      expect(gateway.stderr.text).not.toContain("can't be used");
    },
    DEADLINE_MS,
  );
});

describe("F16 kill -9 between redeeming a token and keeping what it gave", () => {
  beforeEach(async () => {
    workspace = await Workspace.open("killed-enrolling");
    network = await startPlatform(workspace);
  });
  afterEach(() => workspace.close());

  test.each([
    ["relay", "sallyport relay deploy-command edge"],
    ["gateway", "sallyport gateway deploy-command site"],
  ] as const)(
    "a %s: nothing half-written, every next message names deploy-command, a new token mends it",
    async (agent, command) => {
      const token = await network.mint(agent);
      await killAfterLogin(agent, token);
      expect(await kept(agent)).toEqual([]);

      const again = await runProduct(network.enrollWords(agent), { ...network.as(agent), input: token });
      expect(again.exitCode).not.toBe(0);
      expect(again.stderr).toContain(command);
      const start = await runProduct([agent, "start", nameOf(agent)], network.as(agent));
      expect(start.exitCode).toBe(2);
      expect(start.stderr).toContain(command);

      await network.enroll(agent);
      if (agent === "gateway") return;
      await started(agent);
    },
    DEADLINE_MS,
  );
});

/**
 * Starts the agent and kills it, again and again: at a random moment, or at the very moment when a file is being
 * written. What it left is looked at each time.
 */
async function killRepeatedly(agent: Agent): Promise<{ whole: number }> {
  let whole = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const process = network.start(agent);
    if (kill % 2 === 0) await Bun.sleep(Math.random() * START_MS);
    else await writing(agent, process);
    process.kill();
    await process.exited;
    expect(process.stderr.text).not.toContain("can't be used");
    if (await isWhole(agent)) whole++;
  }
  return { whole };
}

/** Waits for the temporary file that a write goes through, or for the moment after it. */
async function writing(agent: Agent, process: RunningProcess): Promise<void> {
  const before = lastWrite(agent);
  const isWriting = () => stateFiles(agent).some((name) => name.startsWith(`.${STATE}.`));
  while (!isWriting() && lastWrite(agent) === before) {
    if (process.stderr.text.includes(READY[agent])) return;
    await Bun.sleep(0);
  }
}

function lastWrite(agent: Agent): number | undefined {
  return statSync(join(stateDirectory(agent), STATE), { throwIfNoEntry: false })?.mtimeMs;
}

/** False when nothing has been kept yet. @throws when a file is there and not whole */
async function isWhole(agent: Agent): Promise<boolean> {
  const conf = await readConf(join(network.homes[agent], "conf", `${agent}s`, `${nameOf(agent)}.conf`));
  expect(conf?.get(`INFISICAL_${agent.toUpperCase()}_ACCESS_TOKEN`)).toBeDefined();
  if (!stateFiles(agent).includes(STATE)) return false;
  const stored: unknown = JSON.parse(await readFile(join(stateDirectory(agent), STATE), "utf8"));
  const { tls } = PAIR.parse(
    agent === "relay" ? stored : z.object({ credentials: z.unknown() }).parse(stored).credentials,
  );
  expect(new X509Certificate(tls.certificate).checkPrivateKey(createPrivateKey(tls.privateKey))).toBe(true);
  return true;
}

const PAIR = z.object({ tls: z.object({ certificate: z.string(), privateKey: z.string() }) });

function nameOf(agent: Agent): string {
  return network.enrollWords(agent)[2] ?? "";
}

function stateDirectory(agent: Agent): string {
  return join(network.homes[agent], "state/sallyport", agent, nameOf(agent));
}

function stateFiles(agent: Agent): string[] {
  try {
    return readdirSync(stateDirectory(agent));
  } catch {
    return [];
  }
}

async function started(agent: Agent): Promise<RunningProcess> {
  const process = network.start(agent);
  await process.waitForLog(READY[agent]);
  return process;
}

/** Enrols through a proxy that lets the platform redeem the token and kills the agent before it hears of it. */
async function killAfterLogin(agent: Agent, token: string): Promise<void> {
  const redeemed = Promise.withResolvers<number>();
  const proxy = workspace.own(new LoginTrap(network.client.domain, redeemed.resolve));
  const words = network.enrollWords(agent, proxy.url);
  const process = workspace.own(startProduct(words, { ...network.as(agent), input: token }));
  expect(await redeemed.promise).toBe(200);
  process.kill();
  await process.exited;
}

/** Passes calls on to the platform; the answer to a login never arrives. */
class LoginTrap {
  readonly #server: Bun.Server<undefined>;

  constructor(platform: string, onLogin: (status: number) => void) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        const { method, headers } = request;
        const answer = await fetch(`${platform}${pathname}`, { method, headers, body: await request.text() });
        if (!pathname.endsWith("/login")) return answer;
        onLogin(answer.status);
        return new Promise<Response>(() => {});
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  close(): void {
    void this.#server.stop(true);
  }
}

/** Conf and state: everything that the product itself writes. */
async function kept(agent: Agent): Promise<string[]> {
  const directories = ["conf", "state"].map((name) => join(network.homes[agent], name));
  const entries = await Promise.all(
    directories.filter(existsSync).map((path) => readdir(path, { recursive: true, withFileTypes: true })),
  );
  return entries.flat().flatMap((entry) => (entry.isFile() ? [entry.name] : []));
}
