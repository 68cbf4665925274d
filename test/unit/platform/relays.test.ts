import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { HostRule } from "../../../src/platform/services/host-rule.ts";
import {
  DATABASES,
  DatabaseHost,
  fieldsOf,
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

describe.each(DATABASES)("relays on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let admin: Tenant;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    admin = await platform.tenant("admin", true);
  });
  afterEach(() => platform.close());

  const as = (tenant: Tenant) => (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token: tenant.token, body });
  const register = (body: object, secret = RELAY_SECRET) =>
    platform.call("POST", "/v1/relays/register-instance-relay", { token: secret, body });

  test("a new relay has Infisical's shape", async () => {
    const made = await as(acme)("POST", "/v2/relays", {
      name: "eu-1",
      host: "Relay.Example.com",
      authMethod: { method: "token" },
    });
    expect(made.status).toBe(200);
    const now = platform.time.toISOString();
    expect(made.body).toEqual({
      id: expect.any(String),
      createdAt: now,
      updatedAt: now,
      orgId: acme.orgId,
      identityId: null,
      name: "eu-1",
      host: "relay.example.com",
      heartbeat: null,
      healthAlertedAt: null,
      managed: false,
      autoSelect: true,
      health: expect.objectContaining({ status: "unregistered" }),
      canRevoke: false,
      authMethod: { id: expect.any(String), method: "token", createdAt: now, updatedAt: now },
    });
    expect((await as(acme)("GET", `/v2/relays/${made.body.id}`)).body).toEqual(made.body);
  });

  test("the list is a bare array, instance relays first, every time RFC 3339 or null", async () => {
    await as(acme)("POST", "/v2/relays", { name: "a-own", host: PUBLIC_HOST });
    await register({ name: "z-shared", host: "203.0.113.9" });
    const list = (await as(acme)("GET", "/v1/relays")).body;
    expect(list.map((relay: { name: string }) => relay.name)).toEqual(["z-shared", "a-own"]);
    expect(list[0]).toMatchObject({ orgId: null, heartbeat: null, identityId: null, healthAlertedAt: null });
    expect(list[0]).not.toHaveProperty("authMethod");
  });

  test("a change that is refused in part changes nothing", async () => {
    const { id } = (await as(acme)("POST", "/v2/relays", { name: "eu-1", host: PUBLIC_HOST })).body;
    const authMethod = { method: "aws", allowedAccountIds: "123456789012" };
    const both = { host: "169.254.169.254", authMethod };
    expect((await as(acme)("PATCH", `/v2/relays/${id}`, both)).status).toBe(400);
    const kept = (await as(acme)("GET", `/v2/relays/${id}`)).body;
    expect(kept).toMatchObject({ host: PUBLIC_HOST, authMethod: { method: "token" } });
  });

  test("another host starts without a heartbeat, the same host keeps it", async () => {
    const { id } = await platform.relay(acme, "eu-1");
    await platform.core.store.transaction(
      (sql) => sql`UPDATE relays SET heartbeat = ${"2026-01-01T00:00:00.000Z"}`,
    );
    const kept = await as(acme)("PATCH", `/v2/relays/${id}`, { host: PUBLIC_HOST });
    expect(kept.body.heartbeat).toBe("2026-01-01T00:00:00.000Z");
    const moved = await as(acme)("PATCH", `/v2/relays/${id}`, { host: "203.0.113.200" });
    expect(moved.body).toMatchObject({ heartbeat: null, host: "203.0.113.200" });
  });

  test("a name beginning with infisical- is kept for instance relays", async () => {
    const refused = await as(acme)("POST", "/v2/relays", { name: "infisical-eu", host: PUBLIC_HOST });
    expect(refused.status).toBe(400);
    expect((await register({ name: "infisical-eu", host: PUBLIC_HOST })).status).toBe(200);
  });

  test("B11 a relay can't be created where the platform must not dial", async () => {
    const inside = ["127.0.0.1", "::1", "localhost", "10.0.0.8", "192.168.1.1", "169.254.169.254", "0.0.0.0"];
    const disguised = ["[fd00:ec2::254]", "2130706433", "0x7f000001", "::ffff:127.0.0.1", "127.1"];
    const malformed = [
      "relay.example.com:8443",
      "https://relay.example.com",
      "a b",
      "user@relay.example.com",
    ];
    for (const place of [...inside, ...disguised, ...malformed]) {
      const refused = await as(acme)("POST", "/v2/relays", { name: "eu-1", host: place });
      expect([place, refused.status, refused.body.code]).toEqual([place, 400, "REQUEST_INVALID"]);
      expect([place, (await register({ name: "shared", host: place })).status]).toEqual([place, 400]);
    }
  });

  test("B11 the shared secret registers and renews a relay but can't re-host it", async () => {
    const first = await register({ name: "shared", host: PUBLIC_HOST, sshPort: 2222 });
    expect(first.status).toBe(200);
    expect(fieldsOf(first.body.pki)).toEqual([
      "clientCertificateChain",
      "serverCertificate",
      "serverPrivateKey",
    ]);
    expect(fieldsOf(first.body.ssh)).toEqual(["clientCAPublicKey", "serverCertificate", "serverPrivateKey"]);
    expect((await register({ name: "shared", host: PUBLIC_HOST, tlsPort: 8443 })).status).toBe(200);
    const moved = await register({ name: "shared", host: "203.0.113.200" });
    expect(moved.status).toBe(409);
    expect(moved.body).toMatchObject({ code: "CONFLICT", error: "Conflict" });
    expect((await register({ name: "shared", host: PUBLIC_HOST, tlsPort: 9443 })).status).toBe(409);
    expect((await as(acme)("GET", "/v1/relays")).body[0].host).toBe(PUBLIC_HOST);
    const refused = await platform.core.store.read<{ address: string; detail: string }>`
      SELECT address, detail FROM audit_log WHERE event = ${"RELAY_REGISTER_REFUSED"}`;
    const wanted = refused.map(({ detail }) => JSON.parse(detail).wanted).sort();
    expect(wanted).toEqual([`203.0.113.200 2222 8443`, `${PUBLIC_HOST} 2222 9443`]);
    expect(refused[0]?.address).toBe("192.0.2.1");
  });

  test("B11 a name that leads inside is refused when it is saved, on every way to save it", async () => {
    const { id } = await platform.relay(acme, "eu-1");
    const addresses: Record<string, string[]> = {
      "inside.example.com": ["203.0.113.7", "10.0.0.8"],
      "metadata.example.com": ["169.254.169.254"],
    };
    const resolve = async (name: string) => {
      const found = addresses[name];
      if (!found) throw new Error("NXDOMAIN");
      return found;
    };
    platform.core.hostRule = new HostRule({ allowPrivate: false, onLoopback: false, resolve });
    for (const name of Object.keys(addresses)) {
      const answers = [
        await as(acme)("POST", "/v2/relays", { name: "eu-2", host: name }),
        await as(acme)("PATCH", `/v2/relays/${id}`, { host: name }),
        await register({ name: "shared", host: name }),
      ];
      for (const { status, body } of answers) expect([status, body.code]).toEqual([400, "REQUEST_INVALID"]);
    }
    expect((await as(acme)("GET", `/v2/relays/${id}`)).body.host).toBe(PUBLIC_HOST);
    // One that has no address yet is judged when it is dialled.
    expect((await as(acme)("PATCH", `/v2/relays/${id}`, { host: "new.example.com" })).status).toBe(200);
    platform.core.hostRule = new HostRule({ allowPrivate: true, onLoopback: false, resolve });
    expect((await as(acme)("PATCH", `/v2/relays/${id}`, { host: "inside.example.com" })).status).toBe(200);
    expect((await as(acme)("PATCH", `/v2/relays/${id}`, { host: "metadata.example.com" })).status).toBe(400);
  });

  test("one that is not to be chosen is left to gateways that ask for it by name", async () => {
    const { id } = await platform.relay(acme, "eu-1");
    await platform.relay(acme, "eu-2");
    const gateway = await platform.gateway(acme, "office");
    const asGateway = (method: string, path: string, body?: unknown) =>
      platform.call(method, path, { token: gateway.token, body });
    const off = await as(acme)("PATCH", `/v2/relays/${id}`, { autoSelect: false });
    expect(off.body).toMatchObject({ autoSelect: false, host: PUBLIC_HOST });
    const names = async () =>
      (await asGateway("GET", "/v1/relays")).body.map((relay: { name: string }) => relay.name);
    expect(await names()).toEqual(["eu-2"]);
    const chosen = (await asGateway("POST", "/v3/gateways/connect", { maxRelays: 4 })).body.relays;
    expect(chosen.map((relay: { relayName: string }) => relay.relayName)).toEqual(["eu-2"]);
    expect((await asGateway("POST", "/v3/gateways/connect", { relayName: "eu-1" })).status).toBe(200);
    expect((await as(acme)("GET", "/v1/relays")).body).toHaveLength(2);
    await as(acme)("PATCH", `/v2/relays/${id}`, { autoSelect: true });
    expect(await names()).toEqual(["eu-1", "eu-2"]);
  });

  test("an instance relay is enrolled by a one-time token of its own, and serves every organisation", async () => {
    const body = { name: "infisical-eu", host: PUBLIC_HOST, instance: true };
    expect((await as(acme)("POST", "/v2/relays", body)).status).toBe(403);
    const made = (await as(admin)("POST", "/v2/relays", body)).body;
    expect(made).toMatchObject({ orgId: null, managed: true, canRevoke: false });
    const mint = `/v2/relays/${made.id}/token-auth/generate-enrollment-token`;
    expect((await as(acme)("POST", mint)).status).toBe(404);
    const { token } = (await as(admin)("POST", mint)).body;
    const login = () => platform.call("POST", "/v2/relays/login", { body: { method: "token", token } });
    const { accessToken } = (await login()).body;
    expect((await login()).status).toBe(400);
    const asRelay = (path: string, sent?: object) =>
      platform.call("POST", path, { token: accessToken, body: sent });
    const connected = (await asRelay("/v2/relays/connect", {})).body;
    const { chainPem } = (await platform.core.authorities.instance()).instanceRelayClient;
    expect(connected.pki.clientCertificateChain).toContain(chainPem.trim());
    expect((await asRelay("/v2/relays/heartbeat")).status).toBe(200);
    const tunnels = { opened: [], closed: [], leaseSeconds: 20 };
    expect((await asRelay("/v1/relays/tunnels", tunnels)).status).toBe(200);
    const gateway = await platform.gateway(acme, "office");
    const one = { token: gateway.token, body: { maxRelays: 1 } };
    const used = await platform.call("POST", "/v3/gateways/connect", one);
    expect(used.body.relayHost).toBe(PUBLIC_HOST);
    expect((await as(acme)("GET", `/v2/relays/${made.id}`)).body.canRevoke).toBe(false);
    expect((await as(acme)("POST", `/v2/relays/${made.id}/revoke`)).status).toBe(404);
    expect((await as(admin)("POST", `/v2/relays/${made.id}/revoke`)).status).toBe(200);
    expect((await asRelay("/v2/relays/connect", {})).status).toBe(401);
  });

  test("B11 the shared secret speaks for no relay that has credentials of its own", async () => {
    const body = { name: "shared", host: PUBLIC_HOST, instance: true };
    await as(admin)("POST", "/v2/relays", body);
    expect((await register({ name: "shared", host: PUBLIC_HOST })).status).toBe(409);
    // Its certificates are for the host: under another name they would be as good.
    expect((await register({ name: "other", host: PUBLIC_HOST, tlsPort: 9443 })).status).toBe(409);
    expect((await register({ name: "other", host: "203.0.113.8" })).status).toBe(200);
    const bySecret = (path: string, sent: object) =>
      platform.call("POST", path, { token: RELAY_SECRET, body: sent });
    expect((await bySecret("/v1/relays/heartbeat-instance-relay", { name: "shared" })).status).toBe(404);
    const tunnels = { relayName: "shared", opened: [], closed: [], leaseSeconds: 20 };
    expect((await bySecret("/v1/relays/tunnels", tunnels)).status).toBe(404);
  });

  test("an instance relay is marked as managed", async () => {
    await platform.relay(acme, "eu-1");
    await register({ name: "shared", host: PUBLIC_HOST });
    const list = (await as(acme)("GET", "/v1/relays")).body;
    expect(list.map((relay: { managed: boolean }) => relay.managed)).toEqual([true, false]);
  });

  test("B11 a wrong shared secret is refused", async () => {
    for (const secret of ["", "x", `${RELAY_SECRET}x`, RELAY_SECRET.slice(1)]) {
      const refused = await register({ name: "shared", host: PUBLIC_HOST }, secret);
      expect(refused.status).toBe(401);
      expect(refused.body.message).toBe("Invalid relay auth secret");
    }
  });

  test("B11 without a shared secret nobody registers an instance relay, with an empty one neither", async () => {
    const closed = await TestPlatform.reopen(await host.fresh("sqlite"), { relayAuthSecret: null });
    for (const token of [undefined, "", "undefined", "null"]) {
      const answer = await closed.call("POST", "/v1/relays/register-instance-relay", {
        token,
        body: { name: "shared", host: PUBLIC_HOST },
      });
      expect(answer.status).toBe(401);
    }
    await closed.close();
  });

  test("B11 a relay's own token can't change where it is, nor speak for another", async () => {
    const one = await platform.relay(acme, "one");
    const two = await platform.relay(acme, "two");
    const call = (path: string, method = "PATCH") =>
      platform.call(method, path, { token: one.token, body: { host: "203.0.113.66" } });
    expect((await call(`/v2/relays/${one.id}`)).status).toBe(403);
    expect((await call(`/v2/relays/${two.id}`)).status).toBe(403);
    const connect = await platform.call("POST", "/v2/relays/connect", {
      token: one.token,
      body: { host: "203.0.113.66", relayId: two.id, name: "two", sshPort: 22, tlsPort: 443 },
    });
    expect(connect.body).toMatchObject({ relayId: one.id, relayName: "one", relayHost: PUBLIC_HOST });
  });

  test("an instance relay is changed by an instance administrator only", async () => {
    await register({ name: "shared", host: PUBLIC_HOST });
    const [{ id }] = (await as(acme)("GET", "/v1/relays")).body;
    for (const [method, path] of [
      ["DELETE", `/v1/relays/${id}`],
      ["PATCH", `/v2/relays/${id}`],
      ["POST", `/v2/relays/${id}/revoke`],
      ["POST", `/v2/relays/${id}/token-auth/generate-enrollment-token`],
    ] as const) {
      expect(
        (await as(acme)(method, path, method === "PATCH" ? { host: PUBLIC_HOST } : undefined)).status,
      ).toBe(404);
    }
    expect((await as(admin)("PATCH", `/v2/relays/${id}`, { host: "203.0.113.200" })).status).toBe(200);
    expect((await as(admin)("DELETE", `/v1/relays/${id}`)).status).toBe(200);
    expect((await as(acme)("GET", "/v1/relays")).body).toEqual([]);
  });

  test("a revoked relay can't connect, and its pending token is worthless", async () => {
    const relay = await platform.relay(acme, "eu-1");
    const path = `/v2/relays/${relay.id}`;
    const minted = await as(acme)("POST", `${path}/token-auth/generate-enrollment-token`);
    expect((await platform.call("POST", "/v2/relays/connect", { token: relay.token })).status).toBe(200);
    expect((await as(acme)("POST", `${path}/revoke`)).body).toEqual({ method: "token" });
    expect((await platform.call("POST", "/v2/relays/connect", { token: relay.token })).status).toBe(401);
    const body = { method: "token", token: minted.body.token };
    expect((await platform.call("POST", "/v2/relays/login", { body })).status).toBe(400);
  });

  test("a deleted relay is gone from its gateways", async () => {
    const relay = await platform.relay(acme, "eu-1");
    const gateway = await platform.gateway(acme, "office");
    const connect = (body: object) =>
      platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
    expect((await connect({ relayName: "eu-1" })).status).toBe(200);
    expect((await connect({})).status).toBe(200);
    await as(acme)("DELETE", `/v1/relays/${relay.id}`);
    expect((await connect({})).status).toBe(404);
    expect((await as(acme)("GET", `/v3/gateways/${gateway.id}`)).body.relayId).toBeNull();
  });

  test("two relays that register one name at once: both get the same relay, or one is told to wait", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => register({ name: "shared", host: PUBLIC_HOST })));
    expect(answers.every((answer) => answer.status === 200 || answer.status === 409)).toBe(true);
    expect(answers.some((answer) => answer.status === 200)).toBe(true);
    expect((await as(acme)("GET", "/v1/relays")).body).toHaveLength(1);
  });
});
