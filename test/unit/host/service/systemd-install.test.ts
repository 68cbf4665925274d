import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { installService, uninstallService } from "../../../../src/host/service/install.ts";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { FakeSystemd } from "../../../support/fake-systemd.ts";
import { Workspace } from "../../../support/workspace.ts";

const UNIT = "sallyport-gateway-edge.service";

let space: Workspace;
let systemd: FakeSystemd;
let kept: { path: string; values: Map<string, string>; changed: boolean };
let enrolments: number;

beforeEach(async () => {
  space = await Workspace.open("install");
  systemd = await FakeSystemd.open(space.path);
  enrolments = 0;
  const path = await space.file("conf/gateways/edge.conf", "A=1\n");
  kept = { path, values: new Map([["A", "1"]]), changed: false };
  systemd.onStart = startedWith;
});
afterEach(() => space.close());

/** What systemd does besides: a copy of the conf, a process of the program. */
async function startedWith(): Promise<void> {
  await mkdir(space.join("run/credentials", UNIT), { recursive: true });
  await writeFile(space.join("run/credentials", UNIT, "gateway.conf"), await readFile(kept.path));
  for (let pid = 100; pid < 110; pid++) {
    await mkdir(space.join(`proc/${pid}`), { recursive: true });
    await symlink(systemd.program, space.join(`proc/${pid}/exe`)).catch(() => undefined);
  }
}

function host() {
  return systemd.host({ SALLYPORT_CONF_DIR: space.join("conf") });
}

function install(changes: Partial<ReturnType<typeof host>> = {}, args: string[] = []) {
  const request = {
    role: "gateway" as const,
    name: "edge",
    args: ["gateway", "start", "edge", ...args],
    drainSeconds: 30,
  };
  const keep = async () => {
    enrolments++;
    return kept;
  };
  return installService(request, keep, { ...host(), ...changes });
}

async function refusal(work: Promise<unknown>): Promise<SallyportError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SallyportError) return error;
  throw new Error(`expected a refusal, got ${error}`);
}

const unitPath = () => space.join("etc/systemd/system", UNIT);

describe("install on systemd", () => {
  test("writes the unit, enables and starts it, and shows how it comes up", async () => {
    systemd.courses.set(UNIT, [
      { active: "activating", sub: "start", status: "No tunnel; r1 connecting" },
      { active: "activating", sub: "start", status: "No tunnel; r1 connecting" },
      { active: "active", sub: "running", status: "1 of 1 tunnels up: r1" },
    ]);
    expect(await install()).toEqual({
      outcome: "installed",
      service: "sallyport-gateway-edge",
      status: "1 of 1 tunnels up: r1",
    });
    expect(systemd.calls).toEqual(["daemon-reload", `enable ${UNIT}`, `restart ${UNIT}`]);
    expect(systemd.said).toEqual(["No tunnel; r1 connecting"]);
    expect(await readFile(unitPath(), "utf8")).toContain(
      "ExecStart=/usr/local/bin/sallyport gateway start edge\n",
    );
  });

  test("lets the service's user pass where only root could", async () => {
    const places = [
      "var/lib/sallyport",
      "var/lib/sallyport/gateway",
      "run/sallyport",
      "run/sallyport/gateway",
    ];
    for (const place of places) await space.directory(place);
    await install();
    for (const place of places) expect((await stat(space.join(place))).mode & 0o777).toBe(0o711);
  });

  test("again with the same changes nothing and restarts nothing", async () => {
    await install();
    systemd.calls.length = 0;
    expect((await install()).outcome).toBe("unchanged");
    expect(systemd.calls).toEqual([]);
  });

  test("other arguments replace the unit and restart it, without enabling it again", async () => {
    await install();
    systemd.calls.length = 0;
    expect((await install({}, ["--log-level=debug"])).outcome).toBe("updated");
    expect(systemd.calls).toEqual(["daemon-reload", `restart ${UNIT}`]);
    expect(await readFile(unitPath(), "utf8")).toContain("--log-level=debug");
  });

  test("a new program, a conf that was changed here or elsewhere, and a stopped service are reasons to restart", async () => {
    await install();
    kept.changed = true;
    expect((await install()).outcome).toBe("updated");
    kept.changed = false;
    expect((await install()).outcome).toBe("unchanged");
    await writeFile(kept.path, "A=2\n");
    expect((await install()).outcome).toBe("updated");
    expect((await install()).outcome).toBe("unchanged");
    systemd.put(UNIT, { active: "inactive" });
    expect((await install()).outcome).toBe("updated");
  });

  test("what still drains is waited for, and then the new process has its own 30 seconds", async () => {
    await install();
    const drains = { active: "deactivating", status: "Draining", invocation: "start-1" };
    const connects = { active: "activating", status: "No tunnel" };
    systemd.courses.set(UNIT, [
      ...Array.from({ length: 50 }, () => drains),
      ...Array.from({ length: 50 }, () => connects),
      { active: "active", status: "1 of 1 tunnels up: r1" },
    ]);
    expect((await install({}, ["--log-level=debug"])).status).toBe("1 of 1 tunnels up: r1");
    expect(systemd.said).toEqual([expect.stringContaining("Open connections"), "No tunnel"]);
  });

  test("of one that ends and is started again and again, the reason is told, not what it says before it ends", async () => {
    const starts = { active: "activating", sub: "start", status: "Waiting for certificates" };
    systemd.courses.set(UNIT, [
      starts,
      { active: "activating", sub: "auto-restart", result: "exit-code" },
      starts,
    ]);
    systemd.lastLine = "sallyport: Port 2222 is taken by another program. [PORT_IN_USE]";
    const error = await refusal(install());
    expect(error.code).toBe("SERVICE_NOT_READY");
    expect(error.message).toContain("PORT_IN_USE");
    expect(systemd.said).toEqual(["Waiting for certificates", expect.stringContaining("PORT_IN_USE")]);
  });

  test("a service that is not ready after 30 s stays, and its reason is told", async () => {
    systemd.courses.set(UNIT, [
      { active: "activating", status: "No tunnel; r1 RELAY_UNREACHABLE: no answer" },
    ]);
    const error = await refusal(install());
    expect(error.code).toBe("SERVICE_NOT_READY");
    expect(error.exitCode).toBe(4);
    expect(error.message).toMatch(
      /keeps trying, but after 30 s .*RELAY_UNREACHABLE.*systemctl status sallyport-gateway-edge/,
    );
    expect(existsSync(unitPath())).toBe(true);
    expect(systemd.unit(UNIT).enabled).toBe(true);
  });

  test("without a status the last log line is the reason", async () => {
    systemd.courses.set(UNIT, [{ active: "activating", sub: "auto-restart", result: "exit-code" }]);
    systemd.lastLine = "sallyport: Port 8443 is taken [PORT_IN_USE]";
    expect((await refusal(install())).message).toContain("Port 8443 is taken");
  });
});

