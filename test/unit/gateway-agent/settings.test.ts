import { describe, expect, test } from "bun:test";
import { gatewayStatus } from "../../../src/gateway/reachability.ts";
import {
  type GatewayFlags,
  gatewaySettings,
  list,
  storedAccessToken,
} from "../../../src/gateway/settings.ts";

const none: GatewayFlags = { relays: [], allow: [], deny: [], insecureHttp: false };
const conf = (values: Record<string, string>) => new Map(Object.entries(values));

describe("gateway settings", () => {
  test("the domain: flag, conf, profile, environment", () => {
    const stored = conf({ INFISICAL_GATEWAY_DOMAIN: "conf" });
    const env = { INFISICAL_DOMAIN: "env" };
    expect(gatewaySettings({ ...none, domain: "flag" }, stored, env, "profile").domain).toBe("flag");
    expect(gatewaySettings(none, stored, env, "profile").domain).toBe("conf");
    expect(gatewaySettings(none, conf({ INFISICAL_API_URL: "api" }), env, "profile").domain).toBe("api");
    expect(gatewaySettings(none, conf({}), env, "profile").domain).toBe("profile");
    expect(gatewaySettings(none, conf({}), env).domain).toBe("env");
    expect(gatewaySettings(none, conf({}), {}).domain).toBeUndefined();
  });

  test("relays: flag, environment, conf; the list that Infisical can't hold first", () => {
    const stored = conf({ INFISICAL_RELAY_NAME: "a", SALLYPORT_RELAY_NAME: "a, b" });
    expect(gatewaySettings(none, stored, {}).relays).toEqual(["a", "b"]);
    expect(gatewaySettings(none, conf({ INFISICAL_RELAY_NAME: "a" }), {}).relays).toEqual(["a"]);
    expect(gatewaySettings(none, stored, { INFISICAL_RELAY_NAME: "c" }).relays).toEqual(["c"]);
    expect(gatewaySettings({ ...none, relays: ["d"] }, stored, {}).relays).toEqual(["d"]);
    const many = conf({ SALLYPORT_RELAY_NAME: "a,b,c,d,e" });
    expect(() => gatewaySettings(none, many, {})).toThrow(/at most 4 relays/);
  });

  test("how many tunnels: flag, environment, conf, and only 1 to 4", () => {
    expect(gatewaySettings(none, conf({}), {}).tunnels).toBeUndefined();
    const stored = conf({ SALLYPORT_TUNNELS: "1" });
    expect(gatewaySettings(none, stored, {}).tunnels).toBe(1);
    expect(gatewaySettings(none, stored, { SALLYPORT_TUNNELS: "4" }).tunnels).toBe(4);
    expect(gatewaySettings({ ...none, tunnels: 3 }, stored, {}).tunnels).toBe(3);
    for (const bad of ["0", "5", "two", "1.5"]) {
      expect(() => gatewaySettings(none, conf({ SALLYPORT_TUNNELS: bad }), {})).toThrow(/SALLYPORT_TUNNELS/);
    }
  });

  test("--allow and --deny add to what is stored", () => {
    const stored = conf({ SALLYPORT_ALLOW: "10.0.0.0/8,db:5432", SALLYPORT_DENY: "10.0.0.1" });
    const settings = gatewaySettings({ ...none, allow: ["db:5432", "x"], deny: ["y"] }, stored, {});
    expect(settings.allow).toEqual(["10.0.0.0/8", "db:5432", "x"]);
    expect(settings.deny).toEqual(["10.0.0.1", "y"]);
  });

  test("the access token: environment, then conf", async () => {
    const stored = conf({ INFISICAL_GATEWAY_ACCESS_TOKEN: "conf" });
    expect(await storedAccessToken(stored, { INFISICAL_GATEWAY_ACCESS_TOKEN: "env" })).toBe("env");
    expect(await storedAccessToken(stored, {})).toBe("conf");
    expect(await storedAccessToken(conf({}), {})).toBeUndefined();
  });

  test("a list of thousands is refused", () => {
    expect(list(" a, ,b ,", "x")).toEqual(["a", "b"]);
    expect(() => list("a,".repeat(2000), "SALLYPORT_ALLOW")).toThrow(/SALLYPORT_ALLOW lists more than/);
  });
});

describe("reachability", () => {
  const now = new Date("2026-01-01T00:10:00Z");
  test.each([
    ["never seen", null, null, "Unregistered"],
    ["seen within its interval", "2026-01-01T00:08:00Z", 180, "Healthy"],
    ["30 s late", "2026-01-01T00:06:40Z", 180, "Healthy"],
    ["31 s late", "2026-01-01T00:06:29Z", 180, "Unreachable"],
    ["the last probe failed", "2026-01-01T00:09:59Z", 0, "Unreachable"],
    ["a time that is none", "yesterday", 180, "Unreachable"],
  ])("%s", (_, heartbeat, heartbeatTTL, status) => {
    expect(gatewayStatus({ heartbeat, heartbeatTTL }, now)).toBe(status as "Healthy");
  });
});
