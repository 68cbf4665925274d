import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { prepareGateway } from "../../../src/gateway/prepare.ts";
import type { GatewayRequest } from "../../../src/gateway/request.ts";
import { keepServiceConf } from "../../../src/gateway/service-conf.ts";
import { readConf, writeConf } from "../../../src/host/conf-file.ts";
import type { Machine } from "../../../src/host/paths.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { testPki } from "../../support/test-pki.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let platform: StubPlatform;
let machine: Machine;
let conf: string;
let record: ReturnType<typeof recordedLog>;

beforeEach(async () => {
  space = await Workspace.open("identity");
  platform = space.own(new StubPlatform(await testPki()));
  platform.relays = [{ name: "r1", host: "127.0.0.1", sshPort: 2222 }];
  machine = { env: {}, uid: 1000, home: space.path };
  conf = space.join(".infisical/gateways/edge.conf");
  record = recordedLog();
});
afterEach(() => space.close());

function request(changes: Partial<GatewayRequest> = {}): GatewayRequest {
  const flags = { domain: platform.url, relays: [], allow: [], deny: [], insecureHttp: false };
  return { gatewayName: "edge", flags, machine, ...changes };
}

async function start(changes: Partial<GatewayRequest> = {}) {
  const options = await prepareGateway(request(changes), record.log);
  space.own(options.credentials);
  return options;
}

const CLIENT = { clientId: "client-1", clientSecret: "spi_secret" };
const ENV = {
  INFISICAL_UNIVERSAL_AUTH_CLIENT_ID: CLIENT.clientId,
  INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET: CLIENT.clientSecret,
};
const withEnv = (env: Record<string, string>) => ({ machine: { ...machine, env } });

describe("a gateway that runs as a machine identity", () => {
  test("logs in with client id and secret, registers by name, and writes no conf", async () => {
    const options = await start({ identity: CLIENT });
    expect((await options.credentials.load()).relays).toMatchObject([{ relayName: "r1" }]);
    await options.heartbeat?.(new AbortController().signal);
    expect(platform.heartbeats).toBe(1);
    expect(platform.connects).toMatchObject([{ name: "edge", maxRelays: 2 }]);
    expect(platform.connects[0]).toHaveProperty("csr");
    expect(platform.identityLogins).toBe(1);
    expect(await readConf(conf)).toBeUndefined();
  });

  test("uses an access token as it is", async () => {
    platform.identityToken = "header.e30.signature";
    await (await start({ identity: { accessToken: platform.identityToken } })).credentials.load();
    expect(platform.identityLogins).toBe(0);
    expect(platform.paths).toContain("/api/v2/gateways");
  });

  test.each([["environment"], ["conf"]])("is found in the %s, in Infisical's names", async (where) => {
    if (where === "conf") await writeConf(conf, new Map(Object.entries(ENV)));
    const options = await start(where === "conf" ? {} : withEnv(ENV));
    await options.credentials.load();
    expect(platform.identityLogins).toBe(1);
  });

  test("a credential of its own beats INFISICAL_TOKEN, unless the command line names the identity", async () => {
    platform.accessToken = "own";
    const kept = { INFISICAL_GATEWAY_ACCESS_TOKEN: "own", INFISICAL_TOKEN: "header.e30.other" };
    await writeConf(conf, new Map(Object.entries(kept)));
    await (await start(withEnv(ENV))).credentials.load();
    expect(platform.paths).toContain("/api/v3/gateways/connect");
    await (await start({ ...withEnv(ENV), identity: { universalAuth: true } })).credentials.load();
    expect(platform.paths).toContain("/api/v2/gateways");
  });

  test("a person's API token in the environment is no machine identity", async () => {
    await expect(start(withEnv({ SALLYPORT_TOKEN: "spt_person" }))).rejects.toThrow(/not enrolled here/);
  });

  test("half of it is named", async () => {
    const half = withEnv({ INFISICAL_UNIVERSAL_AUTH_CLIENT_ID: "client-1" });
    await expect(start(half)).rejects.toThrow(/without a client secret/);
  });

  test("starts with kept certificates while the platform is away, whichever token it had", async () => {
    await (await start({ identity: CLIENT })).credentials.load();
    await platform.close();
    const options = await start({ identity: CLIENT });
    expect((await options.credentials.load()).gatewayName).toBe("edge");
  });

  test("says what to do when the secret was revoked, and shows it nowhere", async () => {
    const options = await start({ identity: { ...CLIENT, clientSecret: "spi_revoked" } });
    const loading = options.credentials.load();
    await until(() => record.text().includes("Cannot get certificates"));
    expect(record.text()).toContain("sallyport identity secret create");
    expect(record.text()).not.toContain("spi_revoked");
    options.credentials.close();
    await expect(loading).rejects.toMatchObject({ code: "DRAINING" });
  });

  test("a service keeps it in the conf, instead of what was enrolled before", async () => {
    const before = { INFISICAL_GATEWAY_ACCESS_TOKEN: "own", INFISICAL_GATEWAY_ENROLLMENT_TOKEN: "gwe_x" };
    await writeConf(conf, new Map(Object.entries(before)));
    await keepServiceConf(request({ identity: CLIENT }));
    const kept = await readConf(conf);
    expect(Object.fromEntries(kept ?? [])).toMatchObject(ENV);
    expect([...(kept?.keys() ?? [])].join()).not.toMatch(/ACCESS_TOKEN|ENROLLMENT_TOKEN/);
    await (await start()).credentials.load();
    expect(platform.identityLogins).toBe(1);
    await keepServiceConf(request({ identity: { accessToken: "header.e30.signature" } }));
    const changed = Object.fromEntries((await readConf(conf)) ?? []);
    expect(changed).toMatchObject({ INFISICAL_TOKEN: "header.e30.signature" });
    expect(Object.keys(changed).join()).not.toContain("UNIVERSAL_AUTH");
  });
});
