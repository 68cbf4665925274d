import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { endLostLeases } from "../../../src/platform/services/health/lost-leases.ts";
import { EventReader } from "../../support/event-reader.ts";
import { DATABASES, DatabaseHost, RELAY_SECRET, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("reports of relays on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let gateway: { id: string; token: string };
  let one: { id: string; token: string };
  let two: { id: string; token: string };
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    gateway = await platform.gateway(acme, "office");
    one = await platform.relay(acme, "eu-1");
    two = await platform.relay(acme, "eu-2");
    const body = { relayNames: ["eu-1", "eu-2"] };
    await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
  });
  afterEach(() => platform.close());

  const report = (relay: { token: string }, more: object = {}) =>
    platform.call("POST", "/v1/relays/tunnels", {
      token: relay.token,
      body: { opened: [], closed: [], leaseSeconds: 20, ...more },
    });
  const holds = (relay: { token: string }, generation = 1) =>
    report(relay, { opened: [{ gatewayId: gateway.id, generation }], complete: true });
  const health = async () =>
    (await platform.call("GET", `/v3/gateways/${gateway.id}`, { token: acme.token })).body.health;
  const ways = async () => {
    const body = { targetHost: "db", targetPort: 1 };
    const answer = await platform.call("POST", "/v1/gateways/office/access", { token: acme.token, body });
    return answer.body.relays.map((way: { relayName: string }) => way.relayName);
  };

  test("X7 presence is what a relay reports under a live lease; without reports the probe counts", async () => {
    expect((await health()).tunnels.map((tunnel: { state: string }) => tunnel.state)).toEqual([
      "unreported",
      "unreported",
    ]);
    expect((await holds(one)).body).toEqual({ complete: false, refused: [] });
    expect(await health()).toMatchObject({
      status: "healthy",
      tunnels: [
        { relayName: "eu-1", state: "up", since: platform.time.toISOString() },
        { relayName: "eu-2", state: "unreported" },
      ],
    });
    await report(two, { complete: true });
    await platform.watch.round();
    expect(await health()).toMatchObject({ status: "degraded", cause: { code: "TUNNEL_LOST" } });
    await platform.call("POST", `/v2/gateways/${gateway.id}/heartbeat`, { token: acme.token });
    platform.pass(1000);
    await report(one, { closed: [gateway.id] });
    const lost = await health();
    expect(lost).toMatchObject({
      status: "unreachable",
      conditions: [
        { code: "TUNNEL_LOST", about: "eu-2", severity: "error", impactsTraffic: true },
        { code: "TUNNEL_LOST", about: "eu-1", severity: "error", since: platform.time.toISOString() },
      ],
    });
    expect(lost.conditions[1].text).toContain("eu-1");
    const [listed] = (await platform.call("GET", "/v2/gateways", { token: acme.token })).body;
    expect(listed.health).toEqual(lost);
  });

  test("O3 a relay whose reports stop leaves its tunnels unknown, says why, and is looked for", async () => {
    const reader = await EventReader.open(platform, acme.token);
    await reader.next("snapshot");
    await holds(one);
    await report(two, { complete: true });
    expect((await reader.next("gateway.health")).body).toMatchObject({ gatewayId: gateway.id });
    platform.pass(19_000);
    expect(await endLostLeases(platform.core)).toEqual([]);
    expect((await health()).cause.code).not.toBe("RELAY_SILENT");
    await report(two);
    while (!platform.probes.isIdle) await Bun.sleep(5);
    platform.pass(2000);
    const found = await Promise.all([endLostLeases(platform.core), endLostLeases(platform.core)]);
    expect(found.flat()).toEqual([one.id]);
    expect((await health()).conditions.map(({ code }: { code: string }) => code)).toContain("RELAY_SILENT");
    const { body } = await reader.next("relay.health", 2);
    expect(body).toMatchObject({ relayId: one.id, status: "degraded", cause: { code: "RELAY_SILENT" } });
    await reader.close();
  });

  test("a relay that comes back is asked to say everything again", async () => {
    await holds(one);
    platform.pass(21_000);
    expect((await report(one)).body.complete).toBe(true);
    expect((await health()).tunnels[0].state).toBe("down");
    expect((await holds(one)).body.complete).toBe(false);
    expect((await health()).tunnels[0].state).toBe("up");
  });

  test("a relay that stops gives its lease up", async () => {
    await holds(one);
    await holds(two);
    await report(one, { leaseSeconds: 0 });
    expect((await health()).tunnels.map((tunnel: { state: string }) => tunnel.state)).toEqual([
      "silent",
      "up",
    ]);
  });

  test("access names the relay first that holds the tunnel, and the others after it", async () => {
    expect(await ways()).toEqual(["eu-1", "eu-2"]);
    await report(one, { complete: true });
    await holds(two);
    expect(await ways()).toEqual(["eu-2", "eu-1"]);
    await holds(one);
    expect(await ways()).toEqual(["eu-1", "eu-2"]);
  });

  test("a session with revoked credentials, or of a gateway that is gone, is named to be cut", async () => {
    await platform.call("POST", `/v3/gateways/${gateway.id}/revoke`, { token: acme.token });
    expect((await holds(one, 1)).body.refused).toEqual([{ gatewayId: gateway.id, generation: 2 }]);
    expect((await health()).tunnels[0].state).toBe("down");
    await platform.call("DELETE", `/v2/gateways/${gateway.id}`, { token: acme.token });
    expect((await holds(one, 2)).body.refused).toEqual([{ gatewayId: gateway.id, generation: null }]);
  });

  test("B11 a relay speaks for gateways only that may log in there", async () => {
    const bravo = await platform.tenant("bravo");
    const theirs = await platform.gateway(bravo, "office");
    const mine = await platform.gateway(acme, "elsewhere");
    for (const gatewayId of [theirs.id, mine.id]) {
      const { body } = await report(one, { opened: [{ gatewayId, generation: 1 }] });
      expect(body.refused).toEqual([{ gatewayId, generation: null }]);
    }
    expect(await platform.core.store.read`SELECT * FROM relay_tunnels`).toEqual([]);
  });

  test("an instance relay reports by its name; nobody else may report", async () => {
    const register = { token: RELAY_SECRET, body: { name: "shared", host: "203.0.113.9" } };
    await platform.call("POST", "/v1/relays/register-instance-relay", register);
    expect((await report({ token: RELAY_SECRET }, { relayName: "shared" })).status).toBe(200);
    expect((await report({ token: RELAY_SECRET })).status).toBe(404);
    expect((await report({ token: gateway.token })).status).toBe(403);
    expect((await report({ token: acme.token })).status).toBe(403);
  });

  test("a gateway that comes back is looked for", async () => {
    await holds(one);
    for (let i = 0; i < 4000 && platform.prober.gateways.length === 0; i++) await Bun.sleep(5);
    expect(platform.prober.gateways[0]?.gatewayId).toBe(gateway.id);
  });
});
