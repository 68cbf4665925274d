import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Service } from "../../../../src/host/service/service.ts";
import { systemdUnit } from "../../../../src/host/service/systemd-unit.ts";
import { unitPath, unitWord } from "../../../../src/host/service/unit-text.ts";

const gateway: Service = {
  role: "gateway",
  name: "edge",
  executable: "/usr/local/bin/sallyport",
  args: ["gateway", "start", "edge"],
  confPath: "/etc/infisical/gateways/edge.conf",
  secretFiles: [],
  caFile: undefined,
  environment: {},
  lowPorts: false,
  drainSeconds: 30,
};

/** The settings of a unit file, `Section.Key` -> values in order. */
function settingsOf(service: Partial<Service> = {}, version = 252): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  let section = "";
  for (const line of systemdUnit({ ...gateway, ...service }, version).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) section = line.slice(1, -1);
    else {
      const [, key = "", value = ""] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
      const name = `${section}.${key}`;
      settings.set(name, [...(settings.get(name) ?? []), value]);
    }
  }
  return settings;
}

describe("systemd unit", () => {
  test("is ready when the daemon says so, is watched, and never gives up", () => {
    const settings = settingsOf();
    expect(settings.get("Service.Type")).toEqual(["notify"]);
    expect(settings.get("Service.NotifyAccess")).toEqual(["main"]);
    expect(settings.get("Service.TimeoutStartSec")).toEqual(["infinity"]);
    expect(settings.get("Service.WatchdogSec")).toEqual(["60s"]);
    expect(settings.get("Service.Restart")).toEqual(["always"]);
    expect(settings.get("Unit.StartLimitIntervalSec")).toEqual(["0"]);
    expect(settings.get("Service.RestartPreventExitStatus")).toEqual(["2"]);
    expect(settings.get("Install.WantedBy")).toEqual(["multi-user.target"]);
  });

  test("O4 gives the daemon its time to drain, and one SIGTERM only", () => {
    expect(settingsOf().get("Service.TimeoutStopSec")).toEqual(["45s"]);
    expect(settingsOf({ drainSeconds: 120.5 }).get("Service.TimeoutStopSec")).toEqual(["136s"]);
    expect(settingsOf().get("Service.KillMode")).toEqual(["mixed"]);
  });

  test("longer and longer pauses only where systemd knows them", () => {
    expect(settingsOf({}, 252).get("Service.RestartSec")).toEqual(["5s"]);
    expect(settingsOf({}, 253).has("Service.RestartSteps")).toBe(false);
    const newer = settingsOf({}, 254);
    expect(newer.get("Service.RestartSteps")).toEqual(["6"]);
    expect(newer.get("Service.RestartMaxDelaySec")).toEqual(["60s"]);
  });

  test("runs as nobody in particular, without rights, in a closed room", () => {
    const settings = settingsOf();
    const yes = ["DynamicUser", "NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectKernelModules"];
    for (const key of yes) expect(settings.get(`Service.${key}`)).toEqual(["yes"]);
    expect(settings.get("Service.ProtectSystem")).toEqual(["strict"]);
    expect(settings.get("Service.ProtectHome")).toEqual(["yes"]);
    expect(settings.get("Service.CapabilityBoundingSet")).toEqual([""]);
    expect(settings.get("Service.AmbientCapabilities")).toEqual([""]);
    expect(settings.get("Service.LimitCORE")).toEqual(["0"]);
    expect(settings.get("Service.SystemCallFilter")).toEqual(["@system-service", "~@privileged @resources"]);
    expect(settings.get("Service.RestrictAddressFamilies")?.[0]?.split(" ")).toEqual(
      expect.arrayContaining(["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"]),
    );
    expect(settings.has("Service.User")).toBe(false);
  });

  test("does not switch the JIT compiler off, and says why", () => {
    expect(settingsOf().has("Service.MemoryDenyWriteExecute")).toBe(false);
    expect(systemdUnit(gateway, 252)).toMatch(/^# No MemoryDenyWriteExecute: .*JIT/m);
  });

  test("a relay may open a low port only if it has one", () => {
    const low = settingsOf({ role: "relay", lowPorts: true });
    expect(low.get("Service.CapabilityBoundingSet")).toEqual(["CAP_NET_BIND_SERVICE"]);
    expect(low.get("Service.AmbientCapabilities")).toEqual(["CAP_NET_BIND_SERVICE"]);
  });

  test("B6 O5 secrets come as credentials, never in arguments or environment", () => {
    const settings = settingsOf({
      secretFiles: [{ id: "SALLYPORT_GATEWAY_ACCESS_TOKEN", path: "/etc/secret token" }],
      caFile: "/etc/ca 100%.pem",
    });
    expect(settings.get("Service.LoadCredential")).toEqual([
      "gateway.conf:/etc/infisical/gateways/edge.conf",
      "SALLYPORT_GATEWAY_ACCESS_TOKEN:/etc/secret token",
      "ca.pem:/etc/ca 100%%.pem",
    ]);
    expect(settings.get("Service.ExecStart")).toEqual([
      `/usr/local/bin/sallyport gateway start edge --ca-file \${CREDENTIALS_DIRECTORY}/ca.pem`,
    ]);
    expect(settings.has("Service.Environment")).toBe(false);
    expect(settings.has("Service.EnvironmentFile")).toBe(false);
  });

  test("has its directories where root has them, short enough for sockets", () => {
    expect(settingsOf().get("Service.StateDirectory")).toEqual(["sallyport/gateway/edge"]);
    expect(settingsOf().get("Service.RuntimeDirectory")).toEqual(["sallyport/gateway/edge"]);
    expect(settingsOf().get("Service.StateDirectoryMode")).toEqual(["0700"]);
    const [long = ""] = settingsOf({ name: "a".repeat(63) }).get("Service.RuntimeDirectory") ?? [];
    expect(long.length).toBeLessThan(60);
  });

  test("environment variables are kept as they are", () => {
    const environment = { NO_PROXY: "a, b", HTTPS_PROXY: "http://p:1/$x%20" };
    expect(settingsOf({ environment }).get("Service.Environment")).toEqual([
      '"NO_PROXY=a, b"',
      "HTTPS_PROXY=http://p:1/$x%%20",
    ]);
  });
});

describe("text in a unit file", () => {
  /** As systemd.service(5) reads a word of ExecStart=. */
  function read(word: string): string {
    const inner = word.startsWith('"') ? word.slice(1, -1).replace(/\\(["\\])/g, "$1") : word;
    return inner.replaceAll("%%", "%").replaceAll("$$", "$");
  }

  test("B4 any word means itself, on one line", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
        fc.pre(!/\p{Cc}/u.test(text));
        const word = unitWord(text);
        expect(read(word)).toBe(text);
        expect(word.startsWith('"') || !/[\s"'\\;#]/.test(word)).toBe(true);
      }),
    );
  });

  test("B4 control characters are refused", () => {
    for (const text of ["a\nExecStartPre=/bin/sh", "a\0", "\u0085"]) {
      expect(() => unitWord(text)).toThrow(/control characters/);
      expect(() => unitPath(`/${text}x`)).toThrow(/control characters/);
    }
  });

  test("a path is absolute", () => {
    expect(unitPath("/a b/%c")).toBe("/a b/%%c");
    for (const path of ["a", "./a", "", " /a", "/a "]) expect(() => unitPath(path)).toThrow(/absolute path/);
  });
});
