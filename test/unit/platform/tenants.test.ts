import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("two tenants on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let other: Tenant;
  let gateway: { id: string; token: string };
  let relay: { id: string; token: string };
  let resourceId = "";
  beforeAll(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    other = await platform.tenant("other");
    gateway = await platform.gateway(acme, "office");
    relay = await platform.relay(acme, "eu-1");
    await platform.call("POST", "/v3/gateways/connect", {
      token: gateway.token,
      body: { relayName: "eu-1" },
    });
    const body = { name: "db", gatewayName: "office", host: "db.internal", port: 5432 };
    resourceId = (await platform.call("POST", "/v1/resources", { token: acme.token, body })).body.id;
  });
  afterAll(() => platform.close());

  test("every id and name of the other organisation answers 404, as if it did not exist", async () => {
    const token = "/token-auth/generate-enrollment-token";
    const target = { targetHost: "db.internal", targetPort: 5432 };
    const paths = (gatewayId: string, relayId: string, resource: string, name: string) =>
      [
        ["GET", `/v3/gateways/${gatewayId}`],
        ["DELETE", `/v2/gateways/${gatewayId}`],
        ["POST", `/v3/gateways/${gatewayId}/revoke`],
        ["POST", `/v3/gateways/${gatewayId}${token}`],
        ["POST", `/v2/gateways/${gatewayId}/heartbeat`],
        ["GET", `/v2/gateways/${gatewayId}/resources`],
        ["POST", `/v1/gateways/${gatewayId}/access`, target],
        ["POST", `/v1/gateways/${name}/access`, target],
        ["GET", `/v2/relays/${relayId}`],
        ["GET", `/v2/relays/${relayId}/gateways`],
        ["PATCH", `/v2/relays/${relayId}`, { host: "203.0.113.66" }],
        ["DELETE", `/v1/relays/${relayId}`],
        ["POST", `/v2/relays/${relayId}/revoke`],
        ["POST", `/v2/relays/${relayId}${token}`],
        ["GET", `/v1/resources/${resource}`],
        ["GET", "/v1/resources/db"],
        ["DELETE", `/v1/resources/${resource}`],
        ["DELETE", "/v1/resources/db"],
        ["POST", `/v1/resources/${resource}/access`, {}],
        ["POST", "/v1/resources", { name: "x", gatewayId, host: "db.internal", port: 5432 }],
        ["POST", "/v1/resources", { name: "x", gatewayName: name, host: "db.internal", port: 5432 }],
      ] as const;
    const nowhere = paths(crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID(), "nowhere");
    for (const [i, [method, path, body]] of paths(gateway.id, relay.id, resourceId, "office").entries()) {
      const foreign = await platform.call(method, path, { token: other.token, body });
      const [, absentPath, absentBody] = nowhere[i] ?? [];
      const absent = await platform.call(method, absentPath ?? "", { token: other.token, body: absentBody });
      expect([method, path, foreign.status]).toEqual([method, path, 404]);
      expect({ ...foreign.body, reqId: "" }).toEqual({ ...absent.body, reqId: "" });
    }
  });

  test("nothing of the other organisation is listed", async () => {
    for (const path of ["/v2/gateways", "/v1/relays", "/v1/resources"]) {
      expect((await platform.call("GET", path, { token: other.token })).body).toEqual([]);
      expect((await platform.call("GET", path, { token: acme.token })).body).toHaveLength(1);
    }
  });

  test("another organisation's gateway gets no certificate for this one's relay", async () => {
    const theirs = await platform.gateway(other, "office");
    const connect = await platform.call("POST", "/v3/gateways/connect", {
      token: theirs.token,
      body: { relayNames: ["eu-1"] },
    });
    expect(connect.status).toBe(404);
    expect((await platform.call("GET", "/v1/relays", { token: theirs.token })).body).toEqual([]);
  });

  test("the organisations have authorities of their own", async () => {
    const [a, b] = await Promise.all(
      [acme, other].map((tenant) => platform.core.authorities.organisation(tenant.orgId)),
    );
    expect(a?.gatewayClient.chainPem).not.toBe(b?.gatewayClient.chainPem);
    expect(a?.relayClient.chainPem).not.toBe(b?.relayClient.chainPem);
    expect(a?.sshClient.publicLine).not.toBe(b?.sshClient.publicLine);
  });

  test("after all this the first organisation has what it had", async () => {
    const detail = await platform.call("GET", `/v3/gateways/${gateway.id}`, { token: acme.token });
    expect(detail.status).toBe(200);
    expect((await platform.call("GET", "/v1/resources/db", { token: acme.token })).status).toBe(200);
    expect((await platform.call("GET", "/v1/relays", { token: gateway.token })).status).toBe(200);
    expect((await platform.call("POST", "/v2/relays/connect", { token: relay.token })).status).toBe(200);
  });
});
