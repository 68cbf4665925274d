import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { prepareGateway } from "../../../src/gateway/prepare.ts";
import type { GatewayRequest } from "../../../src/gateway/request.ts";
import { TunnelConditions } from "../../../src/gateway/tunnel-conditions.ts";
import { readConf, writeConf } from "../../../src/host/conf-file.ts";
import type { Code } from "../../../src/telemetry/codes.ts";
import { Conditions } from "../../../src/telemetry/conditions.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { testPki } from "../../support/test-pki.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let platform: StubPlatform;

beforeEach(async () => {
  space = await Workspace.open("health");
  platform = space.own(new StubPlatform(await testPki()));
  platform.relays = [{ name: "r1", host: "127.0.0.1", sshPort: 2222 }];
});
afterEach(() => space.close());

async function prepare(allow: string[] = []) {
  const flags = { domain: platform.url, relays: [], allow, deny: [], insecureHttp: false };
  const machine = { env: {}, uid: 1000, home: space.path };
  const request: GatewayRequest = { gatewayName: "edge", flags, machine, token: platform.mint() };
  const options = await prepareGateway(request, silentLogger);
  space.own(options.credentials);
  return options;
}

const words = { message: "It failed." };
const codes = (conditions: Conditions) => conditions.list().map(({ code }) => code);

describe("a gateway's tunnels", () => {
  test.each<[Code, string]>([
    ["RELAY_UNREACHABLE", "RELAY_UNREACHABLE"],
    ["TIMEOUT", "RELAY_UNREACHABLE"],
    ["HOST_CERTIFICATE_REFUSED", "RELAY_REFUSED"],
    ["SSH_AUTHENTICATION_FAILED", "RELAY_REFUSED"],
    ["GATEWAY_DUPLICATE", "GATEWAY_DUPLICATE"],
    ["GATEWAY_REVOKED", "ACCESS_REVOKED"],
  ])("that fail with %s raise %s, with a fix", (code, condition) => {
    const conditions = new Conditions();
    const tunnels = new TunnelConditions(conditions);
    tunnels.down("a", { code, ...words });
    expect(conditions.list()).toMatchObject([
      { code: condition, text: "Relay a: It failed.", fix: expect.stringMatching(/\.$/) },
    ]);
  });

  test("one of two down is a warning without impact, both down is an error with impact", () => {
    const conditions = new Conditions();
    const tunnels = new TunnelConditions(conditions);
    tunnels.down("a", { code: "RELAY_UNREACHABLE", ...words });
    tunnels.check([
      { relay: "a", state: "waiting", reason: "..." },
      { relay: "b", state: "up" },
    ]);
    expect(conditions.list()).toMatchObject([{ severity: "warning", impactsTraffic: false }]);
    tunnels.down("b", { code: "RELAY_UNREACHABLE", message: "It too." });
    tunnels.check([
      { relay: "a", state: "waiting", reason: "..." },
      { relay: "b", state: "connecting", reason: "..." },
    ]);
    expect(conditions.list()).toMatchObject([
      { severity: "error", impactsTraffic: true },
      { severity: "error", impactsTraffic: true },
    ]);
    tunnels.up("b");
    tunnels.check([
      { relay: "a", state: "waiting", reason: "..." },
      { relay: "b", state: "up" },
    ]);
    expect(conditions.list()).toMatchObject([{ text: "Relay a: It failed.", impactsTraffic: false }]);
  });

  test("a relay that is no longer listed takes its condition with it; a first dial is no failure", () => {
    const conditions = new Conditions();
    const tunnels = new TunnelConditions(conditions);
    tunnels.down("a", { code: "RELAY_UNREACHABLE", ...words });
    tunnels.check([
      { relay: "b", state: "connecting" },
      { relay: "c", state: "connecting" },
    ]);
    expect(codes(conditions)).toEqual([]);
  });
});

describe("a gateway of a platform", () => {
  test("whose platform is away says so", async () => {
    const { credentials, instruments } = await prepare();
    await credentials.load();
    expect(codes(instruments.conditions)).toEqual([]);
    await platform.close();
    const { credentials: second, instruments: shown } = await prepareAgain();
    await second.load();
    expect(codes(shown.conditions)).toEqual(["PLATFORM_UNREACHABLE"]);
  });

  test("that was revoked says so and how to enroll it again", async () => {
    const { credentials, instruments } = await prepare();
    platform.accessToken = "somebody else's";
    const waiting = credentials.load();
    await until(() => instruments.conditions.list().length > 0);
    expect(instruments.conditions.list()).toMatchObject([
      { code: "ACCESS_REVOKED", impactsTraffic: true, fix: expect.stringContaining("deploy-command edge") },
    ]);
    credentials.close();
    await expect(waiting).rejects.toMatchObject({ code: "DRAINING" });
  });

  /** As the next start does, with what is stored. */
  async function prepareAgain() {
    const flags = { relays: [], allow: [], deny: [], insecureHttp: false };
    const machine = { env: {}, uid: 1000, home: space.path };
    const options = await prepareGateway({ gatewayName: "edge", flags, machine }, silentLogger);
    space.own(options.credentials);
    return options;
  }

  test("X6 lets nobody through to its own metrics port, unless a rule names exactly that", async () => {
    const { policy, instruments } = await prepare(["localhost"]);
    expect(policy.decide("127.0.0.1", 9464, "127.0.0.1")).toEqual({ allowed: true });
    instruments.ports.push(9464);
    expect(policy.decide("127.0.0.1", 9464, "127.0.0.1")).toMatchObject({
      allowed: false,
      rule: "built-in: the gateway's own port",
    });
    expect(policy.decide("127.0.0.1", 5432, "127.0.0.1")).toEqual({ allowed: true });
  });

  test("takes changed rules of its conf at a reload, and keeps the present ones when they make no sense", async () => {
    const { policy } = await prepare(["10.0.0.0/8"]);
    const conf = space.join(".infisical/gateways/edge.conf");
    const change = async (allow: string) =>
      writeConf(conf, new Map(await readConf(conf)).set("SALLYPORT_ALLOW", allow));
    expect(policy.decide("192.168.1.1", 80, "192.168.1.1").allowed).toBe(false);
    await change("10.0.0.0/8,192.168.0.0/16");
    expect(policy.decide("192.168.1.1", 80, "192.168.1.1").allowed).toBe(false);
    await policy.reload?.();
    expect(policy.decide("192.168.1.1", 80, "192.168.1.1").allowed).toBe(true);
    await change("not a rule/99");
    await expect(policy.reload?.()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(policy.decide("192.168.1.1", 80, "192.168.1.1").allowed).toBe(true);
  });
});
