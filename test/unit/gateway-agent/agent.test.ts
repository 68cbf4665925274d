import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { enrolFromRequest } from "../../../src/gateway/access.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../../../src/gateway/agent.ts";
import { DEFAULT_GATEWAY_LIMITS } from "../../../src/gateway/limits.ts";
import { prepareGateway } from "../../../src/gateway/prepare.ts";
import type { GatewayRequest } from "../../../src/gateway/request.ts";
import { parsePolicy } from "../../../src/gateway/target-policy.ts";
import type { Clock } from "../../../src/host/clock.ts";
import type { GatewayCredentials } from "../../../src/pki/credentials.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { ALPN } from "../../../src/tunnel/alpn.ts";
import { ChannelRefused } from "../../../src/tunnel/ssh/connection.ts";
import type { ByteStream } from "../../../src/tunnel/stream.ts";
import { dialInnerTls } from "../../../src/tunnel/tls/inner-client.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { StandInRelay } from "../../support/stand-in-relay.ts";
import { StubPlatform } from "../../support/stub-platform.ts";
import { fixedSource, GATEWAY_ID, type TestPki, testPki } from "../../support/test-pki.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

const NOTHING = Buffer.alloc(0);

let space: Workspace;
let pki: TestPki;

beforeEach(async () => {
  space = await Workspace.open("agent");
  pki = await testPki();
});
afterEach(() => space.close());

/** A clock that runs faster than the wall's. */
function fastClock(factor: number): Clock {
  const start = Date.now();
  return {
    now: () => start + (Date.now() - start) * factor,
    sleep: async (milliseconds, signal) => {
      const end = Date.now() + milliseconds / factor;
      while (Date.now() < end && !signal?.aborted) await Bun.sleep(Math.min(5, end - Date.now()));
    },
  };
}

async function standIn(name: string): Promise<StandInRelay> {
  return space.own(await StandInRelay.open(pki, name));
}

async function credentialsFor(...relays: [string, StandInRelay][]): Promise<GatewayCredentials> {
  return pki.gateway({ relays: relays.map(([name, { port }]) => ({ name, sshPort: port })) });
}

async function run(options: Partial<GatewayOptions> & Pick<GatewayOptions, "credentials">): Promise<Gateway> {
  return space.own(
    await startGateway({
      policy: parsePolicy({ allow: [], deny: [] }),
      log: silentLogger,
      clock: fastClock(5),
      ...options,
    }),
  );
}

/** Goes through the channel as a client would, in ping mode: what the gateway says and which certificate it shows. */
async function ping(channel: ByteStream): Promise<{ text: string; serial: string }> {
  const { gateway } = await pki.client();
  const { stream, peer } = await dialInnerTls(channel, {
    identity: gateway,
    alpns: [ALPN.ping],
    gatewayId: GATEWAY_ID,
    requireUri: true,
    timeoutMs: 5000,
  });
  return new Promise((resolve) => {
    let text = "";
    stream.attach({
      data(chunk) {
        text += chunk.toString();
        stream.consumed(chunk.length);
      },
      end: () => stream.end(),
      written() {},
      closed: () => resolve({ text, serial: peer.serial }),
    });
  });
}

