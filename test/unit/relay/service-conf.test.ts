import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readConf, writeConf } from "../../../src/host/conf-file.ts";
import { keepServiceConf, previewServiceConf } from "../../../src/relay/service-conf.ts";
import type { RelayFlags } from "../../../src/relay/settings.ts";
import { Workspace } from "../../support/workspace.ts";

let space: Workspace;
let env: Record<string, string>;
let domain: string;
let logins: number;
let conf: string;

beforeEach(async () => {
  space = await Workspace.open("relay-service-conf");
  env = { HOME: space.path, SALLYPORT_CONF_DIR: space.join("conf") };
  conf = space.join("conf/relays/edge.conf");
  logins = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      logins++;
      return Response.json({ accessToken: "access-1", relayId: "relay-id", tokenType: "Bearer" });
    },
  });
  space.defer(() => server.stop(true));
  domain = `http://127.0.0.1:${server.port}`;
});
afterEach(() => space.close());

const machine = () => ({ env, uid: 0, home: space.path });

function keep(flags: Partial<RelayFlags> = {}, token?: string) {
  const all = { domain, exempt: [], insecureHttp: false, ...flags };
  return keepServiceConf({ name: "edge", flags: all, token, machine: machine() });
}

const stored = async () => Object.fromEntries((await readConf(conf)) ?? []);

describe("the conf of a relay that is installed as a service", () => {
  test("B6 a token is redeemed once; again nothing changes; other ports do", async () => {
    expect((await keep({}, "gwe_a")).changed).toBe(true);
    expect((await keep({}, "gwe_a")).changed).toBe(false);
    expect((await keep()).changed).toBe(false);
    expect(logins).toBe(1);
    expect((await keep({ tlsPort: "443" })).changed).toBe(true);
    expect(await stored()).toMatchObject({
      INFISICAL_RELAY_ACCESS_TOKEN: "access-1",
      INFISICAL_RELAY_ID: "relay-id",
      SALLYPORT_RELAY_TLS_PORT: "443",
    });
  });

  test("an instance relay keeps its secret in the conf, where only root and the service read it", async () => {
    env.SALLYPORT_RELAY_AUTH_SECRET = "shared";
    await keep({ type: "instance", host: "relay.example" });
    expect(await stored()).toMatchObject({
      INFISICAL_RELAY_TYPE: "instance",
      INFISICAL_RELAY_HOST: "relay.example",
      INFISICAL_RELAY_AUTH_SECRET: "shared",
      INFISICAL_RELAY_DOMAIN: domain,
    });
    delete env.SALLYPORT_RELAY_AUTH_SECRET;
    expect((await keep()).changed).toBe(false);
    env.INFISICAL_RELAY_AUTH_SECRET = "another";
    expect((await keep()).changed).toBe(true);
    expect((await stored()).INFISICAL_RELAY_AUTH_SECRET).toBe("another");
    expect(logins).toBe(0);
  });

  test("an instance relay without host or secret writes nothing", async () => {
    await expect(keep({ type: "instance" })).rejects.toThrow(/--host/);
    await expect(keep({ type: "instance", host: "h" })).rejects.toThrow(/RELAY_AUTH_SECRET/);
    expect(existsSync(conf)).toBe(false);
  });

  test("the conf of Infisical's service is copied and stays", async () => {
    const old = new Map([
      ["INFISICAL_RELAY_NAME", "edge"],
      ["INFISICAL_RELAY_ACCESS_TOKEN", "old-access"],
    ]);
    const place = space.join("conf/relays/edge.env.conf");
    await writeConf(place, old);
    expect((await keep()).changed).toBe(true);
    expect((await stored()).INFISICAL_RELAY_ACCESS_TOKEN).toBe("old-access");
    expect(await readConf(place)).toEqual(old);
    expect(logins).toBe(0);
  });

  test("the preview asks nobody and writes nothing", async () => {
    const flags = { exempt: [], insecureHttp: false, sshPort: "22" };
    const { path, values } = await previewServiceConf({ name: "edge", flags, machine: machine() });
    expect(path).toBe(conf);
    expect(values.get("SALLYPORT_RELAY_SSH_PORT")).toBe("22");
    expect(existsSync(space.join("conf"))).toBe(false);
    expect(logins).toBe(0);
  });
});
