import { describe, expect, test } from "bun:test";
import { type RelayFlags, relaySettings } from "../../../src/relay/settings.ts";

const none: RelayFlags = { exempt: [], insecureHttp: false };

function settings(
  flags: Partial<RelayFlags>,
  conf: Record<string, string> = {},
  env: Record<string, string> = {},
) {
  return relaySettings({ ...none, ...flags }, new Map(Object.entries(conf)), env);
}

describe("a relay's settings", () => {
  test("have the usual values without anything", () => {
    expect(settings({})).toEqual({
      domain: undefined,
      relayId: undefined,
      host: undefined,
      type: "org",
      sshPort: undefined,
      tlsPort: undefined,
      listen: "0.0.0.0",
      exempt: [],
      proxyFrom: [],
      caFile: undefined,
      insecureHttp: false,
    });
  });

  test("take the domain from flag, conf, profile, environment in this order", () => {
    const conf = { INFISICAL_RELAY_DOMAIN: "conf" };
    const env = { INFISICAL_DOMAIN: "env", INFISICAL_API_URL: "api" };
    const pick = (flag: string | undefined, withConf: boolean, profile?: string) =>
      relaySettings({ ...none, domain: flag }, new Map(Object.entries(withConf ? conf : {})), env, profile)
        .domain;
    expect(pick("flag", true, "profile")).toBe("flag");
    expect(pick(undefined, true, "profile")).toBe("conf");
    expect(pick(undefined, false, "profile")).toBe("profile");
    expect(pick(undefined, false)).toBe("env");
  });

  test("take everything else from flag, environment, conf, our spelling first", () => {
    const conf = { INFISICAL_RELAY_HOST: "conf", SALLYPORT_RELAY_SSH_PORT: "2022" };
    const env = { INFISICAL_RELAY_HOST: "theirs", SALLYPORT_RELAY_HOST: "ours" };
    expect(settings({ host: "flag" }, conf, env).host).toBe("flag");
    expect(settings({}, conf, env).host).toBe("ours");
    expect(settings({}, conf).host).toBe("conf");
    expect(settings({}, conf).sshPort).toBe(2022);
    expect(settings({ sshPort: "0" }, conf).sshPort).toBe(0);
  });

  test("list exempt ranges with commas in environment and conf", () => {
    expect(settings({}, {}, { SALLYPORT_RELAY_EXEMPT: "10.0.0.0/8, ,192.0.2.1" }).exempt).toEqual([
      "10.0.0.0/8",
      "192.0.2.1",
    ]);
  });

  test.each<[Partial<RelayFlags>]>([
    [{ type: "shared" }],
    [{ sshPort: "65536" }],
    [{ tlsPort: "ssh" }],
    [{ listen: "eth0" }],
    [{ listen: "0.0.0.0:2222" }],
    [{ exempt: ["10.0.0.0/40"] }],
  ])("refuse %p", (flags) =>
    expect(() => settings(flags)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" })),
  );

  test("take load balancers from both flags, environment and conf", () => {
    const conf = { SALLYPORT_RELAY_PROXY_FROM: "10.0.0.1, 10.0.0.2" };
    expect(settings({}, conf).proxyFrom).toEqual(["10.0.0.1", "10.0.0.2"]);
    const flags = { proxyProtocol: true, proxyFrom: ["192.0.2.0/24"] };
    expect(settings(flags, conf).proxyFrom).toEqual(["192.0.2.0/24"]);
    expect(() => settings({ proxyProtocol: true })).toThrow(/add --proxy-from/);
    expect(() => settings({ proxyFrom: ["192.0.2.0/24"] })).toThrow(/goes with --proxy-protocol/);
    expect(() => settings({ proxyProtocol: true, proxyFrom: ["office"] })).toThrow(/no address range/);
  });
});