describe("gateway agent", () => {
  test("its limits hold for the tunnel, too: else a relay's larger ones would change nothing", async () => {
    const relay = await standIn("a");
    await run({
      credentials: fixedSource(await credentialsFor(["a", relay])),
      limits: { ...DEFAULT_GATEWAY_LIMITS, channels: 2 },
    });
    const session = await relay.session(1);
    await session.openChannel("direct-tcpip", NOTHING);
    await session.openChannel("direct-tcpip", NOTHING);
    await expect(session.openChannel("direct-tcpip", NOTHING)).rejects.toThrow(
      "it already carries 2 channels",
    );
  });

  test("a tunnel to each relay of the credentials, and channels through each end in the gateway", async () => {
    const a = await standIn("a");
    const b = await standIn("b");
    const ups: string[] = [];
    const gateway = await run({
      credentials: fixedSource(await credentialsFor(["a", a], ["b", b])),
      onTunnel: (relay) => ups.push(relay),
    });
    for (const relay of [a, b]) {
      const session = await relay.session(1);
      expect(session.username).toBe(GATEWAY_ID);
      expect((await ping(await session.openChannel("direct-tcpip", NOTHING))).text).toBe("PONG\n");
    }
    await until(() => ups.length === 2);
    expect(gateway.tunnels()).toEqual([
      { relay: "a", state: "up" },
      { relay: "b", state: "up" },
    ]);
  });

  test("a direct-tcpip channel with a payload is taken too, any other channel is not", async () => {
    const relay = await standIn("a");
    await run({ credentials: fixedSource(await credentialsFor(["a", relay])) });
    const session = await relay.session(1);
    const answer = await ping(await session.openChannel("direct-tcpip", Buffer.from("anything")));
    expect(answer.text).toBe("PONG\n");
    const refused = session.openChannel("session", NOTHING);
    await expect(refused).rejects.toBeInstanceOf(ChannelRefused);
    await expect(refused).rejects.toMatchObject({ reason: 3 });
  });

  test("a lost tunnel comes back by itself", async () => {
    const relay = await standIn("a");
    const gateway = await run({ credentials: fixedSource(await credentialsFor(["a", relay])) });
    (await relay.session(1)).disconnect(11, "restarting");
    const second = await relay.session(2);
    expect((await ping(await second.openChannel("direct-tcpip", NOTHING))).text).toBe("PONG\n");
    await until(() => gateway.tunnels()[0]?.state === "up");
  });

  test("F3 a gateway that was replaced leaves that relay alone and says so", async () => {
    const relay = await standIn("a");
    const record = recordedLog();
    const gateway = await run({
      credentials: fixedSource(await credentialsFor(["a", relay])),
      log: record.log,
      clock: fastClock(1),
    });
    await until(() => gateway.tunnels()[0]?.state === "up");
    (await relay.session(1)).disconnect(11, "replaced");
    await until(() => record.text().includes("GATEWAY_DUPLICATE"));
    expect(record.text()).toContain("retryInSeconds=60");
    expect(relay.sessions).toHaveLength(1);
  });

  test("new credentials move the gateway to another relay", async () => {
    const a = await standIn("a");
    const b = await standIn("b");
    const source = fixedSource(await credentialsFor(["a", a]));
    const gateway = await run({ credentials: source });
    const first = await a.session(1);
    const over = new Promise((resolve) => first.onClosed(resolve));
    source.replace(await credentialsFor(["b", b]));
    await b.session(1);
    await over;
    expect(gateway.tunnels().map((tunnel) => tunnel.relay)).toEqual(["b"]);
  });

  test("F8 a relay that is about to stop makes the gateway look for another one, before anything is lost", async () => {
    const a = await standIn("a");
    const b = await standIn("b");
    const source = fixedSource(await credentialsFor(["a", a]));
    const moved = await credentialsFor(["b", b]);
    const asked: [string | undefined, number][] = [];
    const gateway = await run({
      credentials: source,
      lookElsewhere(relay, failures) {
        asked.push([relay.relayName, failures]);
        source.replace(moved);
      },
    });
    await until(() => gateway.tunnels()[0]?.state === "up");
    const first = await a.session(1);
    let over = false;
    first.onClosed(() => {
      over = true;
    });
    first.notify("drain@sallyport");
    const second = await b.session(1);
    expect(asked).toEqual([["a", Number.POSITIVE_INFINITY]]);
    expect(over).toBe(false);
    expect((await ping(await first.openChannel("direct-tcpip", NOTHING))).text).toBe("PONG\n");
    expect((await ping(await second.openChannel("direct-tcpip", NOTHING))).text).toBe("PONG\n");
    await until(() => over);
  });

  test("F8 a relay that is left goes on serving until the tunnel to the new one is up", async () => {
    const a = await standIn("a");
    const b = await standIn("b");
    const source = fixedSource(await credentialsFor(["a", a]));
    const gateway = await run({ credentials: source });
    await until(() => gateway.tunnels()[0]?.state === "up");
    const first = await a.session(1);
    const moved = await credentialsFor(["b", b]);
    const nowhere = moved.relays.map((relay) => ({ ...relay, sshPort: 1 }));
    source.replace({ ...moved, relays: nowhere });
    await until(() => gateway.tunnels()[0]?.relay === "b" && gateway.tunnels()[0]?.state === "waiting");
    expect((await ping(await first.openChannel("direct-tcpip", NOTHING))).text).toBe("PONG\n");
    const over = new Promise((resolve) => first.onClosed(resolve));
    source.replace(moved);
    await b.session(1);
    await over;
    expect(gateway.tunnels().map((tunnel) => tunnel.relay)).toEqual(["b"]);
  });

  test("new certificates serve new connections over the tunnel that is up", async () => {
    const relay = await standIn("a");
    const source = fixedSource(await credentialsFor(["a", relay]));
    await run({ credentials: source });
    const session = await relay.session(1);
    const serialNow = async () => (await ping(await session.openChannel("direct-tcpip", NOTHING))).serial;
    const before = await serialNow();
    source.replace(await credentialsFor(["a", relay]));
    let after = before;
    for (let i = 0; i < 2000 && after === before; i++) after = await serialNow();
    expect(after).not.toBe(before);
    expect(relay.sessions).toHaveLength(1);
  });

  test("drain refuses new channels and ends the tunnel; close may follow, twice", async () => {
    const relay = await standIn("a");
    const gateway = await run({ credentials: fixedSource(await credentialsFor(["a", relay])) });
    const session = await relay.session(1);
    const over = new Promise((resolve) => session.onClosed(resolve));
    await gateway.drain(1000);
    await over;
    gateway.close();
    gateway.close();
  });

  test("with a platform: log lines in order and heartbeats", async () => {
    const relay = await standIn("a");
    const platform = space.own(new StubPlatform(pki));
    platform.relays = [{ name: "a", host: "127.0.0.1", sshPort: relay.port }];
    const record = recordedLog();
    const request: GatewayRequest = {
      gatewayName: "edge",
      flags: { domain: platform.url, relays: [], allow: [], deny: [], insecureHttp: false },
      machine: { env: {}, uid: 1000, home: space.path },
    };
    await enrolFromRequest({ ...request, token: platform.mint() });
    const options = await prepareGateway(request, record.log);
    const gateway = await run({ ...options, clock: fastClock(50) });
    await until(() => record.text().includes("Gateway is reachable by Infisical"));
    const order = [
      "Successfully registered gateway and received certificates",
      "Relay connection established for gateway",
      "Gateway started successfully",
      "Gateway is reachable by Infisical",
    ].map((words) => record.lines.findIndex((line) => line.includes(words)));
    expect(order).toEqual([...order].sort((x, y) => x - y));
    expect(order[0]).toBeGreaterThanOrEqual(0);
    expect(platform.heartbeats).toBeGreaterThanOrEqual(1);
    expect(record.text()).not.toContain(platform.accessToken ?? "?");
    expect(gateway.tunnels()).toEqual([{ relay: "a", state: "up" }]);
  });

  test("B2 a relay with a host certificate of another CA is refused, and tried again", async () => {
    const relay = await standIn("a");
    const foreign = await testPki("other-organisation");
    const credentials = await credentialsFor(["a", relay]);
    const hostAuthorities = [foreign.organisation.sshServer.publicLine];
    const gateway = await run({
      credentials: fixedSource({
        ...credentials,
        relays: credentials.relays.map((each) => ({ ...each, hostAuthorities })),
      }),
    });
    await until(() => gateway.tunnels()[0]?.reason !== undefined);
    expect(gateway.tunnels()[0]?.reason).toContain("HOST_CERTIFICATE_REFUSED");
    expect(relay.sessions).toHaveLength(0);
  });
});
