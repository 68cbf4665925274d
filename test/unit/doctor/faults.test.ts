import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { Diagnosis } from "../../../src/client/diagnose/diagnose.ts";
import { keptCredentials } from "../../../src/gateway/diagnose/kept-credentials.ts";
import { parseSshPublicKey } from "../../../src/pki/ssh-keys.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { listenSsh } from "../../../src/tunnel/ssh/listen.ts";
import { WindowBudget } from "../../../src/tunnel/ssh/window.ts";
import { DoctorScene } from "../../support/doctor-scene.ts";
import { freePort } from "../../support/ports.ts";
import { mustRun } from "../../support/processes.ts";
import { StubProxy } from "../../support/proxy.ts";
import { GATEWAY_ID, testPki } from "../../support/test-pki.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let scene: DoctorScene;
beforeAll(async () => {
  workspace = await Workspace.open("doctor");
  scene = await DoctorScene.open(workspace);
});
afterAll(() => workspace.close());

const HOUR_MS = 3_600_000;

/** This step and code, one cause, and no other step failed. */
function expectCause(diagnosis: Diagnosis, step: string, code: string): void {
  const failed = diagnosis.steps.filter(({ verdict }) => verdict === "failed");
  expect(failed.map(({ id, code }) => `${id} ${code}`)).toEqual([`${step} ${code}`]);
  expect(diagnosis).toMatchObject({ verdict: "failed", cause: { step, code } });
  expect(diagnosis.cause?.fix).toMatch(/\w{4}/);
  for (const { verdict, because } of diagnosis.steps) {
    if (because !== null) expect(verdict).toBe("skipped");
  }
}

/** Takes connections and never says a word. */
async function silentPort(): Promise<number> {
  const server = createServer(() => undefined);
  workspace.defer(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** The scene's gateway, told that its relay listens elsewhere. */
function relayAt(sshPort: number) {
  const { credentials } = scene;
  return async () => ({ ...credentials, relays: credentials.relays.map((relay) => ({ ...relay, sshPort })) });
}

const unknownName = () =>
  Promise.reject(Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }));

/** Who is connected to the relay, and since when. */
function logins() {
  return scene.relay.sessions().map(({ gatewayId, since }) => ({ gatewayId, since }));
}

async function echoPort(): Promise<number> {
  const server = workspace.own(createServer((socket) => socket.pipe(socket)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

describe("where nothing is wrong", () => {
  test("every step on a gateway is good, and its tunnel is left alone", async () => {
    const before = logins();
    const diagnosis = await scene.onGateway({ target: { host: "127.0.0.1", port: await echoPort() } });
    expect(diagnosis.cause).toBeNull();
    expect(diagnosis.verdict).toBe("ok");
    const good = diagnosis.steps.filter(({ verdict }) => verdict === "ok").map(({ id }) => id);
    expect(good).toEqual([
      ...["state", "platform-dns", "platform-tcp", "clock", "platform-tls", "api-token", "credentials"],
      ...["relay-dns", "relay-tcp", "ssh-banner", "ssh-keys", "host-certificate", "user-certificate"],
      ...["daemon", "probe", "target"],
    ]);
    expect(logins()).toEqual(before);
  });

  test("every step from a client is good, with a sample of the throughput", async () => {
    const diagnosis = await scene.onClient({ target: { host: "127.0.0.1", port: await echoPort() } });
    expect(diagnosis.steps.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
      ...["own-certificate ok", "relay-proxy skipped", "relay-dns ok", "relay-tcp ok", "outer-tls ok"],
      ...["channel ok", "inner-tls ok"],
      ...["target ok", "throughput ok"],
    ]);
    expect(diagnosis.steps.at(-1)?.detail).toMatch(/^\d+\.\d MiB\/s up/);
    const { connections, metrics } = scene.instruments;
    await until(() => connections.list(1).length === 0);
    const counted = (await metrics.text()).match(/^sallyport_connections_total\{mode="client".*/gm);
    expect(counted).toEqual(['sallyport_connections_total{mode="client",cause="ENDED"} 2']);
  });
});

describe("on a relay", () => {
  test("every step is good where nothing is wrong, and gateways stay connected", async () => {
    const before = logins();
    const diagnosis = await scene.onRelay();
    expect(diagnosis.steps.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
      ...[
        "state ok",
        "daemon ok",
        "credentials ok",
        "clock ok",
        "relay-dns ok",
        "relay-tcp ok",
        "ssh-banner ok",
      ],
      ...["ssh-keys ok", "host-certificate ok", "tls-port ok", "public-name ok"],
    ]);
    expect(logins()).toEqual(before);
  });

  test("expired host certificate", async () => {
    const credentials = () => scene.pki.relay({ now: new Date(Date.now() - 2 * HOUR_MS), ttlSeconds: 60 });
    expectCause(await scene.onRelay({ credentials }), "credentials", "CERTIFICATE_REFUSED");
  });

  test("wrong CA: what listens there shows a certificate of another one", async () => {
    const stranger = await testPki("other-instance");
    expectCause(
      await scene.onRelay({ credentials: () => stranger.relay() }),
      "host-certificate",
      "HOST_CERTIFICATE_REFUSED",
    );
  });

  test("the platform does not reach it", async () => {
    const unreached = new SallyportError("RELAY_UNREACHABLE", "Relay relay-a is not reachable.");
    const platform = { domain: scene.platform.url, heartbeat: () => Promise.reject(unreached) };
    expectCause(await scene.onRelay({ platform }), "probe", "RELAY_UNREACHABLE");
  });

  test("it does not run", async () => {
    const runtimeDirectory = workspace.join("nowhere");
    expectCause(await scene.onRelay({ runtimeDirectory }), "daemon", "DAEMON_NOT_RUNNING");
  });
});

describe("TLS to the platform", () => {
  async function securePlatform() {
    const { tls } = await scene.pki.relay();
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert: tls.certificate, key: tls.privateKey },
      fetch: () => Response.json({ message: "ok" }),
    });
    workspace.defer(() => server.stop(true));
    return { domain: `https://127.0.0.1:${server.port}`, heartbeat: async () => undefined };
  }

  test("an authority that is not known is named", async () => {
    expectCause(await scene.onGateway({ platform: await securePlatform() }), "platform-tls", "TLS_UNTRUSTED");
  });

  test("one that --ca-file names is trusted", async () => {
    const caFile = await workspace.file("ca.pem", scene.pki.organisation.relayServer.chainPem);
    const diagnosis = await scene.onGateway({ platform: await securePlatform(), caFile });
    expect(diagnosis.cause).toBeNull();
  });

  test("a wrong clock explains a certificate that is not trusted", async () => {
    const now = () => new Date(Date.now() + HOUR_MS);
    expectCause(await scene.onGateway({ platform: await securePlatform() }, { now }), "clock", "CLOCK_WRONG");
  });
});

