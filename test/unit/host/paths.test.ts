import { describe, expect, test } from "bun:test";
import {
  confPath,
  confPlaces,
  type Machine,
  runtimeDirectory,
  stateDirectory,
} from "../../../src/host/paths.ts";

const root: Machine = { env: {}, uid: 0, home: "/root" };
const user: Machine = { env: {}, uid: 1000, home: "/home/u" };

describe("paths", () => {
  test("conf files are where PROTOCOL 0.3 has them", () => {
    expect(confPath("gateway", "edge", root)).toBe("/etc/infisical/gateways/edge.conf");
    expect(confPath("relay", "r1", root)).toBe("/etc/infisical/relays/r1.conf");
    expect(confPath("gateway", "edge", user)).toBe("/home/u/.infisical/gateways/edge.conf");
    expect(confPlaces("gateway", "edge", root).single).toBe("/etc/infisical/gateway.conf");
    expect(confPlaces("relay", "r1", root)).toEqual({
      named: ["/etc/infisical/relays/r1.conf", "/etc/infisical/relays/r1.env.conf"],
      single: "/etc/infisical/relay.conf",
    });
  });

  test("SALLYPORT_CONF_DIR moves them all", () => {
    const machine = { ...root, env: { SALLYPORT_CONF_DIR: "/conf" } };
    expect(confPath("gateway", "edge", machine)).toBe("/conf/gateways/edge.conf");
  });

  test("state and runtime directories follow root, XDG and systemd", () => {
    expect(stateDirectory("gateway", "edge", root)).toBe("/var/lib/sallyport/gateway/edge");
    expect(runtimeDirectory("relay", "r1", root)).toBe("/run/sallyport/relay/r1");
    expect(stateDirectory("gateway", "edge", user)).toBe("/home/u/.local/state/sallyport/gateway/edge");
    expect(runtimeDirectory("gateway", "edge", user)).toBe("/home/u/.local/state/sallyport/gateway/edge/run");
    const xdg = { ...user, env: { XDG_STATE_HOME: "/s", XDG_RUNTIME_DIR: "/run/user/1000" } };
    expect(stateDirectory("gateway", "edge", xdg)).toBe("/s/sallyport/gateway/edge");
    expect(runtimeDirectory("gateway", "edge", xdg)).toBe("/run/user/1000/sallyport/gateway/edge");
    const systemd = {
      ...root,
      env: { STATE_DIRECTORY: "/var/lib/a:/var/lib/b", RUNTIME_DIRECTORY: "/run/a" },
    };
    expect(stateDirectory("gateway", "edge", systemd)).toBe("/var/lib/a");
    expect(runtimeDirectory("gateway", "edge", systemd)).toBe("/run/a");
  });

  test("SALLYPORT_STATE_DIR and SALLYPORT_RUNTIME_DIR move them, below systemd's", () => {
    const machine = { ...root, env: { SALLYPORT_STATE_DIR: "/state", SALLYPORT_RUNTIME_DIR: "/sock" } };
    expect(stateDirectory("gateway", "edge", machine)).toBe("/state/gateway/edge");
    expect(runtimeDirectory("relay", "r1", machine)).toBe("/sock/relay/r1");
    const systemd = { ...machine, env: { ...machine.env, STATE_DIRECTORY: "/var/lib/a" } };
    expect(stateDirectory("gateway", "edge", systemd)).toBe("/var/lib/a");
  });

  test("a relative path in the environment is ignored", () => {
    const machine = {
      ...user,
      env: { XDG_STATE_HOME: "state", STATE_DIRECTORY: "../x", SALLYPORT_CONF_DIR: "." },
    };
    expect(stateDirectory("gateway", "edge", machine)).toBe("/home/u/.local/state/sallyport/gateway/edge");
    expect(confPath("gateway", "edge", machine)).toBe("/home/u/.infisical/gateways/edge.conf");
  });

  test("the longest name leaves room for a socket in its runtime directory, and names stay apart", () => {
    const long = `${"a".repeat(62)}b`;
    const twin = `${"a".repeat(62)}c`;
    const xdg = { ...user, env: { XDG_RUNTIME_DIR: "/run/user/1000000" } };
    expect(`${runtimeDirectory("gateway", long, xdg)}/inner-0123456789.sock`.length).toBeLessThan(108);
    expect(runtimeDirectory("gateway", long, xdg)).not.toBe(runtimeDirectory("gateway", twin, xdg));
  });

  const hostile = [
    "../x",
    ".",
    "..",
    "",
    "a/b",
    "a".repeat(64),
    "a".repeat(256),
    "A",
    "-a",
    "a-",
    "a\nb",
    "a\0b",
    "$(x)",
    "%n",
    "\u202eedge",
    "edge.conf",
    "ed ge",
    "é",
  ];
  test.each(hostile)("B4 the name %j reaches no path", (name) => {
    for (const role of ["gateway", "relay"] as const) {
      for (const path of [confPath, confPlaces, stateDirectory, runtimeDirectory]) {
        expect(() => path(role, name, user)).toThrow(/is no (gateway|relay) name/);
      }
    }
  });

  test("B4 a relay name of 33 characters reaches no path, a gateway name of 63 does", () => {
    expect(() => confPath("relay", "a".repeat(33), user)).toThrow(/is no relay name/);
    expect(confPath("gateway", "a".repeat(63), user)).toEndWith(`${"a".repeat(63)}.conf`);
  });
});
