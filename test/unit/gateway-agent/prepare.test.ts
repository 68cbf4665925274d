import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, stat } from "node:fs/promises";
import { enrolFromRequest } from "../../../src/gateway/access.ts";
import { prepareGateway } from "../../../src/gateway/prepare.ts";
import type { GatewayRequest } from "../../../src/gateway/request.ts";
import { readConf, writeConf } from "../../../src/host/conf-file.ts";
import type { Machine } from "../../../src/host/paths.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let platform: StubPlatform;
let machine: Machine;
let conf: string;
let record: ReturnType<typeof recordedLog>;

beforeEach(async () => {
  space = await Workspace.open("prepare");
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

const withEnv = (env: Record<string, string>) => ({ machine: { ...machine, env } });

describe("gateway start", () => {
  test("with neither conf nor token ends with exit code 2 and the command to run", async () => {
    const refused = start();
    await expect(refused).rejects.toMatchObject({ exitCode: 2 });
    await expect(refused).rejects.toThrow(/sallyport gateway enroll edge --token-file -/);
  });

  test("with a new token enrols, then runs with what the token gave", async () => {
    const options = await start({ token: platform.mint() });
    expect((await options.credentials.load()).relays).toMatchObject([{ relayName: "r1" }]);
    await options.heartbeat?.(new AbortController().signal);
    expect(platform.heartbeats).toBe(1);
    expect((await readConf(conf))?.get("INFISICAL_GATEWAY_ACCESS_TOKEN")).toBe(platform.accessToken ?? "");
  });

  test("with the conf alone asks for no login; the same token again neither", async () => {
    const token = platform.mint();
    await enrolFromRequest(request({ token }));
    platform.paths.length = 0;
    const before = (await stat(conf)).mtimeMs;
    await (await start()).credentials.load();
    await (await start({ token })).credentials.load();
    await (await start(withEnv({ INFISICAL_GATEWAY_ENROLLMENT_TOKEN: token }))).credentials.load();
    expect(new Set(platform.paths)).toEqual(new Set(["/api/v3/gateways/connect"]));
    expect((await stat(conf)).mtimeMs).toBe(before);
  });

  test("with a conf that everybody can read says so once, with the command that ends it", async () => {
    await enrolFromRequest(request({ token: platform.mint() }));
    await start();
    expect(record.text()).not.toContain("Everybody");
    await chmod(conf, 0o644);
    await start();
    expect(record.lines.filter((line) => line.includes("Everybody on this machine"))).toHaveLength(1);
    expect(record.text()).toContain(`chmod 600 ${conf}`);
  });

  test("with another token rotates", async () => {
    await enrolFromRequest(request({ token: platform.mint() }));
    const first = platform.accessToken;
    await (await start({ token: platform.mint() })).credentials.load();
    expect(platform.accessToken).not.toBe(first);
    expect((await readConf(conf))?.get("INFISICAL_GATEWAY_ACCESS_TOKEN")).toBe(platform.accessToken ?? "");
    expect(record.text()).toContain("Gateway has new credentials");
  });

  test("a conf of Infisical's service with a token that was not redeemed yet redeems it", async () => {
    const token = platform.mint();
    await writeConf(
      conf,
      new Map([
        ["INFISICAL_GATEWAY_ENROLLMENT_TOKEN", token],
        ["INFISICAL_GATEWAY_DOMAIN", `${platform.url}/api`],
      ]),
    );
    const flags = { relays: [], allow: [], deny: [], insecureHttp: false };
    await (await start({ flags })).credentials.load();
    expect(platform.tokens.size).toBe(0);
  });

  test("a conf of Infisical's is told once how to allow loopback targets, ours never", async () => {
    await start({ token: platform.mint() });
    await start();
    expect(record.text()).not.toContain("--allow localhost");
    const theirs = new Map(
      [...((await readConf(conf)) ?? [])].filter(([key]) => !key.startsWith("SALLYPORT")),
    );
    const other = conf.replace("edge", "theirs");
    await writeConf(other, theirs);
    await (await start({ gatewayName: "theirs" })).credentials.load();
    expect(record.text()).toContain("--allow localhost");
    record.lines.length = 0;
    await Bun.sleep(50);
    await (await start({ gatewayName: "theirs" })).credentials.load();
    expect(record.text()).not.toContain("--allow localhost");
  });

  test("the environment's access token beats the conf's", async () => {
    await enrolFromRequest(request({ token: platform.mint() }));
    platform.accessToken = "from-environment";
    const options = await start(withEnv({ INFISICAL_GATEWAY_ACCESS_TOKEN: "from-environment" }));
    expect((await options.credentials.load()).gatewayName).toBe("edge");
  });

  test("allow, deny and relays of the enrolment are used", async () => {
    const flags = {
      domain: platform.url,
      relays: ["r1"],
      allow: ["127.0.0.1:5432", "10.0.0.0/8"],
      deny: ["10.0.0.9"],
      insecureHttp: false,
    };
    await enrolFromRequest(request({ token: platform.mint(), flags }));
    const { policy, credentials } = await start();
    expect(policy.decide("127.0.0.1", 5432, "127.0.0.1").allowed).toBe(true);
    expect(policy.decide("127.0.0.1", 22, "127.0.0.1").allowed).toBe(false);
    expect(policy.decide("10.0.0.9", 22, "10.0.0.9").allowed).toBe(false);
    expect(policy.decide("10.0.0.8", 22, "10.0.0.8").allowed).toBe(true);
    await credentials.load();
    expect(platform.connects.at(-1)).toMatchObject({ relayName: "r1" });
  });

  test("an AWS login in the conf without an id says what is missing", async () => {
    await writeConf(conf, new Map([["INFISICAL_GATEWAY_ENROLL_METHOD", "aws"]]));
    await expect(start()).rejects.toThrow(/needs the id of the gateway/);
  });

  test("a conf without a domain asks for one", async () => {
    await writeConf(conf, new Map([["INFISICAL_GATEWAY_ACCESS_TOKEN", "t"]]));
    const flags = { relays: [], allow: [], deny: [], insecureHttp: false };
    await expect(start({ flags })).rejects.toThrow(/--domain/);
  });
});