describe("install leaves nothing half done", () => {
  test.each(["daemon-reload", "enable", "restart"])(
    "when %s fails the unit goes and the conf stays",
    async (verb) => {
      systemd.broken.set(verb, "Failed: no bus");
      const error = await refusal(install());
      expect(error.code).toBe("SERVICE_FAILED");
      expect(error.message).toMatch(new RegExp(`systemctl ${verb}.*Failed: no bus.*the conf .* stays`));
      expect(error.message).not.toContain("\n");
      expect(existsSync(unitPath())).toBe(false);
      expect(systemd.unit(UNIT)).toEqual({ active: "inactive", enabled: false });
      expect(existsSync(kept.path)).toBe(true);
    },
  );

  test("a daemon that gives up at once is removed again, with its reason", async () => {
    systemd.courses.set(UNIT, [{ active: "failed", result: "exit-code" }]);
    systemd.lastLine = "sallyport: --allow x is no rule [CONFIG_INVALID]";
    const error = await refusal(install());
    expect(error.message).toMatch(/--allow x is no rule .*The unit is removed again/);
    expect(existsSync(unitPath())).toBe(false);
    expect(systemd.calls.slice(-4)).toEqual([
      `stop ${UNIT}`,
      `disable ${UNIT}`,
      "daemon-reload",
      `reset-failed ${UNIT}`,
    ]);
  });

  test("an upgrade that fails puts the former unit back and starts it again", async () => {
    await install();
    const before = await readFile(unitPath(), "utf8");
    systemd.calls.length = 0;
    systemd.courses.set(UNIT, [{ active: "failed", result: "exit-code" }]);
    const error = await refusal(install({}, ["--log-level=debug"]));
    expect(error.message).toContain("The unit is as it was");
    expect(await readFile(unitPath(), "utf8")).toBe(before);
    expect(systemd.calls.at(-1)).toBe(`restart ${UNIT}`);
  });

  test("what could not be undone is said", async () => {
    systemd.broken.set("restart", "no");
    systemd.broken.set("disable", "not now");
    expect((await refusal(install())).message).toMatch(/could not be undone: .*disable.*not now/);
  });

  test("nobody is enrolled while anything else stands in the way", async () => {
    const machine = { env: {}, uid: 1000, home: "/home/u" };
    const cases: [Partial<ReturnType<typeof host>>, string, RegExp][] = [
      [{ machine }, "FORBIDDEN", /with sudo/],
      [{ platform: "win32" }, "UNSUPPORTED", /Linux \(systemd\) and macOS/],
      [{ root: "/nowhere" }, "UNSUPPORTED", /systemd does not run/],
      [{ program: { compiled: false, path: "/usr/bin/bun" } }, "UNSUPPORTED", /runs from source/],
    ];
    for (const [change, code, sentence] of cases) {
      const error = await refusal(install(change));
      expect(error.code).toBe(code as SallyportError["code"]);
      expect(error.message).toMatch(sentence);
    }
    for (const version of ["", "systemd 245 (245.4)"]) {
      systemd.version = version;
      expect((await refusal(install())).code).toBe("UNSUPPORTED");
    }
    expect(enrolments).toBe(0);
    expect(systemd.calls).toEqual([]);
  });
});

