import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { GatewayRequest } from "../../../src/gateway/request.ts";
import { keepServiceConf, previewServiceConf } from "../../../src/gateway/service-conf.ts";
import { readConf, writeConf } from "../../../src/host/conf-file.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let platform: StubPlatform;
let env: Record<string, string>;
let conf: string;

beforeEach(async () => {
  space = await Workspace.open("service-conf");
  platform = space.own(new StubPlatform(await testPki()));
  env = { SALLYPORT_CONF_DIR: space.join("conf") };
  conf = space.join("conf/gateways/edge.conf");
});
afterEach(() => space.close());

function request(changes: Partial<GatewayRequest["flags"]> = {}, token?: string): GatewayRequest {
  const flags = { domain: platform.url, relays: [], allow: [], deny: [], insecureHttp: false, ...changes };
  return { gatewayName: "edge", flags, token, machine: { env, uid: 0, home: space.path } };
}

describe("the conf of a gateway that is installed as a service", () => {
  test("B6 a token is redeemed once; again with it, or without one, nothing changes", async () => {
    const token = platform.mint();
    expect((await keepServiceConf(request({}, token))).changed).toBe(true);
    const before = (await stat(conf)).mtimeMs;
    expect((await keepServiceConf(request({}, token))).changed).toBe(false);
    expect((await keepServiceConf(request())).changed).toBe(false);
    expect((await stat(conf)).mtimeMs).toBe(before);
    expect(platform.paths).toEqual(["/api/v3/gateways/login"]);
    expect((await readConf(conf))?.get("INFISICAL_GATEWAY_ACCESS_TOKEN")).toBe(platform.accessToken ?? "?");
  });

  test("flags without a token are kept, and are a change", async () => {
    await keepServiceConf(request({}, platform.mint()));
    const { changed, values } = await keepServiceConf(
      request({ allow: ["localhost:5432"], relays: ["r1", "r2"] }),
    );
    expect(changed).toBe(true);
    expect(values.get("SALLYPORT_ALLOW")).toBe("localhost:5432");
    expect(await readConf(conf)).toEqual(new Map(values));
    expect(values.get("SALLYPORT_RELAY_NAME")).toBe("r1,r2");
  });

  test("an older single file of Infisical's is copied to the gateway's own place and stays", async () => {
    const single = space.join("conf/gateway.conf");
    const old = new Map([
      ["INFISICAL_GATEWAY_NAME", "edge"],
      ["INFISICAL_GATEWAY_ACCESS_TOKEN", "old-access"],
      ["INFISICAL_GATEWAY_DOMAIN", platform.url],
    ]);
    await writeConf(single, old);
    const { changed } = await keepServiceConf(request());
    expect(changed).toBe(true);
    expect((await readConf(conf))?.get("INFISICAL_GATEWAY_ACCESS_TOKEN")).toBe("old-access");
    expect(await readConf(single)).toEqual(old);
    expect(platform.paths).toEqual([]);
  });

  test("a token that Infisical's install left in the conf is redeemed", async () => {
    await writeConf(conf, new Map([["INFISICAL_GATEWAY_ENROLLMENT_TOKEN", platform.mint()]]));
    await keepServiceConf(request());
    expect((await readConf(conf))?.get("INFISICAL_GATEWAY_ACCESS_TOKEN")).toBe(platform.accessToken ?? "?");
  });

  test("an access token of the environment goes into the conf: a service does not see this environment", async () => {
    env.SALLYPORT_GATEWAY_ACCESS_TOKEN = "from-environment";
    await keepServiceConf(request());
    expect((await readConf(conf))?.get("INFISICAL_GATEWAY_ACCESS_TOKEN")).toBe("from-environment");
  });

  test("with neither conf nor token nothing is written", async () => {
    await expect(keepServiceConf(request())).rejects.toThrow(/is not enrolled here/);
    expect(existsSync(conf)).toBe(false);
  });

  test("the preview asks nobody and writes nothing", async () => {
    await writeConf(conf, new Map([["SALLYPORT_ALLOW", "a"]]));
    const before = await readFile(conf, "utf8");
    const { path, values } = await previewServiceConf(
      request({ allow: ["b"], caFile: "/etc/ca.pem" }, "gwe_x"),
    );
    expect(path).toBe(conf);
    expect(values.get("SALLYPORT_ALLOW")).toBe("a,b");
    expect(values.get("SALLYPORT_CA_FILE")).toBe("/etc/ca.pem");
    expect(await readFile(conf, "utf8")).toBe(before);
    expect(platform.paths).toEqual([]);
  });
});
