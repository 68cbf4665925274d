import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { AlertDeliveries } from "../../../src/platform/services/alerts/deliveries.ts";
import { evaluateAlerts } from "../../../src/platform/services/alerts/evaluate.ts";
import { insertAudit } from "../../../src/platform/store/audit.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";
import { isSignedWith, WebhookReceiver } from "../../support/webhook-receiver.ts";
import { Workspace } from "../../support/workspace.ts";

let host: DatabaseHost;
let space: Workspace;
let receiver: WebhookReceiver;
beforeAll(async () => {
  host = await DatabaseHost.open();
  space = await Workspace.open("alerts");
  receiver = await WebhookReceiver.open(space);
});
afterAll(async () => {
  await space.close();
  await host.close();
});

describe.each(DATABASES)("alerts on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let relay: { id: string; token: string };
  beforeEach(async () => {
    platform = await TestPlatform.reopen(await host.prepared(database), { onLoopback: true });
    acme = await platform.tenant("acme");
    relay = await platform.relay(acme, "eu-1");
    receiver.received.length = 0;
    receiver.answer = () => new Response("ok");
  });
  afterEach(() => platform.close());

  const api = (method: string, path: string, body?: object, who = acme) =>
    platform.call(method, `/v1/alerts${path}`, { token: who.token, ...(body && { body }) });
  const webhook = async (more: object = {}) =>
    (
      await api("POST", "/destinations", {
        name: "ops",
        kind: "webhook",
        url: receiver.url,
        caCertificate: receiver.authority,
        ...more,
      })
    ).body;
  const alerts = async (query = "") => (await api("GET", query)).body.alerts;
  const seen = () => receiver.received.map(({ body }) => body.event);

  /** The watch makes its rounds, and every delivery ends. */
  async function pass(milliseconds: number, step = 5000): Promise<void> {
    for (let left = milliseconds; left > 0; left -= step) {
      platform.pass(Math.min(step, left));
      await platform.watch.round();
      while (!platform.probes.isIdle) await Bun.sleep(2);
      await platform.alerts.idle();
    }
  }
  const down = async () => {
    throw new SallyportError("RELAY_UNREACHABLE", "Connection refused.");
  };
  async function relayGoes(state: "down" | "up"): Promise<void> {
    platform.prober.onRelay = state === "down" ? down : async () => {};
    platform.prober.onRelaySsh = state === "down" ? down : async () => {};
    await platform.call("POST", `/v1/relays/${relay.id}/health-check`, { token: acme.token });
    await platform.watch.round();
    await platform.alerts.idle();
  }

  test("trouble that lasts is told once, signed, and once more when it is over", async () => {
    const { secret } = await webhook({ afterSeconds: 30 });
    await relayGoes("down");
    await pass(25_000);
    expect(seen()).toEqual([]);
    expect(await alerts()).toEqual([]);
    await pass(60_000);
    expect(seen()).toEqual(["alert.raised"]);
    const [first] = receiver.received;
    expect(first && isSignedWith(secret, first)).toBe(true);
    expect(first && isSignedWith(`${secret}x`, first)).toBe(false);
    expect(first?.body).toMatchObject({
      organisation: { name: "acme" },
      alert: { rule: "relay-unhealthy", subject: { kind: "relay", name: "eu-1" }, until: null },
    });
    expect(first?.body.alert.text).toContain("Connection refused");
    expect(first?.body.alert.fix).not.toBe("");
    await relayGoes("up");
    await pass(120_000);
    expect(seen()).toEqual(["alert.raised", "alert.recovered"]);
    const [listed] = await alerts();
    expect(listed).toMatchObject({ rule: "relay-unhealthy", until: expect.any(String) });
    expect(listed.deliveries.map((one: { deliveredAt: string }) => one.deliveredAt !== null)).toEqual([
      true,
      true,
    ]);
    expect(await alerts("?open=true")).toEqual([]);
    const [row] = (await platform.call("GET", "/v1/relays", { token: acme.token })).body;
    expect(row.healthAlertedAt).toBe(listed.raisedAt);
  });

  test("what comes and goes is one alert, and what was short is none", async () => {
    await webhook({ afterSeconds: 30 });
    for (let i = 0; i < 3; i++) {
      await relayGoes("down");
      await pass(10_000);
      await relayGoes("up");
      await pass(70_000, 10_000);
    }
    expect(seen()).toEqual([]);
    for (let i = 0; i < 6; i++) {
      await relayGoes("down");
      await pass(40_000, 10_000);
      await relayGoes("up");
      await pass(20_000, 10_000);
    }
    expect(seen()).toEqual(["alert.raised"]);
    expect(await alerts()).toHaveLength(1);
    await pass(60_000);
    expect(seen()).toEqual(["alert.raised", "alert.recovered"]);
    // Back within the hour: told again, but it has to be well for twice as long.
    await relayGoes("down");
    await pass(40_000);
    await relayGoes("up");
    await pass(70_000);
    expect(seen()).toEqual(["alert.raised", "alert.recovered", "alert.raised"]);
    await pass(60_000);
    expect(seen()).toEqual(["alert.raised", "alert.recovered", "alert.raised", "alert.recovered"]);
  });

  test("a delivery that fails is tried again with growing pauses, by whoever is there, and given up after hours", async () => {
    await webhook({ afterSeconds: 0 });
    receiver.answer = () => new Response("no", { status: 500 });
    await relayGoes("down");
    const start = platform.time.getTime();
    const times: number[] = [];
    receiver.answer = () => {
      times.push((platform.time.getTime() - start) / 1000);
      return new Response("no", { status: 500 });
    };
    await pass(80_000);
    expect(times).toEqual([10, 30, 70]);
    // Another replica goes on.
    const other = new AlertDeliveries(platform.core);
    platform.pass(80_000);
    await other.round();
    await other.idle();
    expect(times).toEqual([10, 30, 70, 160]);
    expect(new Set(receiver.received.map(({ headers }) => headers.get("x-sallyport-delivery"))).size).toBe(1);
    for (let i = 0; i < 30; i++) {
      platform.pass(3_600_000);
      await other.round();
      await other.idle();
    }
    expect(times).toHaveLength(13);
    const [{ deliveries }] = await alerts();
    expect(deliveries[0]).toMatchObject({
      attempts: 14,
      failedAt: expect.any(String),
      nextAttemptAt: null,
      lastError: "The webhook answered 500.",
    });
  });

  test("several replicas at once open one alert and deliver it once", async () => {
    await webhook({ afterSeconds: 0 });
    platform.prober.onRelay = down;
    platform.prober.onRelaySsh = down;
    await platform.call("POST", `/v1/relays/${relay.id}/health-check`, { token: acme.token });
    await Promise.all([1, 2, 3].map(() => evaluateAlerts(platform.core)));
    const replicas = [1, 2, 3].map(() => new AlertDeliveries(platform.core));
    await Promise.all(replicas.map((replica) => replica.round()));
    await Promise.all(replicas.map((replica) => replica.idle()));
    expect(seen()).toEqual(["alert.raised"]);
    expect(await alerts()).toHaveLength(1);
  });

  test("a relay's trouble is told as the relay's, not of each gateway behind it", async () => {
    await webhook({ afterSeconds: 0 });
    for (const name of ["one", "two"]) {
      const gateway = await platform.gateway(acme, name);
      await platform.call("POST", "/v3/gateways/connect", {
        token: gateway.token,
        body: { relayNames: ["eu-1"] },
      });
      await platform.call("POST", "/v2/gateways/heartbeat", { token: gateway.token });
    }
    platform.prober.onGateway = down;
    await relayGoes("down");
    await pass(60_000);
    expect(receiver.received.map(({ body }) => body.alert.subject.name)).toEqual(["eu-1"]);
  });

  test("trouble of a gateway, a duplicate, certificates and failing logins have rules of their own", async () => {
    await webhook({ afterSeconds: 0, name: "all" });
    const gateway = await platform.gateway(acme, "office");
    await platform.call("POST", "/v3/gateways/connect", {
      token: gateway.token,
      body: { relayNames: ["eu-1"] },
    });
    const beat = (instance: string, time = platform.time) =>
      platform.call("POST", "/v2/gateways/heartbeat", {
        token: gateway.token,
        body: {
          report: { instance, version: "9.0.0", time: time.toISOString(), conditions: [] },
        },
      });
    const [one, two] = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"];
    await beat(one);
    platform.pass(1000);
    await beat(two);
    platform.pass(1000);
    await beat(one);
    await pass(5000);
    expect(receiver.received.map(({ body }) => body.alert.rule)).toEqual(["gateway-duplicate"]);
    await platform.core.store.transaction(async (sql) => {
      const from = new Date(platform.time.getTime() - 86_000_000).toISOString();
      const until = new Date(platform.time.getTime() + 400_000).toISOString();
      await sql`UPDATE health SET certificate_from = ${from}, certificate_until = ${until}, due_at = ${""}`;
      for (let i = 0; i < 20; i++) {
        const actor = { type: "user", id: null, name: "root@example.com" } as const;
        const entry = {
          orgId: acme.orgId,
          event: "USER_LOGIN_FAILED",
          actor,
          address: null,
          detail: {},
        } as const;
        await insertAudit(sql, entry, platform.time.toISOString());
      }
    });
    await pass(5000);
    await beat(one, new Date(platform.time.getTime() - 120_000));
    await pass(5000);
    expect(new Set(receiver.received.map(({ body }) => body.alert.rule))).toEqual(
      new Set(["gateway-duplicate", "certificate-expiring", "login-failures", "gateway-unhealthy"]),
    );
  });

  test("a destination hears of the rules that it wants", async () => {
    await webhook({ afterSeconds: 0, rules: ["gateway-unhealthy"] });
    await relayGoes("down");
    await pass(90_000);
    expect(seen()).toEqual([]);
    expect(await alerts()).toHaveLength(1);
  });

  test("a test arrives at once; what keeps it away is said", async () => {
    await webhook();
    expect((await api("POST", "/destinations/ops/test")).status).toBe(200);
    expect(seen()).toEqual(["alert.test"]);
    const refusals: [() => Response, string][] = [
      [() => Response.redirect("http://127.0.0.1:1/"), "redirect"],
      [() => new Response("", { status: 404 }), "404"],
    ];
    for (const [answer, words] of refusals) {
      receiver.answer = answer;
      const refused = await api("POST", "/destinations/ops/test");
      expect(refused.status).toBe(400);
      expect(refused.body.message).toContain(words);
    }
    await api("DELETE", "/destinations/ops");
    await webhook({ caCertificate: undefined });
    expect((await api("POST", "/destinations/ops/test")).status).toBe(400);
    await api("POST", "/destinations", { name: "lines", kind: "log" });
    expect((await api("POST", "/destinations/lines/test")).status).toBe(200);
  });

  test("B11 a webhook can't lead inside, be plain http elsewhere, or carry a password", async () => {
    for (const url of [
      "https://10.0.0.1/x",
      "https://169.254.169.254/latest",
      "https://[fd00::1]/x",
      "http://203.0.113.1/x",
      "http://example.com/x",
      "https://user:pass@example.com/x",
      "ftp://example.com/x",
      "javascript:alert(1)",
    ]) {
      const refused = await api("POST", "/destinations", { name: "ops", kind: "webhook", url });
      expect([url, refused.status]).toEqual([url, 400]);
    }
    await platform.core.store.transaction((sql) => sql`DELETE FROM alert_destinations`);
    await webhook();
    await platform.core.store.transaction(
      (sql) => sql`UPDATE alert_destinations SET url = ${"https://10.0.0.1:9/x"}`,
    );
    const refused = await api("POST", "/destinations/ops/test");
    expect(refused.status).toBe(400);
    expect(refused.body.message).toContain("private");
  });

  test("the secret is shown once and stored sealed", async () => {
    const { secret } = await webhook();
    expect(secret).toStartWith("sps_");
    expect(JSON.stringify((await api("GET", "/destinations")).body)).not.toContain(secret);
    const rows = await platform.core.store.read`SELECT * FROM alert_destinations`;
    expect(JSON.stringify(rows)).not.toContain(secret);
    const audit = await platform.core.store.read`SELECT detail FROM audit_log`;
    expect(JSON.stringify(audit)).not.toContain(secret);
  });

  test("alerts and destinations are their organisation's, names are unique, and there are not too many", async () => {
    const other = await platform.tenant("other");
    await webhook({ afterSeconds: 0 });
    expect((await api("POST", "/destinations", { name: "ops", kind: "log" })).status).toBe(400);
    expect((await api("GET", "/destinations", undefined, other)).body).toEqual([]);
    expect((await api("POST", "/destinations/ops/test", undefined, other)).status).toBe(404);
    expect((await api("DELETE", "/destinations/ops", undefined, other)).status).toBe(404);
    await relayGoes("down");
    expect((await api("GET", "", undefined, other)).body.alerts).toEqual([]);
    const member = await platform.member(acme, "mia");
    expect((await api("GET", "", undefined, member)).status).toBe(403);
    for (let i = 0; i < 19; i++) await api("POST", "/destinations", { name: `d${i}`, kind: "log" });
    expect((await api("POST", "/destinations", { name: "more", kind: "log" })).body.code).toBe(
      "LIMIT_REACHED",
    );
  });
});