describe("Infisical's own service", () => {
  const OLD = "infisical-gateway.service";

  async function putOld(text: string, name = OLD): Promise<void> {
    await writeFile(space.join("etc/systemd/system", name), text);
    systemd.put(name, {});
  }

  beforeEach(async () => {
    await space.file("conf/gateway.conf", "INFISICAL_GATEWAY_NAME=edge\n");
  });

  test("is stopped and disabled, after the new one runs", async () => {
    await putOld(
      `[Service]\nEnvironmentFile=${space.join("conf/gateway.conf")}\nExecStart=infisical gateway start\n`,
    );
    await install();
    expect(systemd.calls.slice(-3)).toEqual([`restart ${UNIT}`, `stop ${OLD}`, `disable ${OLD}`]);
    expect(systemd.said.at(-1)).toContain(`${OLD} is stopped and disabled`);
    expect(existsSync(space.join("conf/gateway.conf"))).toBe(true);
  });

  test("makes room when the relay lets only one of the two in", async () => {
    await putOld(`[Service]\nEnvironmentFile=-${space.join("conf/gateway.conf")}\n`);
    systemd.courses.set(UNIT, [
      ...Array.from({ length: 40 }, () => ({ active: "activating", status: "No tunnel; r1 occupied" })),
      { active: "active", status: "1 of 1 tunnels up: r1" },
    ]);
    expect((await install()).status).toBe("1 of 1 tunnels up: r1");
    expect(systemd.unit(OLD)).toEqual({ active: "inactive", enabled: false });
  });

  test("is started again when the new one does not come up without it", async () => {
    await putOld(`[Service]\nEnvironmentFile=${space.join("conf/gateway.conf")}\n`);
    systemd.courses.set(UNIT, [{ active: "activating", status: "No tunnel; r1 TIMEOUT" }]);
    const error = await refusal(install());
    expect(error.message).toMatch(/r1 TIMEOUT \(infisical-gateway.service was started again\)/);
    expect(systemd.unit(OLD)).toEqual({ active: "active", enabled: true });
    expect(existsSync(unitPath())).toBe(false);
  });

  test("with the gateway's bare name is found too, by its conf only", async () => {
    await putOld(`[Service]\nEnvironmentFile=${space.join("conf/gateways/edge.conf")}\n`, "edge.service");
    await install();
    expect(systemd.unit("edge.service")).toEqual({ active: "inactive", enabled: false });
  });

  test("B4 of another gateway, or a unit of the machine with that name, is left alone", async () => {
    await putOld("[Service]\nExecStart=/usr/sbin/sshd -D\n", "edge.service");
    await space.file("conf/gateway.conf", "INFISICAL_GATEWAY_NAME=other\n");
    await putOld(`[Service]\nEnvironmentFile=${space.join("conf/gateway.conf")}\n`);
    await install();
    expect(systemd.unit("edge.service")).toEqual({ active: "active", enabled: true });
    expect(systemd.unit(OLD)).toEqual({ active: "active", enabled: true });
  });
});

describe("uninstall on systemd", () => {
  const uninstall = (purge: boolean) => uninstallService("gateway", "edge", { purge }, host());

  test("stops, disables and removes the unit; conf and state stay", async () => {
    await install();
    await space.directory("var/lib/sallyport/gateway/edge");
    systemd.calls.length = 0;
    const { removed, files } = await uninstall(false);
    expect(removed).toBe(true);
    expect(systemd.calls).toEqual([
      `stop ${UNIT}`,
      `disable ${UNIT}`,
      "daemon-reload",
      `reset-failed ${UNIT}`,
    ]);
    expect(existsSync(unitPath())).toBe(false);
    expect(files).toEqual([kept.path, space.join("var/lib/sallyport/gateway/edge")]);
    for (const file of files) expect(existsSync(file)).toBe(true);
  });

  test("--purge deletes conf and state, also what a service hides below private", async () => {
    await install();
    const hidden = await space.directory("var/lib/private/sallyport/gateway/edge");
    await mkdir(space.join("var/lib/sallyport/gateway"), { recursive: true });
    await symlink(hidden, space.join("var/lib/sallyport/gateway/edge"));
    const neighbour = await space.file("conf/gateways/other.conf", "A=1\n");
    const { files } = await uninstall(true);
    for (const file of [...files, hidden]) expect(existsSync(file)).toBe(false);
    expect(existsSync(neighbour)).toBe(true);
  });

  test("without such a service it only says so", async () => {
    const { removed } = await uninstall(false);
    expect(removed).toBe(false);
    expect(systemd.calls).toEqual([]);
  });

  test("a stop that fails leaves the service as it is", async () => {
    await install();
    systemd.broken.set("stop", "Access denied");
    expect((await refusal(uninstall(true))).message).toContain("Access denied");
    expect(existsSync(unitPath())).toBe(true);
    expect(existsSync(kept.path)).toBe(true);
  });
});
