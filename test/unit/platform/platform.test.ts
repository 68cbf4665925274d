import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFile, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { exportOrganisationAuthorities } from "../../../src/pki/hierarchy.ts";
import { initAuthority } from "../../../src/pki/offline/init.ts";
import { bootstrapPlatform } from "../../../src/platform/bootstrap-platform.ts";
import { openCore } from "../../../src/platform/open-core.ts";
import { type Platform, type PlatformOptions, startPlatform } from "../../../src/platform/platform.ts";
import { PlatformClient } from "../../../src/platform-client/client.ts";
import { createLogger, silentLogger } from "../../../src/telemetry/log.ts";
import { FakeProber } from "../../support/platform.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
const lines: string[] = [];
beforeEach(async () => {
  workspace = await Workspace.open("platform");
  lines.length = 0;
});
afterEach(() => workspace.close());

const place = () => ({ dataDir: workspace.join("data"), env: {} });

async function start(more: Partial<PlatformOptions> = {}): Promise<Platform> {
  const platform = await startPlatform({
    ...place(),
    listen: { hostname: "127.0.0.1", port: 0 },
    log: createLogger({ write: (line) => lines.push(line) }),
    prober: new FakeProber(),
    ...more,
  });
  workspace.defer(() => platform.close(1000));
  return platform;
}

const order = () => ({ ...place(), log: silentLogger, email: "root@example.com", organisation: "Acme" });

describe("the platform", () => {
  test("without administrator writes a set-up token to a 0600 file and logs only its path", async () => {
    const platform = await start();
    const path = join(place().dataDir, "setup-token");
    const token = (await readFile(path, "utf8")).trim();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const log = lines.join("\n");
    expect(log).toContain(path);
    expect(log).not.toContain(token);
    const answer = await fetch(`${platform.url}/api/v1/bootstrap`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token, email: "root@example.com", organisation: "Acme" }),
    });
    expect(answer.status).toBe(200);
    expect(await Bun.file(path).exists()).toBe(false);
    const made: unknown = await answer.json();
    expect(made).toMatchObject({ email: "root@example.com", organisation: "Acme" });
    expect(lines.join("\n")).not.toContain(Object(made).token);
  });

  test("keeps a password as argon2id of 64 MiB and two passes", async () => {
    await bootstrapPlatform(order());
    const core = await openCore({ ...place(), log: silentLogger, publicUrl: () => "" });
    workspace.defer(() => core.store.close());
    const [{ password_hash: hash } = { password_hash: "" }] = await core.store.read<{
      password_hash: string;
    }>`SELECT password_hash FROM users`;
    expect(hash).toStartWith("$argon2id$v=19$m=65536,t=2,p=1$");
  });

  test("is bootstrapped on its own machine while it runs; its set-up token is spent then", async () => {
    const platform = await start();
    const path = join(place().dataDir, "setup-token");
    const token = (await readFile(path, "utf8")).trim();
    const made = await bootstrapPlatform(order());
    expect(await Bun.file(path).exists()).toBe(false);
    const client = new PlatformClient({ domain: platform.url, token: () => made.token });
    expect((await client.session.who()).organisation).toEqual({ id: made.organisationId, name: "Acme" });
    const late = await fetch(`${platform.url}/api/v1/bootstrap`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token, email: "b@example.com", organisation: "B" }),
    });
    expect(late.status).toBe(400);
    await expect(bootstrapPlatform(order())).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  });

  test("restarts with what it had, and offers no set-up token any more", async () => {
    const made = await bootstrapPlatform(order());
    const first = await start();
    const client = (url: string) => new PlatformClient({ domain: url, token: () => made.token });
    await client(first.url).gateways.create({ name: "office" });
    await first.close();
    await first.close();
    const second = await start();
    expect((await client(second.url).gateways.list()).map((gateway) => gateway.name)).toEqual(["office"]);
    expect(await Bun.file(join(place().dataDir, "setup-token")).exists()).toBe(false);
  });

  test("goes on with a hierarchy that ca init made", async () => {
    const directory = workspace.join("ca");
    const { ca } = await initAuthority(
      { directory, env: {} },
      { orgName: "Offline Ltd", keyType: "ecdsa-p256" },
    );
    const made = await bootstrapPlatform({
      ...order(),
      organisation: undefined,
      ca: { directory, keyFile: undefined },
    });
    expect(made).toMatchObject({ organisation: "Offline Ltd", organisationId: ca.orgId });
    const core = await openCore({ ...place(), log: silentLogger, publicUrl: () => "" });
    workspace.defer(() => core.store.close());
    const organisation = await core.authorities.organisation(ca.orgId);
    expect(await exportOrganisationAuthorities(organisation)).toEqual(
      await exportOrganisationAuthorities(ca.organisation),
    );
    const instance = await core.authorities.instance();
    expect(instance.rootRelay.chainPem).toBe(ca.instance.rootRelay.chainPem);
  });

  test("says its address: its own on loopback, otherwise --public-url is needed", async () => {
    const platform = await start();
    expect(platform.url).toBe(`http://127.0.0.1:${platform.port}`);
    await expect(start({ listen: { hostname: "0.0.0.0", port: 0 } })).rejects.toMatchObject({
      code: "USAGE",
    });
    const docs = await (await fetch(`http://127.0.0.1:${platform.port}/api/docs/json`)).json();
    expect(docs).toMatchObject({ servers: [{ url: platform.url }] });
    const named = await start({
      dataDir: workspace.join("two"),
      publicUrl: "https://sallyport.example.com/",
    });
    expect(named.url).toBe("https://sallyport.example.com");
  });

  test("a port that is taken is named", async () => {
    const { port } = await start();
    const other = { dataDir: workspace.join("two"), listen: { hostname: "127.0.0.1", port } };
    await expect(start(other)).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  test("O4 closing lets a request that is being answered end, and takes no new one", async () => {
    const prober = new FakeProber();
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    prober.onRelay = async () => {
      enter();
      await released;
    };
    const secret = "instance relays";
    const platform = await start({ prober, relayAuthSecret: secret });
    const client = new PlatformClient({ domain: platform.url });
    await client.relayAgent.registerInstance(secret, { name: "shared", host: "127.0.0.1" });
    const slow = client.relayAgent.heartbeatInstance(secret, { name: "shared" });
    await entered;
    const closed = platform.close(5000);
    await expect(
      new PlatformClient({ domain: platform.url, timeoutMs: 2000 }).relays.list(),
    ).rejects.toMatchObject({
      code: "PLATFORM_UNREACHABLE",
    });
    release();
    await slow;
    await closed;
  });

  test("B5 a body larger than the limit is refused and cut without being read to its end", async () => {
    const platform = await start();
    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connect(platform.port, "127.0.0.1");
      socket.on("data", (chunk) => {
        text += chunk.toString();
      });
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
      socket.write(`${HEAD}Content-Length: 99999999\r\n\r\n{`);
    });
    expect(answer).toStartWith("HTTP/1.1 413");
  });
});

const HEAD = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
