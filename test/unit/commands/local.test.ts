import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { DaemonStatus } from "../../../src/telemetry/status.ts";
import { type Network, startNetwork } from "../../support/network.ts";
import { type RunningProcess, runProduct, startProduct } from "../../support/processes.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let network: Network;
let gateway: RunningProcess;

beforeAll(async () => {
  workspace = await Workspace.open("local");
  network = await startNetwork(workspace, { gatewayFlags: ["--metrics", "0"] });
  gateway = network.gateway;
});
afterAll(() => workspace.close());

function own(...args: string[]): RunningProcess {
  return workspace.own(startProduct(args, { home: workspace.path }));
}

function run(...args: string[]) {
  return runProduct(args, { home: workspace.path });
}

/** What `gateway status --json` says. */
async function gatewayStatus(): Promise<DaemonStatus> {
  return JSON.parse(await network.sallyport("gateway", "status", "--json"));
}

describe("gateway and relay on this machine", () => {
  test("status shows tunnels, certificates with their end, conditions with their fix, and counters", async () => {
    const text = await network.sallyport("gateway", "status", "site");
    expect(text).toMatch(/^gateway site: running for \d+ s \(process \d+, version /);
    expect(text).toMatch(/^RELAY +TUNNEL.*\nedge +up/m);
    expect(text).toMatch(/^tls +20\d\d-.*\d+ d$/m);
    expect(text).toMatch(/^INFO ONE_RELAY: .*\n {2}.+\n {2}Fix: .+/m);
    expect(text).toContain("0 connections open, 0 since the start");
  });

  test("status without a name means the only one that runs, and --json is one document", async () => {
    const status = JSON.parse(await network.sallyport("relay", "status", "--json"));
    expect(status).toMatchObject({
      role: "relay",
      name: "edge",
      state: "running",
      pid: network.relay.pid,
      gateways: { total: 1, list: [{ gatewayName: "site" }] },
      conditions: [],
    });
  });

  test("status of one that is stopped says what to do and exits 4", async () => {
    const { exitCode, stdout, stderr } = await run("gateway", "status", "nobody");
    expect(exitCode).toBe(4);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/nobody is not running .* gateway start nobody".*\[DAEMON_NOT_RUNNING\]/);
  });

  test("status --watch --json prints a line now and one per change", async () => {
    const watch = own("relay", "status", "edge", "--watch", "--json");
    expect(JSON.parse(await watch.waitForOutput(/"logLevel":"info"/))).toMatchObject({ state: "running" });
    await network.sallyport("relay", "log-level", "edge", "warn");
    await watch.waitForOutput(/"logLevel":"warn"/);
    expect(watch.stdout.text.trim().split("\n")).toHaveLength(2);
    watch.kill();
    await network.sallyport("relay", "log-level", "edge", "info");
  });

  test("list --local shows those that run and those that are enrolled but stopped", async () => {
    await workspace.file("conf/gateways/idle.conf", "INFISICAL_GATEWAY_NAME=idle\n");
    const text = await network.sallyport("gateway", "list", "--local");
    expect(text).toMatch(/^NAME +STATE.*TUNNELS/);
    expect(text).toMatch(/^site +running +\d+ +1\/1 +0 +ONE_RELAY$/m);
    expect(text).toMatch(/^idle +stopped$/m);
  });

  test("log-level changes what a running daemon says; an unknown level exits 2", async () => {
    await network.sallyport("gateway", "log-level", "site", "debug");
    await gateway.waitForLog("The log level was changed");
    expect((await run("gateway", "log-level", "site", "loud")).exitCode).toBe(2);
  });

  test("reload is heard, and is the same as SIGHUP: nothing is cut", async () => {
    await network.sallyport("gateway", "reload", "site");
    gateway.signal("SIGHUP");
    await gateway.waitForLog("Reloading");
    const { tunnels } = await gatewayStatus();
    expect(tunnels).toEqual([{ relay: "edge", state: "up" }]);
  });

  test("a second start of the same name says that it runs already, and the first goes on", async () => {
    const { exitCode, stderr } = await run("gateway", "start", "--pki", network.directories.gateway);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`process ${gateway.pid}): stop it first. [ALREADY_EXISTS]`);
    expect(await gatewayStatus()).toMatchObject({ pid: gateway.pid });
  });

  test("the metrics port answers on loopback, and status names it", async () => {
    const { metrics } = await gatewayStatus();
    expect(metrics).toStartWith("127.0.0.1:");
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    expect(text).toContain('sallyport_tunnels{relay="edge",state="up"} 1');
    expect(text).toContain('sallyport_handshakes_total{protocol="ssh",result="OK"} 1');
  });

  test("F1 a relay that is gone is the condition, with impact, and the gateway's socket goes when it stops", async () => {
    await network.relay.stop();
    const watch = own("gateway", "status", "site", "--watch", "--json");
    const line = JSON.parse(await watch.waitForOutput(/RELAY_UNREACHABLE: /));
    expect(line.conditions[0]).toMatchObject({
      code: "RELAY_UNREACHABLE",
      severity: "error",
      impactsTraffic: true,
      fix: expect.stringContaining("relay"),
    });
    expect(await gateway.stop()).toBe(0);
    await watch.waitForOutput(/"state":"stopped"/);
    watch.kill();
    expect(existsSync(workspace.join("run/sallyport/gateway/site/control.sock"))).toBe(false);
  });
});
