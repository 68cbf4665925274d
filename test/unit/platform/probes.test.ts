import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { SallyportError } from "../../../src/telemetry/error.ts";
import {
  DATABASES,
  DatabaseHost,
  PUBLIC_HOST,
  RELAY_SECRET,
  type Tenant,
  TestPlatform,
} from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

/** Resolves for everybody when told. */
function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe.each(DATABASES)("heartbeats on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let relay: { id: string; token: string };
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    relay = await platform.relay(acme, "eu-1");
  });
  afterEach(() => platform.close());

  async function connected(name: string, relays = ["eu-1"]): Promise<{ id: string; token: string }> {
    const gateway = await platform.gateway(acme, name);
    const body = { relayNames: relays };
    await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
    return gateway;
  }

  const beat = (gateway: { token: string }, body: object = {}) =>
    platform.call("POST", "/v2/gateways/heartbeat", { token: gateway.token, body });
  const read = async (gateway: { id: string }) =>
    (await platform.call("GET", `/v3/gateways/${gateway.id}`, { token: acme.token })).body;

  test("a burst of heartbeats is taken in: whose turn is far off is looked for by the schedule", async () => {
    const gateways = await Promise.all(Array.from({ length: 45 }, (_, i) => connected(`site-${i}`)));
    const { opened, open } = gate();
    platform.prober.onGateway = async () => {
      await opened;
      return { heartbeatTtlSeconds: 180 };
    };
    const answered: number[] = [];
    const beats = gateways.map(async (gateway) => answered.push((await beat(gateway)).status));
    while (answered.length < 5) await Bun.sleep(1);
    expect(answered).toEqual([200, 200, 200, 200, 200]);
    // Their calls are known, and they are not looked at yet.
    const reports = await platform.core.store.read`SELECT subject_id FROM agent_reports`;
    expect(reports.length).toBeGreaterThanOrEqual(5);
    while (platform.prober.gateways.length < 20) await Bun.sleep(1);
    expect(platform.prober.gateways).toHaveLength(20);
    open();
    await Promise.all(beats);
    expect(new Set(answered)).toEqual(new Set([200]));
    while (!platform.probes.isIdle) await Bun.sleep(1);
    expect(platform.prober.gateways).toHaveLength(40);
    await platform.watch.round();
    while (!platform.probes.isIdle) await Bun.sleep(1);
    expect(new Set(platform.prober.gateways.map(({ gatewayId }) => gatewayId)).size).toBe(45);
  });

  test("200 means that the platform reached the gateway, and is stored", async () => {
    const gateway = await connected("office");
    const answer = await beat(gateway, { capabilities: { pkcs11: true } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Successfully triggered heartbeat" });
    expect(await read(gateway)).toMatchObject({ heartbeat: platform.time.toISOString(), heartbeatTTL: 180 });
    const [credentials] = platform.prober.gateways;
    expect(credentials).toMatchObject({
      gatewayId: gateway.id,
      relayHost: PUBLIC_HOST,
      relayAddress: PUBLIC_HOST,
      relayPort: 8443,
      target: { host: "health-check", port: 443 },
      requireGatewayUri: true,
    });
    const rows = await platform.core.store.read<{ capabilities: string }>`SELECT capabilities FROM gateways`;
    expect(rows[0]?.capabilities).toBe('{"pkcs11":true}');
  });

  test("a gateway that promises no interval gets 1800 s", async () => {
    const gateway = await connected("office");
    platform.prober.onGateway = async () => ({ heartbeatTtlSeconds: null });
    await beat(gateway);
    expect((await read(gateway)).heartbeatTTL).toBe(1800);
  });

  test("an unreachable gateway is refused with the reason, and its interval becomes 0", async () => {
    const gateway = await connected("office");
    await beat(gateway);
    const before = (await read(gateway)).heartbeat;
    platform.pass(5000);
    platform.prober.onGateway = async () => {
      throw new SallyportError("GATEWAY_NOT_CONNECTED", "No tunnel of this gateway is up.");
    };
    const refused = await beat(gateway);
    expect(refused.status).toBe(400);
    expect(refused.body.code).toBe("GATEWAY_NOT_CONNECTED");
    expect(refused.body.message).toContain("eu-1");
    expect(await read(gateway)).toMatchObject({ heartbeat: before, heartbeatTTL: 0 });
  });

  test("one relay of two is enough", async () => {
    await platform.relay(acme, "eu-2", "203.0.113.8");
    const gateway = await connected("office", ["eu-1", "eu-2"]);
    platform.prober.onGateway = async ({ relayHost }) => {
      if (relayHost === PUBLIC_HOST) throw new SallyportError("RELAY_UNREACHABLE", "Nobody there.");
      return { heartbeatTtlSeconds: 180 };
    };
    expect((await beat(gateway)).status).toBe(200);
    expect(platform.prober.gateways).toHaveLength(2);
  });

  test("a gateway without a relay is refused", async () => {
    expect((await beat(await platform.gateway(acme, "office"))).status).toBe(400);
  });

  test("people trigger a health check of their own gateways only", async () => {
    const gateway = await connected("office");
    const other = await platform.tenant("other");
    const path = `/v2/gateways/${gateway.id}/heartbeat`;
    expect((await platform.call("POST", path, { token: other.token })).status).toBe(404);
    expect((await platform.call("POST", path, { token: acme.token })).status).toBe(200);
  });

  test("callers for one gateway share one probe", async () => {
    const gateway = await connected("office");
    const { opened, open } = gate();
    platform.prober.onGateway = async () => {
      await opened;
      return { heartbeatTtlSeconds: 180 };
    };
    const calls = Array.from({ length: 20 }, () => beat(gateway));
    while (platform.prober.gateways.length === 0) await Bun.sleep(1);
    open();
    const statuses = (await Promise.all(calls)).map((answer) => answer.status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    // The writing of capabilities staggers the callers, so the last may start a second one.
    expect(platform.prober.gateways.length).toBeLessThanOrEqual(2);
  });

  test("at most 20 probes run at once", async () => {
    const gateways = await Promise.all(Array.from({ length: 25 }, (_, i) => connected(`g-${i}`)));
    const { opened, open } = gate();
    let running = 0;
    let most = 0;
    platform.prober.onGateway = async () => {
      running++;
      most = Math.max(most, running);
      await opened;
      running--;
      return { heartbeatTtlSeconds: 180 };
    };
    const calls = gateways.map((gateway) => beat(gateway));
    while (running < 20) await Bun.sleep(1);
    await Bun.sleep(50);
    expect(running).toBe(20);
    open();
    const statuses = (await Promise.all(calls)).map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(25);
    expect(most).toBe(20);
  });

  test("a relay's heartbeat probes its TLS port as nobody in particular", async () => {
    await platform.call("POST", "/v2/relays/connect", { token: relay.token, body: { tlsPort: 9443 } });
    const answer = await platform.call("POST", "/v2/relays/heartbeat", { token: relay.token });
    expect(answer.status).toBe(200);
    expect(platform.prober.relays[0]).toMatchObject({
      gatewayId: "00000000-0000-0000-0000-000000000000",
      relayHost: PUBLIC_HOST,
      relayPort: 9443,
    });
    const [row] = (await platform.call("GET", "/v1/relays", { token: acme.token })).body;
    expect(row.heartbeat).toBe(platform.time.toISOString());
  });

  test("an unreachable relay is told why in Infisical's words", async () => {
    platform.prober.onRelay = async () => {
      throw new SallyportError("RELAY_UNREACHABLE", "Connection refused.");
    };
    const refused = await platform.call("POST", "/v2/relays/heartbeat", { token: relay.token });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toStartWith("Relay eu-1 is not reachable: ");
  });

  test("an instance relay's heartbeat needs the secret and a registered name", async () => {
    const call = (path: string, body: object, token = RELAY_SECRET) =>
      platform.call("POST", `/v1/relays/${path}`, { token, body });
    expect((await call("heartbeat-instance-relay", { name: "shared" })).status).toBe(404);
    await call("register-instance-relay", { name: "shared", host: "203.0.113.9" });
    expect((await call("heartbeat-instance-relay", { name: "shared" }, "wrong")).status).toBe(401);
    expect((await call("heartbeat-instance-relay", { name: "shared" })).status).toBe(200);
    expect((await call("heartbeat-instance-relay", { name: "eu-1" })).status).toBe(404);
  });

  test("B11 a relay's name that resolves inside is not dialled", async () => {
    await platform.core.store.transaction((sql) => sql`UPDATE relays SET host = ${"localhost"}`);
    const refused = await platform.call("POST", "/v2/relays/heartbeat", { token: relay.token });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toContain("loopback");
    expect(platform.prober.relays).toEqual([]);
  });

  test("what a probe throws unexpectedly does not leave the platform", async () => {
    platform.prober.onRelay = async () => {
      throw new Error("ECONNRESET\nat secret/path.ts");
    };
    const refused = await platform.call("POST", "/v2/relays/heartbeat", { token: relay.token });
    expect(refused.status).toBe(400);
    expect(refused.body.message).not.toContain("\n");
  });
});
