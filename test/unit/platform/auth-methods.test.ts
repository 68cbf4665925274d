import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { changeAuthMethod } from "../../../src/platform/services/auth-methods/change.ts";
import { createGateway } from "../../../src/platform/services/gateways/gateways.ts";
import { actorOf } from "../../../src/platform/services/login/authentication.ts";
import { createRelay } from "../../../src/platform/services/relays/relays.ts";
import {
  DATABASES,
  DatabaseHost,
  fieldsOf,
  PUBLIC_HOST,
  type Tenant,
  TestPlatform,
} from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const AWS = { method: "aws", allowedPrincipalArns: "arn:aws:iam::123456789012:role/office" };

describe.each(DATABASES)("authentication methods on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
  });
  afterEach(() => platform.close());

  const asAcme = (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token: acme.token, ...(body !== undefined && { body }) });

  async function version(id: string): Promise<number | undefined> {
    const [row] = await platform.core.store.read<{ token_version: number }>`
      SELECT token_version FROM gateways WHERE id = ${id} UNION SELECT token_version FROM relays WHERE id = ${id}`;
    return row?.token_version;
  }

  const kinds = [
    { kind: "gateway", path: "/v3/gateways", login: "/v3/gateways/login", more: {} },
    { kind: "relay", path: "/v2/relays", login: "/v2/relays/login", more: { host: PUBLIC_HOST } },
  ];

  describe.each(kinds)("of a $kind", ({ kind, path, login, more }) => {
    test("are shown with their settings, and token has none", async () => {
      const made = await asAcme("POST", path, { name: "office", ...more, authMethod: AWS });
      expect(made.status).toBe(200);
      const view = {
        ...AWS,
        id: expect.any(String),
        stsEndpoint: "https://sts.amazonaws.com/",
        allowedAccountIds: "",
        requireAudience: false,
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      };
      expect(made.body.authMethod).toEqual(view);
      expect((await asAcme("GET", `${path}/${made.body.id}`)).body.authMethod).toEqual(view);
      const plain = await asAcme("PATCH", `${path}/${made.body.id}`, { authMethod: { method: "token" } });
      expect(fieldsOf(plain.body.authMethod)).toEqual(["createdAt", "id", "method", "updatedAt"]);
    });

    test("switching keeps who is logged in, and makes an open enrollment token worthless", async () => {
      const agent =
        kind === "gateway" ? await platform.gateway(acme, "office") : await platform.relay(acme, "office");
      const mint = `${path}/${agent.id}/token-auth/generate-enrollment-token`;
      const { token } = (await asAcme("POST", mint)).body;
      const switched = await asAcme("PATCH", `${path}/${agent.id}`, { authMethod: AWS });
      expect(switched.body.authMethod).toMatchObject(AWS);
      expect((await platform.call("POST", login, { body: { method: "token", token } })).status).toBe(400);
      const refused = await asAcme("POST", mint);
      expect(refused.status).toBe(400);
      expect(refused.body.message).toContain("logs in by aws");
      await asAcme("PATCH", `${path}/${agent.id}`, { authMethod: { method: "token" } });
      expect((await platform.call("POST", login, { body: { method: "token", token } })).status).toBe(400);
      // Through all of it the access token of before counts.
      const claims = await platform.core.accessTokens.verify(agent.token);
      expect(claims).toMatchObject({ tokenVersion: await version(agent.id) });
      const { token: next } = (await asAcme("POST", mint)).body;
      expect((await platform.call("POST", login, { body: { method: "token", token: next } })).status).toBe(
        200,
      );
    });

    test("a change is in the audit log with what was before", async () => {
      const { id } = (await asAcme("POST", path, { name: "office", ...more })).body;
      await asAcme("PATCH", `${path}/${id}`, { authMethod: AWS });
      const { body } = await asAcme("GET", "/v1/audit?event=RESOURCE_AUTH_METHOD_UPDATE");
      expect(body.entries[0]).toMatchObject({
        event: "RESOURCE_AUTH_METHOD_UPDATE",
        detail: { resourceType: kind, resourceId: id, name: "office", method: "aws", before: "token" },
      });
    });

    test("revoking says by which method it logs in", async () => {
      const { id } = (await asAcme("POST", path, { name: "office", ...more, authMethod: AWS })).body;
      expect((await asAcme("POST", `${path}/${id}/revoke`)).body).toEqual({ method: "aws" });
    });

    test("are for their own organisation and for those who may edit", async () => {
      const { id } = (await asAcme("POST", path, { name: "office", ...more })).body;
      const other = await platform.tenant("other");
      const change = { body: { authMethod: AWS } };
      const elsewhere = await platform.call("PATCH", `${path}/${id}`, { token: other.token, ...change });
      expect(elsewhere.status).toBe(404);
      const member = await platform.member(acme, "member");
      const weak = await platform.call("PATCH", `${path}/${id}`, { token: member.token, ...change });
      expect(weak.status).toBe(403);
      expect((await asAcme("GET", `${path}/${id}`)).body.authMethod.method).toBe("token");
    });

    test.each<[string, object]>([
      ["nobody allowed", { method: "aws" }],
      ["an ARN that is none", { method: "aws", allowedPrincipalArns: "office" }],
      [
        "a wildcard on a role's path",
        { method: "aws", allowedPrincipalArns: "arn:aws:iam::123456789012:role/a/*" },
      ],
      ["an account of 11 digits", { method: "aws", allowedAccountIds: "12345678901" }],
      ["a method that is not known", { method: "magic" }],
    ])("%s can't be saved", async (_what, authMethod) => {
      expect((await asAcme("POST", path, { name: "office", ...more, authMethod })).status).toBe(422);
    });
  });

  test("whoever loses the right while their cluster is asked neither changes nor makes a gateway or a relay", async () => {
    const { core } = platform;
    const { id } = await platform.gateway(acme, "office");
    const mia = await platform.member(acme, "mia");
    await asAcme("PATCH", `/v1/members/${mia.userId}`, { role: "admin" });
    const before = await actorOf(core, mia.token, "192.0.2.1");
    if (before?.kind !== "person") throw new Error("not a person");
    await asAcme("PATCH", `/v1/members/${mia.userId}`, { role: "member" });
    const wish = {
      method: "aws",
      stsEndpoint: "",
      allowedPrincipalArns: "",
      requireAudience: false,
      allowedAccountIds: "123456789012",
    } as const;
    const late = [
      () => changeAuthMethod(core, before, { kind: "gateway", id, wish }),
      () => createGateway(core, before, { name: "x", wish }),
      () => createRelay(core, before, { name: "x", host: PUBLIC_HOST, wish }),
    ];
    for (const attempt of late) await expect(attempt()).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect((await asAcme("GET", `/v3/gateways/${id}`)).body.authMethod.method).toBe("token");
  });
});
