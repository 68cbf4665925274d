import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isRight, RIGHT_NAMES, rightsOf } from "../../../src/platform/services/people/rights.ts";
import { knock, routesOf } from "../../support/api-routes.ts";
import { DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
let platform: TestPlatform;
let acme: Tenant;
beforeAll(async () => {
  host = await DatabaseHost.open();
  platform = await TestPlatform.open(host, "sqlite");
  acme = await platform.tenant("acme");
});
afterAll(async () => {
  await platform.close();
  await host.close();
});

const asAdmin = (method: string, path: string, body?: unknown) =>
  platform.call(method, path, { token: acme.token, body });

/** A person and a machine identity with a role of their own, whose rights change as told. */
async function holdersOf(name: string) {
  const { body: role } = await asAdmin("POST", "/v1/roles", { name, rights: [] });
  const person = await platform.member(acme, name);
  await asAdmin("PATCH", `/v1/members/${person.userId}`, { role: name });
  const { body: identity } = await asAdmin("POST", "/v1/identities", { name, role: name });
  const secrets = `/v1/auth/universal-auth/identities/${identity.id}/client-secrets`;
  const { clientSecret } = (await asAdmin("POST", secrets, {})).body;
  const login = await platform.call("POST", "/v1/auth/universal-auth/login", {
    body: { clientId: identity.clientId, clientSecret },
  });
  return {
    tokens: { person: person.token, identity: String(login.body.accessToken) },
    may: async (rights: string[]) => {
      const answer = await asAdmin("PATCH", `/v1/roles/${role.id}`, { rights });
      expect(answer.status).toBe(200);
    },
  };
}

/** PROTOCOL F, and what is ours beside it. A route that is not here yet obeys the rule of its method. */
const NEEDED: Record<string, string> = {
  "POST /v3/gateways": "create-gateways",
  "POST /v2/gateways": "create-gateways",
  "GET /v2/gateways": "list-gateways",
  "GET /v3/gateways/{id}": "list-gateways",
  "GET /v2/gateways/{id}/resources": "list-gateways",
  "GET /v2/relays/{id}/gateways": "list-gateways",
  "POST /v2/gateways/{id}/heartbeat": "list-gateways",
  "POST /v3/gateways/{id}/token-auth/generate-enrollment-token": "edit-gateways",
  "DELETE /v2/gateways/{id}": "delete-gateways",
  "POST /v3/gateways/{id}/revoke": "revoke-gateway-access",
  "POST /v1/gateways/{idOrName}/access": "connect-gateways",
  "POST /v2/relays": "create-relays",
  "POST /v1/relays/register-org-relay": "create-relays",
  "GET /v1/relays": "list-relays",
  "GET /v2/relays/{id}": "list-relays",
  "PATCH /v2/relays/{id}": "edit-relays",
  "POST /v1/relays/{id}/drain": "edit-relays",
  "POST /v2/relays/{id}/token-auth/generate-enrollment-token": "edit-relays",
  "DELETE /v1/relays/{id}": "delete-relays",
  "POST /v2/relays/{id}/revoke": "revoke-relay-access",
  "POST /v2/gateway-pools": "create-gateway-pools",
  "DELETE /v2/gateway-pools/{poolId}": "delete-gateway-pools",
  "POST /v2/gateway-pools/{poolId}/memberships": "edit-gateway-pools",
  "DELETE /v2/gateway-pools/{poolId}/memberships/{gatewayId}": "edit-gateway-pools",
  "POST /v1/resources": "create-resources",
  "PATCH /v1/resources/{idOrName}": "edit-resources",
  "DELETE /v1/resources/{idOrName}": "delete-resources",
  "POST /v1/resources/{idOrName}/access": "connect-resources",
  "POST /v1/resources/{idOrName}/access/revoke": "revoke-resource-access",
  "GET /v1/resources/{idOrName}/grants": "list-grants",
  "POST /v1/resources/{idOrName}/grants": "create-grants",
  "DELETE /v1/resources/{idOrName}/grants": "delete-grants",
  "POST /v1/invitations": "create-members",
  "DELETE /v1/invitations/{id}": "create-members",
  "PATCH /v1/members/{idOrEmail}": "edit-members",
  "DELETE /v1/members/{idOrEmail}": "delete-members",
  "GET /v1/members/{idOrEmail}/tokens": "edit-members",
  "DELETE /v1/members/{idOrEmail}/tokens/{id}": "edit-members",
  "POST /v1/members/{idOrEmail}/password-reset": "edit-members",
  "POST /v1/roles": "create-roles",
  "PATCH /v1/roles/{idOrName}": "edit-roles",
  "DELETE /v1/roles/{idOrName}": "delete-roles",
  "POST /v1/identities": "create-identities",
  "PATCH /v1/identities/{idOrName}": "edit-identities",
  "DELETE /v1/identities/{idOrName}": "delete-identities",
  "GET /v1/audit": "list-audit-log",
  "GET /v1/audit/export": "list-audit-log",
  "GET /v1/audit/connections": "list-connections",
  "GET /v1/audit/connections/export": "list-connections",
  "PATCH /v1/organisation": "edit-organisation",
  "POST /v1/organisations": "instance-administrator",
};

describe("every route x every role", () => {
  test("declares the right that fits it: nothing is changed by whoever may only look", () => {
    const declared = new Map(
      routesOf(platform).map((route) => [`${route.method} ${route.path}`, route.right]),
    );
    for (const [name, right] of Object.entries(NEEDED)) {
      expect([name, declared.get(name)]).toEqual([name, right]);
    }
    for (const [name, right] of declared) {
      if (right === undefined || right === "self" || right === "instance-administrator") continue;
      if (Object.hasOwn(NEEDED, name)) continue;
      // A probe changes nothing but what is seen.
      const onlyLooks = name.startsWith("GET ") || /^POST .*\}\/(heartbeat|health-check)$/.test(name);
      expect([name, right.startsWith("list-")]).toEqual([name, onlyLooks]);
    }
  });

  const isOpen = (status: number) => status !== 401 && status !== 403;

  test("needs exactly the right that it declares, of people and machine identities alike", async () => {
    const exact = await holdersOf("exact");
    const allBut = await holdersOf("all-but");
    let walked = 0;
    for (const route of routesOf(platform)) {
      const { right } = route;
      if (right === undefined || !isRight(right)) continue;
      walked++;
      await exact.may([right]);
      await allBut.may(RIGHT_NAMES.filter((other) => other !== right));
      for (const kind of ["person", "identity"] as const) {
        const name = `${kind}: ${route.method} ${route.path}`;
        const asked = route.access.includes(kind);
        expect([name, isOpen((await knock(platform, route, exact.tokens[kind])).status)]).toEqual([
          name,
          asked,
        ]);
        const refused = await knock(platform, route, allBut.tokens[kind]);
        expect([name, refused.status]).toEqual([name, 403]);
        if (asked)
          expect([name, refused.text]).toEqual([name, expect.stringContaining(`the right ${right}:`)]);
      }
    }
    expect(walked).toBeGreaterThan(60);
  });

  test("an administrator may everything, a member what their role has, and no-access nothing", async () => {
    const member = await platform.member(acme, "plain-member");
    const outsider = await platform.member(acme, "no-access");
    await asAdmin("PATCH", `/v1/members/${outsider.userId}`, { role: "no-access" });
    const allowed = rightsOf("member", null);
    for (const route of routesOf(platform)) {
      const { right } = route;
      if (right === undefined || !isRight(right) || !route.access.includes("person")) continue;
      const name = `${route.method} ${route.path}`;
      const statuses = await Promise.all(
        [acme, member, outsider].map(async ({ token }) => (await knock(platform, route, token)).status),
      );
      expect([name, ...statuses.map(isOpen)]).toEqual([name, true, allowed.has(right), false]);
    }
  });

  test("what is about the caller alone is open to everybody who is logged in, whatever their role", async () => {
    const nobody = await holdersOf("nobody");
    for (const route of routesOf(platform)) {
      if (route.right !== "self") continue;
      for (const kind of ["person", "identity"] as const) {
        const name = `${kind}: ${route.method} ${route.path}`;
        const { status } = await knock(platform, route, nobody.tokens[kind]);
        expect([name, isOpen(status)]).toEqual([name, route.access.includes(kind)]);
      }
    }
  });

  test("what belongs to the instance is for its administrators, not for an organisation's", async () => {
    const root = await platform.tenant("root", true);
    const routes = routesOf(platform).filter(({ right }) => right === "instance-administrator");
    expect(routes.length).toBeGreaterThan(0);
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      expect([name, (await knock(platform, route, acme.token)).status]).toEqual([name, 403]);
      expect([name, isOpen((await knock(platform, route, root.token)).status)]).toEqual([name, true]);
    }
  });

  test("a route for gateways, relays or nobody in particular is closed to people and machine identities", async () => {
    const { tokens } = await holdersOf("everything");
    for (const route of routesOf(platform)) {
      if (route.right !== undefined || route.access.includes("anyone")) continue;
      for (const token of [acme.token, tokens.identity]) {
        const name = `${route.method} ${route.path}`;
        expect([name, isOpen((await knock(platform, route, token)).status)]).toEqual([name, false]);
      }
    }
  });
});

