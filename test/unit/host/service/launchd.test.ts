import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { ServiceHost } from "../../../../src/host/service/host.ts";
import { installService, uninstallService } from "../../../../src/host/service/install.ts";
import { FakeSystemd } from "../../../support/fake-systemd.ts";
import { Workspace } from "../../../support/workspace.ts";

const LABEL = "org.sallyport.gateway.edge";

let space: Workspace;
let base: ServiceHost;
let loaded: boolean;
let broken: string | undefined;
let calls: string[];
let changed: boolean;

beforeEach(async () => {
  space = await Workspace.open("launchd");
  await space.file("conf/gateways/edge.conf", "A=1\n");
  loaded = changed = false;
  broken = undefined;
  calls = [];
  const { host } = {
    host: (await FakeSystemd.open(space.path)).host({ SALLYPORT_CONF_DIR: space.join("conf") }),
  };
  base = { ...host, platform: "darwin", run: launchctl };
});
afterEach(() => space.close());

async function launchctl([, verb = "", ...words]: string[]) {
  if (verb !== "print") calls.push([verb, ...words].join(" "));
  if (verb === broken)
    return { exitCode: 5, stdout: "", stderr: "Bootstrap failed: 5: Input/output error\n" };
  if (verb === "print") return { exitCode: loaded ? 0 : 113, stdout: "", stderr: "" };
  loaded = verb === "bootstrap";
  return { exitCode: 0, stdout: "", stderr: "" };
}

function install(args: string[] = [], host = base) {
  return installService(
    { role: "gateway", name: "edge", args: ["gateway", "start", "edge", ...args], drainSeconds: 30 },
    async () => ({ path: space.join("conf/gateways/edge.conf"), values: new Map(), changed }),
    host,
  );
}

const daemon = () => space.join(`Library/LaunchDaemons/${LABEL}.plist`);

describe("install on launchd", () => {
  test("root gets a daemon of the system", async () => {
    expect(await install()).toMatchObject({ outcome: "installed", service: LABEL });
    expect(calls).toEqual([`bootstrap system ${daemon()}`]);
    expect(await readFile(daemon(), "utf8")).toContain("<string>/usr/local/bin/sallyport</string>");
  });

  test("anybody else gets an agent of their own", async () => {
    await install([], { ...base, machine: { ...base.machine, uid: 501, home: "/Users/ada" } });
    const agent = space.join(`Users/ada/Library/LaunchAgents/${LABEL}.plist`);
    expect(calls).toEqual([`bootstrap gui/501 ${agent}`]);
  });

  test("again changes nothing; a change replaces the job", async () => {
    await install();
    calls.length = 0;
    expect((await install()).outcome).toBe("unchanged");
    expect(calls).toEqual([]);
    expect((await install(["--log-level=debug"])).outcome).toBe("updated");
    expect(calls).toEqual([`bootout system/${LABEL}`, `bootstrap system ${daemon()}`]);
    changed = true;
    expect((await install(["--log-level=debug"])).outcome).toBe("updated");
  });

  test("what launchd refuses is undone, and said", async () => {
    broken = "bootstrap";
    await expect(install()).rejects.toThrow(/Input\/output error.*removed again.*conf .* stays/);
    expect(existsSync(daemon())).toBe(false);
    broken = undefined;
    await install();
    const before = await readFile(daemon(), "utf8");
    broken = "bootstrap";
    await expect(install(["--log-level=debug"])).rejects.toThrow(/It is as it was/);
    expect(await readFile(daemon(), "utf8")).toBe(before);
  });

  test("uninstall removes the job; --purge the conf too", async () => {
    await install();
    const conf = space.join("conf/gateways/edge.conf");
    expect(await uninstallService("gateway", "edge", { purge: false }, base)).toMatchObject({
      removed: true,
    });
    expect(existsSync(daemon())).toBe(false);
    expect(existsSync(conf)).toBe(true);
    expect(await uninstallService("gateway", "edge", { purge: true }, base)).toMatchObject({
      removed: false,
    });
    expect(existsSync(conf)).toBe(false);
  });
});
