import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { type Enrolment, enrolGateway, isSpentHere } from "../../../src/gateway/enrolment.ts";
import { readConf } from "../../../src/host/conf-file.ts";
import { PlatformClient } from "../../../src/platform-client/client.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { GATEWAY_ID, testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let platform: StubPlatform;
let path: string;

beforeEach(async () => {
  space = await Workspace.open("enrolment");
  platform = space.own(new StubPlatform(await testPki()));
  path = space.join("gateways/edge.conf");
});
afterEach(() => space.close());

async function enrol(token: string, changes: Partial<Enrolment["settings"]> = {}) {
  return enrolGateway({
    gatewayName: "edge",
    confPath: path,
    conf: (await readConf(path)) ?? new Map(),
    token,
    settings: {
      domain: platform.url,
      relays: [],
      allow: [],
      deny: [],
      caFile: undefined,
      insecureHttp: false,
      ...changes,
    },
    platform: new PlatformClient({ domain: platform.url }),
  });
}

describe("enrolment", () => {
  test("a token is redeemed and what it gave is kept in Infisical's keys, 0600", async () => {
    const token = platform.mint();
    const { outcome } = await enrol(token, {
      relays: ["r1", "r2"],
      allow: ["10.0.0.0/8"],
      deny: ["10.1.1.1"],
    });
    expect(outcome).toBe("enrolled");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(Object.fromEntries((await readConf(path)) ?? [])).toEqual({
      INFISICAL_GATEWAY_NAME: "edge",
      INFISICAL_GATEWAY_ID: GATEWAY_ID,
      INFISICAL_GATEWAY_DOMAIN: platform.url,
      INFISICAL_GATEWAY_ENROLL_METHOD: "token",
      INFISICAL_GATEWAY_ENROLLMENT_TOKEN: token,
      INFISICAL_GATEWAY_ACCESS_TOKEN: platform.accessToken ?? "",
      INFISICAL_RELAY_NAME: "r1",
      SALLYPORT_RELAY_NAME: "r1,r2",
      SALLYPORT_ALLOW: "10.0.0.0/8",
      SALLYPORT_DENY: "10.1.1.1",
    });
    expect(platform.paths).toEqual(["/api/v3/gateways/login"]);
  });

  test("the same token again changes nothing and asks nobody", async () => {
    const token = platform.mint();
    await enrol(token);
    const before = await readFile(path, "utf8");
    platform.paths.length = 0;
    const again = await enrol(token);
    expect(again.outcome).toBe("unchanged");
    expect(again.accessToken).toBe(platform.accessToken ?? "");
    expect(platform.paths).toEqual([]);
    expect(await readFile(path, "utf8")).toBe(before);
    expect(isSpentHere(token, (await readConf(path)) ?? new Map())).toBe(true);
  });

  test("another token rotates the credentials; comments and unknown keys stay", async () => {
    await enrol(platform.mint());
    await writeFile(path, `# by hand\nOTHER=1\n${await readFile(path, "utf8")}`);
    const first = platform.accessToken;
    const { outcome } = await enrol(platform.mint());
    expect(outcome).toBe("rotated");
    const text = await readFile(path, "utf8");
    expect(text).toStartWith("# by hand\nOTHER=1\n");
    expect(text).toContain(`INFISICAL_GATEWAY_ACCESS_TOKEN=${platform.accessToken}`);
    expect(text).not.toContain(first ?? "?");
  });

  test("a token of another gateway than before is said", async () => {
    await mkdir(space.join("gateways"));
    await writeFile(path, "INFISICAL_GATEWAY_ID=other\nINFISICAL_GATEWAY_ACCESS_TOKEN=old\n");
    expect((await enrol(platform.mint())).previousGatewayId).toBe("other");
  });

  test("a conf that can't be written is found out before the token is spent", async () => {
    const token = platform.mint();
    await writeFile(space.join("gateways"), "a file where the directory should be");
    await expect(enrol(token)).rejects.toMatchObject({ code: "FILE_UNWRITABLE" });
    expect(platform.tokens.has(token)).toBe(true);
    expect(platform.paths).toEqual([]);
  });

  test("B6 a spent token is refused with the command for a new one, without showing it", async () => {
    const token = platform.mint();
    platform.tokens.clear();
    const refused = enrol(token);
    await expect(refused).rejects.toMatchObject({ code: "ENROLLMENT_TOKEN_INVALID", exitCode: 3 });
    await expect(refused).rejects.toThrow(/sallyport gateway deploy-command edge/);
    await expect(refused).rejects.not.toThrow(token);
    expect(await readdir(space.join("gateways"))).toEqual([]);
  });

  test("F16 when the conf can't be written after redeeming, the message names deploy-command", async () => {
    platform.onLogin = async () => {
      await mkdir(path, { recursive: true });
    };
    const failed = enrol(platform.mint());
    await expect(failed).rejects.toMatchObject({ code: "FILE_UNWRITABLE" });
    await expect(failed).rejects.toThrow(/The token is redeemed.*deploy-command edge/);
    await expect(failed).rejects.not.toThrow(platform.accessToken ?? "?");
  });
});
