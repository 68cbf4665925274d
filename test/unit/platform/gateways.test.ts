import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("gateways on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
  });
  afterEach(() => platform.close());

  const create = (name: string) =>
    platform.call("POST", "/v3/gateways", { token: acme.token, body: { name } });
  const get = (path: string) => platform.call("GET", path, { token: acme.token });

  test("a new gateway has Infisical's shape and token authentication", async () => {
    const made = await create("office");
    expect(made.status).toBe(200);
    const now = platform.time.toISOString();
    const gateway = {
      id: expect.any(String),
      identityId: null,
      name: "office",
      relayId: null,
      createdAt: now,
      updatedAt: now,
      heartbeat: null,
      heartbeatTTL: null,
      canRevoke: false,
    };
    const authMethod = { id: expect.any(String), method: "token", createdAt: now, updatedAt: now };
    const health = { status: "unregistered", since: null, cause: null, conditions: [], tunnels: [] };
    expect(made.body).toEqual({ ...gateway, authMethod, health });
    expect((await get(`/v3/gateways/${made.body.id}`)).body).toEqual(made.body);
    expect((await get("/v2/gateways")).body).toEqual([
      { ...gateway, health, identity: null, connectedResourcesCount: 0 },
    ]);
  });

  test("a name is used once in an organisation", async () => {
    expect((await create("office")).status).toBe(200);
    const again = await create("office");
    expect(again.status).toBe(400);
    expect(again.body.code).toBe("ALREADY_EXISTS");
    const other = await platform.tenant("other");
    const theirs = await platform.call("POST", "/v3/gateways", {
      token: other.token,
      body: { name: "office" },
    });
    expect(theirs.status).toBe(200);
  });

  test("one is renamed, and everything that hangs on it stays", async () => {
    const { id } = (await create("office")).body;
    await create("taken");
    const rename = (name: string) =>
      platform.call("PATCH", `/v3/gateways/${id}`, { token: acme.token, body: { name } });
    expect((await rename("hall")).body).toMatchObject({ id, name: "hall" });
    expect((await rename("taken")).body.code).toBe("ALREADY_EXISTS");
    expect((await rename("../x")).status).toBe(422);
    expect((await get(`/v3/gateways/${id}`)).body.name).toBe("hall");
    const [entry] = (await get("/v1/audit?event=GATEWAY_UPDATE")).body.entries;
    expect(entry.detail).toEqual({ gatewayId: id, name: "hall", before: "office" });
  });

  test("B4 a name that is no DNS label is refused", async () => {
    const names = [
      "../x",
      ".",
      "",
      "a".repeat(64),
      "Office",
      "-x",
      "x-",
      "a\nb",
      "$(x)",
      "%n",
      "a\u202eb",
      "a b",
      "ä",
    ];
    for (const name of names) expect([name, (await create(name)).status]).toEqual([name, 422]);
  });

  test("an organisation has at most 50 gateways, also when asked for 60 at once", async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => create(`g-${i}`)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(50);
    const refused = answers.filter((answer) => answer.status === 400);
    expect(refused).toHaveLength(10);
    expect(refused[0]?.body.code).toBe("LIMIT_REACHED");
  });

  test("it can be revoked while a token is pending or after a login", async () => {
    const { id } = (await create("office")).body;
    const canRevoke = async () => (await get(`/v3/gateways/${id}`)).body.canRevoke;
    expect(await canRevoke()).toBe(false);
    await platform.call("POST", `/v3/gateways/${id}/token-auth/generate-enrollment-token`, {
      token: acme.token,
    });
    expect(await canRevoke()).toBe(true);
    await platform.call("POST", `/v3/gateways/${id}/revoke`, { token: acme.token });
    expect(await canRevoke()).toBe(true);
  });

  test("a gateway with resources is not deleted", async () => {
    const { id } = (await create("office")).body;
    const body = { name: "db", gatewayId: id, host: "db.internal", port: 5432 };
    await platform.call("POST", "/v1/resources", { token: acme.token, body });
    const refused = await platform.call("DELETE", `/v2/gateways/${id}`, { token: acme.token });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toContain("attached to active resources");
    await platform.call("DELETE", "/v1/resources/db", { token: acme.token });
    const deleted = await platform.call("DELETE", `/v2/gateways/${id}`, { token: acme.token });
    expect(deleted.status).toBe(200);
    expect(deleted.body.id).toBe(id);
    expect((await get(`/v3/gateways/${id}`)).status).toBe(404);
    expect((await platform.call("DELETE", `/v2/gateways/${id}`, { token: acme.token })).status).toBe(404);
  });

  test("what changes something is in the audit log with who did it and from where", async () => {
    const { id } = (await create("office")).body;
    await platform.call("POST", `/v3/gateways/${id}/token-auth/generate-enrollment-token`, {
      token: acme.token,
    });
    await platform.call("POST", `/v3/gateways/${id}/revoke`, { token: acme.token });
    await platform.call("DELETE", `/v2/gateways/${id}`, { token: acme.token });
    const rows = await platform.core.store.read<{ event: string; actor_name: string; address: string }>`
      SELECT event, actor_name, address FROM audit_log`;
    expect(rows.map((row) => row.event).sort()).toEqual([
      "GATEWAY_CREATE",
      "GATEWAY_DELETE",
      "GATEWAY_ENROLLMENT_TOKEN_CREATE",
      "RESOURCE_AUTH_METHOD_REVOKE",
    ]);
    expect(new Set(rows.map((row) => `${row.actor_name} ${row.address}`))).toEqual(
      new Set(["acme@example.com 192.0.2.1"]),
    );
  });
});