describe("each fault is named, and no other", () => {
  test("DNS: the platform's name is unknown", async () => {
    const platform = scene.platformLook("http://platform.test");
    expectCause(
      await scene.onGateway({ platform }, { resolve: unknownName }),
      "platform-dns",
      "PLATFORM_UNREACHABLE",
    );
  });

  test("DNS: no name at all can be looked up", async () => {
    const platform = scene.platformLook("http://platform.test");
    const relays = scene.credentials.relays.map((relay) => ({ ...relay, host: "relay.test" }));
    const credentials = async () => ({ ...scene.credentials, relays });
    const diagnosis = await scene.onGateway({ platform, credentials }, { resolve: unknownName });
    expectCause(diagnosis, "platform-dns", "PLATFORM_UNREACHABLE");
  });

  test("443 blocked: the port is closed", async () => {
    const platform = scene.platformLook(`http://127.0.0.1:${freePort()}`);
    expectCause(await scene.onGateway({ platform }), "platform-tcp", "PLATFORM_UNREACHABLE");
  });

  test("443 blocked: the port takes connections and never answers", async () => {
    const platform = scene.platformLook(`http://127.0.0.1:${await silentPort()}`);
    const diagnosis = await scene.onGateway({ platform }, { patienceMs: 2000 });
    expectCause(diagnosis, "platform-tls", "PLATFORM_UNREACHABLE");
  });

  test("2222 blocked: the port is closed", async () => {
    const diagnosis = await scene.onGateway({ credentials: relayAt(freePort()) });
    expectCause(diagnosis, "relay-tcp", "RELAY_UNREACHABLE");
    expect(diagnosis.cause?.about).toBe("relay-a");
  });

  test("2222 blocked: the port takes connections and never answers", async () => {
    const credentials = relayAt(await silentPort());
    expectCause(await scene.onGateway({ credentials }, { patienceMs: 2000 }), "ssh-banner", "TIMEOUT");
  });

  test("proxy 407", async () => {
    const login = { username: "u", password: "p" };
    const proxy = workspace.own(await StubProxy.http({ login, routes: new Map() }));
    const platform = scene.platformLook("http://platform.test");
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
    const diagnosis = await scene.onGateway({ platform }, { env });
    expectCause(diagnosis, "platform-proxy", "PROXY_REFUSED");
    expect(diagnosis.cause?.text).toContain("407");
  });

  test.each([
    ["ahead", HOUR_MS],
    ["behind", -HOUR_MS],
    ["so far ahead that all certificates look expired", 1000 * 24 * HOUR_MS],
  ])("wrong clock: %s", async (_, skewMs) => {
    const now = () => new Date(Date.now() + skewMs);
    expectCause(await scene.onGateway({}, { now }), "clock", "CLOCK_WRONG");
  });

  test("wrong clock: behind, and no platform to ask", async () => {
    const now = () => new Date(Date.now() - HOUR_MS);
    expectCause(await scene.onGateway({ platform: undefined }, { now }), "clock", "CLOCK_WRONG");
  });

  test("expired host certificate", async () => {
    const { ssh } = await scene.pki.relay({ now: new Date(Date.now() - 2 * HOUR_MS), ttlSeconds: 60 });
    const listener = await listenSsh({
      hostname: "127.0.0.1",
      port: 0,
      hostIdentities: () => [ssh.host],
      userAuthorities: () => ssh.userAuthorities.map(parseSshPublicKey),
      authorize: () => undefined,
      onSession: () => undefined,
      budget: new WindowBudget(),
      log: silentLogger,
    });
    workspace.own(listener);
    const diagnosis = await scene.onGateway({ credentials: relayAt(listener.port) });
    expectCause(diagnosis, "host-certificate", "HOST_CERTIFICATE_REFUSED");
    expect(diagnosis.cause?.text).toContain("expired");
  });

  test("wrong CA: the gateway's is another than the relay's", async () => {
    const stranger = await testPki("other-instance");
    const credentials = () => stranger.gateway({ relays: [{ sshPort: scene.relay.sshPort }] });
    expectCause(await scene.onGateway({ credentials }), "host-certificate", "HOST_CERTIFICATE_REFUSED");
  });

  test("wrong CA: the client's is another than the relay's", async () => {
    const stranger = await testPki("other-instance");
    const { relay } = await stranger.client({ relayPort: scene.relay.tlsPort });
    expectCause(await scene.onClient({}, { relay }), "outer-tls", "TLS_UNTRUSTED");
  });

  test("wrong CA: the relay does not know who issued the client's certificate", async () => {
    // A relay of its own: it pauses the address after that.
    const other = await DoctorScene.open(workspace, { gateway: false });
    const stranger = await testPki("other-instance");
    const { relay } = await stranger.client();
    const { serverAuthorities } = (await other.pki.client()).relay;
    const diagnosis = await other.onClient({}, { relay: { ...relay, serverAuthorities } });
    expectCause(diagnosis, "channel", "CERTIFICATE_REFUSED");
  });

  test("revoked: the platform does not take the token any more", async () => {
    const before = scene.platform.accessToken;
    scene.platform.accessToken = "another";
    const diagnosis = await scene.onGateway();
    scene.platform.accessToken = before;
    expectCause(diagnosis, "api-token", "UNAUTHENTICATED");
  });

  test("revoked: the gateway's own list names it", async () => {
    const revocations = { serials: new Set<string>(), gatewayIds: new Set([GATEWAY_ID]) };
    const credentials = async () => ({ ...scene.credentials, revocations });
    expectCause(
      await scene.onGateway({ platform: undefined, credentials }),
      "credentials",
      "GATEWAY_REVOKED",
    );
  });

  test("revoked: the relay says so to a client", async () => {
    const revocations = { serials: new Set<string>(), gatewayIds: new Set([GATEWAY_ID]) };
    const strict = await DoctorScene.open(workspace, { revocations, gateway: false });
    expectCause(await strict.onClient(), "channel", "GATEWAY_REVOKED");
  });

  test("no relay: the platform has none for the gateway", async () => {
    const none = new SallyportError("NOT_FOUND", "This gateway has no relay.");
    const platform = { gatewayConnect: () => Promise.reject(none) };
    const cache = { read: async () => undefined };
    const look = { cache, platform, gatewayName: "gateway-a", relays: [] };
    const diagnosis = await scene.onGateway({ credentials: (signal) => keptCredentials(look, signal) });
    expectCause(diagnosis, "credentials", "NOT_FOUND");
  });

  test("no relay: nothing listens where a client expects it", async () => {
    expectCause(await scene.onClient({ relayPort: freePort() }), "relay-tcp", "RELAY_UNREACHABLE");
  });

  test("no gateway at the relay", async () => {
    const empty = await DoctorScene.open(workspace, { gateway: false });
    expectCause(await empty.onClient(), "channel", "GATEWAY_NOT_CONNECTED");
    expectCause(await empty.onGateway(), "daemon", "DAEMON_NOT_RUNNING");
  });

  test("target refused", async () => {
    const target = { host: "127.0.0.1", port: freePort() };
    expectCause(await scene.onClient({ target }), "target", "TARGET_REFUSED");
    expectCause(await scene.onGateway({ target }), "target", "TARGET_REFUSED");
  });

  test("target denied", async () => {
    const target = { host: "169.254.169.254", port: 80 };
    expectCause(await scene.onClient({ target }), "target", "TARGET_DENIED");
    expectCause(await scene.onGateway({ target }), "target", "TARGET_DENIED");
  });

  test("disk full", async () => {
    const directory = await workspace.directory("full");
    await mustRun(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", directory]);
    workspace.defer(() => mustRun(["umount", directory]));
    await writeFile(`${directory}/ballast`, Buffer.alloc(48 * 1024));
    expectCause(await scene.onGateway({ stateDirectory: directory }), "state", "DISK_FULL");
  });
});
