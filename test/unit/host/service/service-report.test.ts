import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { openNotifySocket } from "../../../../src/host/service/sd-notify.ts";
import { reportToServiceManager, type ServiceReport } from "../../../../src/host/service/service-report.ts";
import { NotifyReceiver } from "../../../support/notify-receiver.ts";
import { Workspace } from "../../../support/workspace.ts";

let space: Workspace;
let manager: NotifyReceiver;

beforeEach(async () => {
  space = await Workspace.open("notify");
  manager = space.own(new NotifyReceiver(space.join("notify")));
});
afterEach(() => space.close());

describe("sd_notify", () => {
  test("reaches a path and an abstract address", async () => {
    expect(statSync(manager.address).isSocket()).toBe(true);
    const abstract = space.own(new NotifyReceiver(`@${space.path}/abstract`));
    for (const receiver of [manager, abstract]) {
      const socket = openNotifySocket(receiver.address);
      expect(socket?.send("READY=1")).toBe(true);
      socket?.close();
      await receiver.message("READY=1");
    }
  });

  test("is silent where there is nobody", () => {
    for (const address of [undefined, "", "@", "relative", "vsock:2:1234", `/${"a".repeat(200)}`]) {
      expect(openNotifySocket(address)).toBeUndefined();
    }
    const socket = openNotifySocket(space.join("nobody"));
    expect(socket?.send("READY=1")).toBe(false);
    socket?.close();
    socket?.close();
    expect(socket?.send("READY=1")).toBe(false);
  });
});

describe("report to the service manager", () => {
  function report(
    state: () => { ready: boolean; status: string },
    env: Record<string, string> = {},
  ): ServiceReport {
    return space.own(reportToServiceManager({ state, env: { NOTIFY_SOCKET: manager.address, ...env } }));
  }

  test("says ready once, and the status whenever it is another one", async () => {
    let state = { ready: false, status: "No tunnel" };
    const service = report(() => state);
    service.update();
    state = { ready: true, status: "1 of 1 tunnels up: r1" };
    service.update();
    state = { ready: false, status: "No tunnel; r1 TIMEOUT" };
    service.update();
    state = { ready: true, status: "1 of 1 tunnels up: r1" };
    service.update();
    await manager.message("READY=1");
    service.stopping("Draining");
    await manager.message("STATUS=Draining");
    expect(manager.messages).toEqual([
      "STATUS=No tunnel",
      "STATUS=1 of 1 tunnels up: r1",
      "READY=1",
      "STATUS=No tunnel; r1 TIMEOUT",
      "STATUS=1 of 1 tunnels up: r1",
      "STOPPING=1",
      "STATUS=Draining",
    ]);
  });

  test("notices a change without being told", async () => {
    let ready = false;
    report(() => ({ ready, status: ready ? "up" : "down" }));
    ready = true;
    await manager.message("READY=1");
  });

  test("what a peer says can't forge a message", async () => {
    report(() => ({ ready: false, status: "relay said:\nREADY=1\r\nWATCHDOG=trigger" }));
    await manager.message(/^STATUS=/);
    expect(manager.messages).toEqual(["STATUS=relay said: READY=1 WATCHDOG=trigger"]);
  });

  test("a status that could not be delivered is delivered later", async () => {
    manager.close();
    const address = space.join("late");
    const service = report(() => ({ ready: true, status: "up" }), { NOTIFY_SOCKET: address });
    const late = space.own(new NotifyReceiver(address));
    service.update();
    await late.message("READY=1");
    expect(late.messages).toEqual(["STATUS=up", "READY=1"]);
  });

  test("feeds a watchdog twice per interval, unless that is another process's", async () => {
    report(() => ({ ready: true, status: "up" }), {
      WATCHDOG_USEC: "100000",
      WATCHDOG_PID: String(process.pid),
    });
    for (let i = 0; i < 2000 && watchdogs() < 3; i++) await Bun.sleep(5);
    expect(watchdogs()).toBeGreaterThanOrEqual(3);
    const other = space.own(new NotifyReceiver(space.join("other")));
    report(() => ({ ready: true, status: "up" }), {
      NOTIFY_SOCKET: other.address,
      WATCHDOG_USEC: "10000",
      WATCHDOG_PID: "1",
    });
    const before = watchdogs();
    for (let i = 0; i < 2000 && watchdogs() < before + 3; i++) await Bun.sleep(5);
    expect(other.messages).not.toContain("WATCHDOG=1");
  });

  test("without a service manager nothing runs and nothing is said", () => {
    let asked = 0;
    const service = reportToServiceManager({ state: () => ({ ready: ++asked > 0, status: "" }), env: {} });
    service.update();
    service.stopping("x");
    service.close();
    expect(asked).toBe(0);
  });

  const watchdogs = () => manager.messages.filter((text) => text === "WATCHDOG=1").length;
});
