import { afterAll, describe, expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { type DirectoryRequest, prepareFromDirectory } from "../../../src/gateway/prepare.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { makeOfflineCa } from "../../support/offline-ca.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { Workspace } from "../../support/workspace.ts";

const space = await Workspace.open("pki-gateway");
afterAll(() => space.close());
const ca = await makeOfflineCa(space, "main");
await ca.relay("relay-a", { host: "a.example.com" });
await ca.relay("relay-b", { host: "b.example.com" });
const { directory } = await ca.gateway("edge", { relays: { names: ["relay-a", "relay-b"], hosts: [] } });

async function prepare(relays: string[], changes: Partial<DirectoryRequest> = {}, log = silentLogger) {
  const options = await prepareFromDirectory(
    {
      directory,
      gatewayName: undefined,
      flags: { relays, allow: [], deny: [], insecureHttp: false },
      machine: { env: { XDG_RUNTIME_DIR: "/run/user/1000" }, uid: 1000, home: space.path },
      ...changes,
    },
    log,
  );
  space.own(options.credentials);
  return options;
}

describe("gateway start --pki", () => {
  test("runs with every relay of the directory, under its own name, without a platform", async () => {
    const options = await prepare([]);
    const { relays } = await options.credentials.load();
    expect(relays.map((relay) => relay.host)).toEqual(["a.example.com", "b.example.com"]);
    expect(options.runtimeDirectory).toBe("/run/user/1000/sallyport/gateway/edge");
    expect(options.heartbeat).toBeUndefined();
  });

  test("--relay pins it to that relay", async () => {
    const { relays } = await (await prepare(["relay-b"])).credentials.load();
    expect(relays.map((relay) => relay.relayName)).toEqual(["relay-b"]);
  });

  test("a relay without a certificate in the directory is refused", async () => {
    await expect(prepare(["relay-c"])).rejects.toThrow(/no certificate for the relay relay-c/);
  });

  test("keys that everybody can read are named, with the command that ends it", async () => {
    const record = recordedLog();
    await prepare([], {}, record.log);
    expect(record.text()).toBe("");
    const keys = [join(directory, "tls-key.pem"), join(directory, "ssh-key")];
    for (const key of keys) await chmod(key, 0o644);
    await prepare([], {}, record.log);
    for (const key of keys) await chmod(key, 0o600);
    expect(record.lines).toHaveLength(1);
    expect(record.text()).toContain(`chmod 600 ${keys.join(" ")}`);
  });

  test("the name may be another one", async () => {
    const { runtimeDirectory } = await prepare([], { gatewayName: "second" });
    expect(runtimeDirectory).toEndWith("/gateway/second");
  });
});