describe("another organisation's administrator", () => {
  test("finds nothing: every path with an id of this one answers 404", async () => {
    const other = await platform.tenant("other");
    const made = async (path: string, body: object) => String((await asAdmin("POST", path, body)).body.id);
    const gateway = (await platform.gateway(acme, "office")).id;
    const resource = { name: "db", gatewayName: "office", host: "db.internal", port: 5432 };
    const ids: Record<string, string> = {
      gateways: gateway,
      relays: (await platform.relay(acme, "eu-1")).id,
      resources: await made("/v1/resources", resource),
      "gateway-pools": await made("/v2/gateway-pools", { name: "both" }),
      identities: await made("/v1/identities", { name: "robot" }),
      roles: await made("/v1/roles", { name: "auditor", rights: [] }),
      members: (await platform.member(acme, "mia")).userId,
      invitations: await made("/v1/invitations", { email: "new@example.com" }),
      tokens: await made("/v1/auth/tokens", { name: "script" }),
      destinations: await made("/v1/alerts/destinations", { name: "to-the-log", kind: "log" }),
    };
    const bodies: Record<string, object> = {
      "POST /v1/gateways/{idOrName}/access": { targetHost: "db.internal", targetPort: 5432 },
      "PATCH /v2/relays/{id}": { host: "203.0.113.66" },
      "PATCH /v1/members/{idOrEmail}": { role: "admin" },
      "POST /v2/gateway-pools/{poolId}/memberships": { gatewayId: gateway },
      "POST /v1/resources/{idOrName}/grants": { userId: other.userId },
      "DELETE /v1/resources/{idOrName}/grants": { userId: other.userId },
      "PATCH /v3/gateways/{id}": { authMethod: { method: "token" } },
    };
    let walked = 0;
    for (const { method, path, right } of routesOf(platform)) {
      if (right === undefined || !path.includes("{")) continue;
      const [collection = ""] = /[a-z-]+(?=\/\{)/.exec(path) ?? [];
      const id = ids[collection];
      if (id === undefined) throw new Error(`Give this test an object for ${method} ${path}`);
      const asked = path.replace(/\{\w+\}/, id).replaceAll(/\{\w+\}/g, gateway);
      const body = method === "GET" ? undefined : (bodies[`${method} ${path}`] ?? {});
      const { status } = await platform.call(method, asked, { token: other.token, body });
      expect([method, path, status]).toEqual([method, path, 404]);
      walked++;
    }
    expect(walked).toBeGreaterThan(35);
  });
});
