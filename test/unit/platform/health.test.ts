import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { isOldVersion } from "../../../src/platform/services/health/agent-conditions.ts";
import { HealthWatch } from "../../../src/platform/services/health/watch.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { VERSION } from "../../../src/version.ts";
import { EventReader } from "../../support/event-reader.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const MINUTE = 60_000;
/** Older than any version of this program. */
const OLD = "-1.0.0";

test("a version is old when its major version is, or more than two minor ones have followed", () => {
  const old = ["0.9.9", "1.1.7", "1.1.9-rc.1"].map((version) => isOldVersion(version, "1.4.0"));
  const current = ["1.2.0", "1.4.0", "1.9.0", "2.0.0"].map((version) => isOldVersion(version, "1.4.0"));
  expect([...old, ...current]).toEqual([true, true, true, false, false, false, false]);
});

describe.each(DATABASES)("health on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let relay: { id: string; token: string };
  let gateway: { id: string; token: string };
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    relay = await platform.relay(acme, "eu-1");
    gateway = await platform.gateway(acme, "office");
    await platform.call("POST", "/v3/gateways/connect", {
      token: gateway.token,
      body: { relayNames: ["eu-1"] },
    });
  });
  afterEach(() => platform.close());

  /** Lets time go by as it does: the watch sees every step, the relay reports. */
  async function pass(milliseconds: number, step = 10_000): Promise<void> {
    for (let left = milliseconds; left > 0; left -= step) {
      platform.pass(Math.min(step, left));
      await round();
    }
  }
  async function round(): Promise<void> {
    await platform.watch.round();
    while (!platform.probes.isIdle) await Bun.sleep(2);
    await platform.watch.round();
  }
  const says = (more: object = {}) => ({
    instance: "00000000-0000-4000-8000-000000000001",
    version: VERSION,
    time: platform.time.toISOString(),
    conditions: [],
    ...more,
  });
  const beat = (report?: object) =>
    platform.call("POST", "/v2/gateways/heartbeat", {
      token: gateway.token,
      body: report ? { report } : {},
    });
  const relayBeat = (report?: object) =>
    platform.call("POST", "/v2/relays/heartbeat", { token: relay.token, body: report ? { report } : {} });
  const holds = async (opened = [{ gatewayId: gateway.id, generation: 1 }]) => {
    const body = { opened, closed: [], leaseSeconds: 300, complete: true };
    await platform.call("POST", "/v1/relays/tunnels", { token: relay.token, body });
    await round();
  };
  const healthOf = async (what: "gateways" | "relays", id: string) => {
    const version = what === "gateways" ? "v3" : "v2";
    return (await platform.call("GET", `/${version}/${what}/${id}`, { token: acme.token })).body.health;
  };
  const gatewayHealth = () => healthOf("gateways", gateway.id);
  const relayHealth = () => healthOf("relays", relay.id);
  const codes = (health: { conditions: { code: string }[] }) => health.conditions.map(({ code }) => code);

  test("X7 nothing known is Unregistered, all well is Healthy with what could be better", async () => {
    expect(await gatewayHealth()).toMatchObject({ status: "unregistered", conditions: [], cause: null });
    expect(await relayHealth()).toMatchObject({ status: "unregistered", conditions: [] });
    await relayBeat(says());
    await beat(says());
    await holds();
    expect(await relayHealth()).toMatchObject({ status: "healthy", conditions: [] });
    expect(await gatewayHealth()).toMatchObject({
      status: "healthy",
      cause: null,
      conditions: [{ code: "ONE_RELAY", severity: "info", impactsTraffic: false }],
    });
  });

  test("X7 each port of a relay has its own condition and fix; both together are one cause", async () => {
    platform.prober.onRelaySsh = async () => {
      throw new SallyportError("HOST_CERTIFICATE_REFUSED", "The certificate was signed by somebody else.");
    };
    expect((await relayBeat()).status).toBe(200);
    const ssh = await relayHealth();
    expect(ssh).toMatchObject({ status: "degraded", conditions: [{ code: "RELAY_SSH_FAILED" }] });
    expect(ssh.cause.text).toContain("signed by somebody else");
    expect(ssh.cause.fix).toContain("Something else answers on port 2222");
    platform.prober.onRelaySsh = async () => {};
    platform.prober.onRelay = async () => {
      throw new SallyportError("TLS_UNTRUSTED", "The certificate is of another authority.");
    };
    expect((await relayBeat()).status).toBe(400);
    expect(await relayHealth()).toMatchObject({
      status: "unreachable",
      conditions: [{ code: "RELAY_TLS_FAILED", severity: "error", impactsTraffic: true }],
    });
    const refused = async () => {
      throw new SallyportError("RELAY_UNREACHABLE", "Connection refused.");
    };
    platform.prober.onRelay = refused;
    platform.prober.onRelaySsh = refused;
    await relayBeat();
    expect(codes(await relayHealth())).toEqual(["RELAY_UNREACHABLE"]);
  });

  test("F7 while authorities are rotated, a relay may show a certificate of either", async () => {
    await platform.call("POST", "/v1/authorities/rotate", { token: acme.token, body: {} });
    await relayBeat();
    const [target] = platform.prober.sshPorts.slice(-1);
    expect(target?.hostAuthorities).toHaveLength(2);
    expect(target?.hostAuthorities.every((line) => line.startsWith("ssh-"))).toBe(true);
  });

  test("B11 a relay whose name leads inside is not dialled on either port, and its health says why", async () => {
    await platform.core.store.transaction((sql) => sql`UPDATE relays SET host = ${"localhost"}`);
    await relayBeat();
    expect(platform.prober.relays).toEqual([]);
    expect(platform.prober.sshPorts).toEqual([]);
    const { conditions } = await relayHealth();
    expect(conditions.map(({ code }: { code: string }) => code)).toEqual([
      "RELAY_TLS_FAILED",
      "RELAY_SSH_FAILED",
    ]);
    expect(conditions[0].fix).toContain("--allow-private-hosts");
  });

  test("X7 `since` stays while a condition lasts, on every replica, and begins anew with the next episode", async () => {
    await holds();
    await beat(says());
    await holds([]);
    const began = platform.time.toISOString();
    const lost = { status: "unreachable", conditions: [{ code: "TUNNEL_LOST", since: began }, {}] };
    expect(await gatewayHealth()).toMatchObject(lost);
    await pass(40_000);
    expect(await gatewayHealth()).toMatchObject({ ...lost, since: began });
    await holds();
    await holds([]);
    const again = (await gatewayHealth()).conditions[0].since;
    expect(again).toBe(platform.time.toISOString());
    expect(again).not.toBe(began);
  });

  test("X7 what a gateway says of itself is shown; what the platform sees better is not", async () => {
    const said = (code: string, more: object = {}) => ({
      code,
      title: "Title",
      severity: "warning",
      since: "2026-01-01T00:00:00.000Z",
      text: "It is so.",
      fix: "Do this.",
      impactsTraffic: false,
      ...more,
    });
    await holds();
    await beat(
      says({
        conditions: [
          said("WINDOW_BUDGET_SHORT"),
          said("PLATFORM_UNREACHABLE"),
          said("RELAY_UNREACHABLE", { about: "eu-1" }),
          said("OF_A_NEWER_VERSION", { title: "New", severity: "error" }),
        ],
      }),
    );
    const health = await gatewayHealth();
    expect(health.status).toBe("degraded");
    expect(codes(health)).toEqual(["OF_A_NEWER_VERSION", "WINDOW_BUDGET_SHORT", "ONE_RELAY"]);
    expect(health.conditions[1]).toMatchObject({ text: "It is so.", since: "2026-01-01T00:00:00.000Z" });
    // Now the relay agrees: what the gateway says is the cause of what the relay sees.
    await holds([]);
    expect(codes(await gatewayHealth())).toEqual([
      "RELAY_UNREACHABLE",
      "OF_A_NEWER_VERSION",
      "WINDOW_BUDGET_SHORT",
      "ONE_RELAY",
    ]);
  });

  test("X3 a copy that lost its tunnel to another one says so itself, and that counts though a tunnel is up", async () => {
    await holds();
    const duplicate = {
      code: "GATEWAY_DUPLICATE",
      title: "Title",
      severity: "error",
      since: "2026-01-01T00:00:00.000Z",
      text: "Replaced at the relay eu-1.",
      fix: "Stop one.",
      impactsTraffic: true,
      about: "eu-1",
    };
    await beat(says({ conditions: [duplicate] }));
    expect((await gatewayHealth()).conditions[0]).toMatchObject({ code: "GATEWAY_DUPLICATE", about: "eu-1" });
  });

  test("a report beyond its bounds is refused and changes nothing", async () => {
    const many = Array.from({ length: 33 }, () => ({
      code: "X",
      title: "",
      severity: "error",
      since: "2026-01-01T00:00:00Z",
      text: "",
      fix: "",
      impactsTraffic: true,
    }));
    for (const bad of [{ conditions: many }, { version: "<b>" }, { time: "now" }, { instance: "x" }]) {
      expect((await beat(says(bad))).status).toBe(422);
    }
    expect(await platform.core.store.read`SELECT * FROM agent_reports`).toEqual([]);
  });

  test("F3 two processes that both go on calling are a duplicate; a restart is none", async () => {
    const [one, two] = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"];
    await holds();
    await beat(says({ instance: one }));
    await pass(2 * MINUTE, MINUTE);
    await beat(says({ instance: two }));
    expect(codes(await gatewayHealth())).not.toContain("GATEWAY_DUPLICATE");
    await pass(2 * MINUTE, MINUTE);
    await beat(says({ instance: one }));
    const health = await gatewayHealth();
    expect(health.conditions[0]).toMatchObject({ code: "GATEWAY_DUPLICATE", severity: "error" });
    expect(health.status).toBe("degraded");
    await pass(8 * MINUTE, MINUTE);
    await beat(says({ instance: two }));
    expect(codes(await gatewayHealth())).not.toContain("GATEWAY_DUPLICATE");
  });

  test("F4 a clock that is off is noted, one that certificates can't bear is an error", async () => {
    await holds();
    await beat(says({ time: new Date(platform.time.getTime() - 90_000).toISOString() }));
    expect(await gatewayHealth()).toMatchObject({
      status: "degraded",
      conditions: [{ code: "CLOCK_SKEWED", text: expect.stringContaining("90 s behind") }, {}],
    });
    await beat(says({ time: new Date(platform.time.getTime() + 3_600_000).toISOString() }));
    expect((await gatewayHealth()).conditions[0]).toMatchObject({ code: "CLOCK_WRONG", severity: "error" });
    await beat(says({ time: "9999-01-01T00:00:00Z" }));
    expect((await gatewayHealth()).conditions[0].code).toBe("CLOCK_WRONG");
    await beat(says());
    expect((await gatewayHealth()).status).toBe("healthy");
  });

  test("an old version is said, whatever else is well", async () => {
    await relayBeat(says());
    expect((await relayHealth()).status).toBe("healthy");
    await platform.core.store.transaction(async (sql) => {
      await sql`UPDATE agent_reports SET version = ${OLD}`;
      await sql`UPDATE health SET due_at = ${""}`;
    });
    const health = await relayHealth();
    expect(health).toMatchObject({ status: "degraded", conditions: [{ code: "VERSION_OLD" }] });
    expect(health.cause.text).toContain(OLD);
  });

  test("certificates that are not renewed are said at the last quarter of their life, and at their end", async () => {
    await holds();
    await beat(says());
    await platform.core.store.transaction(
      (sql) => sql`UPDATE relay_leases SET expires_at = ${"2099-01-01T00:00:00.000Z"}`,
    );
    await pass(17 * 60 * MINUTE, 60 * MINUTE);
    await beat(says());
    expect(codes(await gatewayHealth())).not.toContain("CERTIFICATE_EXPIRES");
    await pass(2 * 60 * MINUTE, 60 * MINUTE);
    await beat(says());
    expect((await gatewayHealth()).conditions[0].code).toBe("CERTIFICATE_EXPIRES");
    await pass(6 * 60 * MINUTE, 60 * MINUTE);
    await beat(says());
    expect((await gatewayHealth()).conditions[0]).toMatchObject({
      code: "CERTIFICATE_EXPIRED",
      impactsTraffic: true,
    });
  });

  test("a gateway that nobody hears of is one cause: its tunnels, calls and probes are explained", async () => {
    await holds();
    await beat(says());
    platform.prober.onGateway = async () => {
      throw new SallyportError("GATEWAY_NOT_CONNECTED", "No tunnel of this gateway is up.");
    };
    await holds([]);
    expect(codes(await gatewayHealth())).toEqual(["TUNNEL_LOST", "ONE_RELAY"]);
    await platform.core.store.transaction(
      (sql) => sql`UPDATE relay_leases SET expires_at = ${"2099-01-01T00:00:00.000Z"}`,
    );
    await pass(8 * MINUTE);
    expect(codes(await gatewayHealth())).toEqual(["GATEWAY_SILENT", "ONE_RELAY"]);
  });

  test("a revoked gateway says so and nothing else, until it is enrolled again", async () => {
    await holds();
    await beat(says());
    await platform.call("POST", `/v3/gateways/${gateway.id}/revoke`, { token: acme.token });
    await holds([]);
    const revoked = await gatewayHealth();
    expect(revoked).toMatchObject({ status: "unreachable", cause: { code: "ACCESS_REVOKED" } });
    const probed = platform.prober.gateways.length;
    await pass(10 * MINUTE, MINUTE);
    expect(platform.prober.gateways.length).toBe(probed);
    await platform
      .call("POST", `/v3/gateways/${gateway.id}/token-auth/generate-enrollment-token`, {
        token: acme.token,
      })
      .then(({ body }) =>
        platform.call("POST", "/v3/gateways/login", { body: { method: "token", token: body.token } }),
      );
    expect((await gatewayHealth()).status).toBe("unregistered");
  });

  test("a gateway whose relay is deleted has no way left, and says what to do", async () => {
    await holds();
    await beat(says());
    await platform.call("DELETE", `/v1/relays/${relay.id}`, { token: acme.token });
    await round();
    expect(await gatewayHealth()).toMatchObject({ status: "unreachable", cause: { code: "NO_RELAY" } });
  });

  test("what is not reached is probed again after 15 s, then less often, and recovers by itself", async () => {
    const down = async () => {
      throw new SallyportError("RELAY_UNREACHABLE", "Connection refused.");
    };
    platform.prober.onRelay = down;
    platform.prober.onRelaySsh = down;
    await relayBeat();
    const times: number[] = [];
    const start = platform.time.getTime();
    platform.prober.onRelay = async () => {
      times.push((platform.time.getTime() - start) / 1000);
      await down();
    };
    await pass(5 * MINUTE, 5000);
    expect(times).toEqual([15, 45, 105, 225]);
    platform.prober.onRelay = async () => {};
    platform.prober.onRelaySsh = async () => {};
    await pass(3 * MINUTE, 5000);
    expect((await relayHealth()).status).toBe("healthy");
  });

  test("a connect is followed by a look of the platform's own", async () => {
    await pass(10_000, 1000);
    expect(platform.prober.gateways[0]?.gatewayId).toBe(gateway.id);
    expect((await gatewayHealth()).status).toBe("healthy");
  });

  test("O3 followers hear of every change of health once, with its cause", async () => {
    const reader = await EventReader.open(platform, acme.token);
    await reader.next("snapshot");
    await holds();
    await beat(says());
    await holds([]);
    await pass(30_000);
    await holds();
    await pass(30_000);
    await reader.next("gateway.health", 2);
    await Bun.sleep(600);
    const said = reader.events.filter(({ type }) => type === "gateway.health").map(({ body }) => body);
    expect(said).toMatchObject([
      { gatewayId: gateway.id, status: "healthy" },
      { gatewayId: gateway.id, status: "unreachable", cause: { code: "TUNNEL_LOST" } },
      { gatewayId: gateway.id, status: "healthy" },
    ]);
    await reader.close();
  });

  test("two replicas share one schedule: one probes, the other goes on when the first is gone", async () => {
    const other = new HealthWatch(platform.core, platform.probes);
    await platform.watch.round();
    platform.pass(6000);
    await Promise.all([platform.watch.round(), other.round(), other.round()]);
    while (!platform.probes.isIdle) await Bun.sleep(2);
    expect(platform.prober.gateways).toHaveLength(1);
    await platform.watch.close();
    platform.pass(200_000);
    await other.round();
    while (!platform.probes.isIdle) await Bun.sleep(2);
    expect(platform.prober.gateways).toHaveLength(2);
    await other.close();
  });

  test("F5 after an outage of the platform nobody is late who could not call", async () => {
    await holds();
    await beat(says());
    await relayBeat(says());
    await pass(20_000);
    platform.pass(8 * 60 * MINUTE);
    await platform.watch.round();
    platform.pass(10_000);
    expect(await gatewayHealth()).toMatchObject({ status: "healthy" });
    expect((await relayHealth()).status).toBe("healthy");
    await pass(30_000);
    expect(codes(await relayHealth())).toEqual(["RELAY_SILENT"]);
  });
});
