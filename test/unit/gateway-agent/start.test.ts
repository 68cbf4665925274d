import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { startProduct } from "../../support/processes.ts";
import { StandInRelay } from "../../support/stand-in-relay.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let platform: StubPlatform;
let relay: StandInRelay;

beforeEach(async () => {
  space = await Workspace.open("start");
  const pki = await testPki();
  platform = space.own(new StubPlatform(pki));
  relay = space.own(await StandInRelay.open(pki, "r1"));
  platform.relays = [{ name: "r1", host: "127.0.0.1", sshPort: relay.port }];
});
afterEach(() => space.close());

function start(args: string[], input?: string) {
  const home = space.path;
  return space.own(
    startProduct(["gateway", "start", "edge", ...args], input === undefined ? { home } : { home, input }),
  );
}

describe("gateway start as a process", () => {
  test("O4 B6 enrols from stdin, comes up, drains at SIGTERM and exits 0; no secret in argv or log", async () => {
    const token = platform.mint();
    const gateway = start(["--token-file=-", `--domain=${platform.url}`], token);
    await gateway.waitForLog("Gateway started successfully");
    expect(await readFile(`/proc/${gateway.pid}/cmdline`, "utf8")).not.toContain(token);
    await relay.session(1);
    expect(await gateway.stop()).toBe(0);
    const output = gateway.stderr.text + gateway.stdout.text;
    for (const secret of [token, platform.accessToken ?? "?", "PRIVATE KEY"])
      expect(output).not.toContain(secret);
  });

  test("O4 SIGTERM while the platform is away ends the wait with exit code 0", async () => {
    const token = platform.mint();
    const enrolled = start([`--token=${token}`, `--domain=${platform.url}`]);
    await enrolled.waitForLog("Gateway started successfully");
    await enrolled.stop();
    platform.accessToken = "rotated elsewhere";
    const superseded = start(["--relay=r1"]);
    const line = await superseded.waitForLog("Cannot get certificates");
    expect(line).toContain("sallyport gateway deploy-command edge");
    expect(await superseded.stop()).toBe(0);
  });

  test("F5 starts again from kept certificates while the platform is away", async () => {
    const first = start([`--token=${platform.mint()}`, `--domain=${platform.url}`]);
    await first.waitForLog("Gateway started successfully");
    await first.stop();
    await platform.close();
    const second = start([]);
    await second.waitForLog("Gateway started successfully");
    await relay.session(2);
    expect(second.stderr.text).toContain("Cannot reach");
    expect(await second.stop()).toBe(0);
  });
});
