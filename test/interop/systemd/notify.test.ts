import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { freePort } from "../../../src/host/free-port.ts";
import { NotifyReceiver } from "../../support/notify-receiver.ts";
import { makeOfflineCa } from "../../support/offline-ca.ts";
import { runProcess, startProduct } from "../../support/processes.ts";
import { StandInRelay } from "../../support/stand-in-relay.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let manager: NotifyReceiver;

beforeEach(async () => {
  space = await Workspace.open("notify");
  manager = space.own(new NotifyReceiver(space.join("notify")));
});
afterEach(() => space.close());

function start(args: string[]) {
  const env = { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: "200000" };
  return space.own(startProduct(args, { home: space.path, env }));
}

describe("daemons under a service manager", () => {
  test("the receiver of these tests hears systemd's own sender", async () => {
    await runProcess(["systemd-notify", "--ready", "--status=hello"], {
      env: { NOTIFY_SOCKET: manager.address },
    });
    await manager.message(/READY=1/);
  });

  test("O4 a gateway is ready with its first tunnel, feeds the watchdog, and says that it stops", async () => {
    const pki = await testPki();
    const platform = space.own(new StubPlatform(pki));
    const relay = space.own(await StandInRelay.open(pki, "r1"));
    platform.relays = [{ name: "r1", host: "127.0.0.1", sshPort: relay.port }];
    const gateway = start([
      "gateway",
      "start",
      "edge",
      `--token=${platform.mint()}`,
      `--domain=${platform.url}`,
    ]);
    await manager.message("READY=1");
    expect(relay.sessions).toHaveLength(1);
    const said = manager.messages.filter((text) => text !== "WATCHDOG=1");
    expect(said.slice(-2)).toEqual(["STATUS=1 of 1 tunnels up: r1", "READY=1"]);
    await manager.message("WATCHDOG=1");
    expect(await gateway.stop()).toBe(0);
    await manager.message("STOPPING=1");
  });

  test("a gateway without a tunnel is not ready, and its status says why", async () => {
    const platform = space.own(new StubPlatform(await testPki()));
    platform.relays = [{ name: "r1", host: "127.0.0.1", sshPort: freePort("127.0.0.1") }];
    start(["gateway", "start", "edge", `--token=${platform.mint()}`, `--domain=${platform.url}`]);
    await manager.message(/^STATUS=No tunnel; r1 RELAY_UNREACHABLE: /);
    expect(manager.messages).not.toContain("READY=1");
  });

  test("O4 a relay is ready when both ports listen", async () => {
    const ca = await makeOfflineCa(space, "world");
    await ca.relay("relay-a");
    const ports = ["--listen=127.0.0.1", "--ssh-port=0", "--tls-port=0"];
    const relay = start(["relay", "start", `--pki=${space.join("world/relay-a")}`, ...ports]);
    await manager.message("READY=1");
    expect(relay.stderr.text).toContain("Relay server started successfully");
    await manager.message(/^STATUS=Gateways on \d+: 0; clients on \d+: 0 connections$/);
    expect(await relay.stop()).toBe(0);
    await manager.message("STOPPING=1");
  });
});
