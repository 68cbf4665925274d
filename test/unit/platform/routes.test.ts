import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "@hono/zod-openapi";
import { answers } from "../../../src/platform/api/fields.ts";
import { declareRoute, requireDeclaredAccess, routes } from "../../../src/platform/api/route.ts";
import { DatabaseHost, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
let platform: TestPlatform;
beforeAll(async () => {
  host = await DatabaseHost.open();
  platform = await TestPlatform.open(host, "sqlite");
});
afterAll(async () => {
  await platform.close();
  await host.close();
});

const documented = z.object({
  tags: z.array(z.object({ name: z.string() })),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        summary: z.string().min(3),
        tags: z.array(z.string()),
        security: z.array(z.unknown()),
        parameters: z.array(z.unknown()).default([]),
        requestBody: z.unknown().optional(),
        responses: z.record(
          z.string(),
          z.object({ content: z.record(z.string(), z.object({ schema: z.unknown() })).optional() }),
        ),
      }),
    ),
  ),
});

const declared = declareRoute(
  { to: ["person"], right: "list-resources" },
  {
    method: "get",
    path: "/api/v1/things/{id}",
    summary: "Show a thing",
    responses: answers(z.object({}), "A thing"),
  },
);

describe("every route declares who may call it", () => {
  test("a declared route is accepted", () => {
    const app = routes().openapi(declared, (c) => c.json({}, 200));
    expect(() => requireDeclaredAccess(app)).not.toThrow();
  });

  test("a route that declares nobody stops the start", () => {
    const nobody = declareRoute([], {
      method: "get",
      path: "/api/v1/secrets",
      summary: "Show a secret",
      responses: answers(z.object({}), "A secret"),
    });
    const app = routes().openapi(nobody, (c) => c.json({}, 200));
    expect(() => requireDeclaredAccess(app)).toThrow("GET /api/v1/secrets");
  });

  test("a route open to holders that declares no right stops the start", () => {
    for (const kind of ["person", "identity"] as const) {
      const anybody = declareRoute([kind, "gateway"], {
        method: "get",
        path: "/api/v1/treasures/{id}",
        summary: "Show a treasure",
        responses: answers(z.object({}), "A treasure"),
      });
      const app = routes().openapi(anybody, (c) => c.json({}, 200));
      expect(() => requireDeclaredAccess(app)).toThrow(
        "The route GET /api/v1/treasures/:id does not declare the right that it needs.",
      );
    }
  });

  test("a route made past the declaration stops the start", () => {
    const app = routes().openapi(declared, (c) => c.json({}, 200));
    app.post("/api/v1/things/:id", (c) => c.text("anybody"));
    expect(() => requireDeclaredAccess(app)).toThrow("POST /api/v1/things/:id");
  });

  test("of the whole API only these are open to anybody", () => {
    const open: string[] = [];
    for (const [path, methods] of Object.entries(Object(platform.api.describe().paths))) {
      for (const [method, operation] of Object.entries(Object(methods))) {
        if (Object(operation).security.length === 0) open.push(`${method} ${path}`);
      }
    }
    expect(open.sort((a, b) => a.localeCompare(b))).toEqual([
      "get /api/docs",
      "get /api/docs/json",
      "get /api/health",
      "get /api/status",
      "get /invitation",
      "get /password-reset",
      "post /api/v1/auth/invitation",
      "post /api/v1/auth/invitation/accept",
      "post /api/v1/auth/login",
      "post /api/v1/auth/password/reset",
      "post /api/v1/auth/token/renew",
      "post /api/v1/auth/universal-auth/login",
      "post /api/v1/bootstrap",
      "post /api/v2/relays/login",
      "post /api/v3/gateways/login",
      "post /api/v3/gateways/token-auth/enroll",
    ]);
  });

  test("every other route refuses a caller without token before it looks at the request", async () => {
    for (const [path, methods] of Object.entries(Object(platform.api.describe().paths))) {
      for (const [method, operation] of Object.entries(Object(methods))) {
        if (Object(operation).security.length === 0) continue;
        const called = path.replace("/api", "").replaceAll(/\{\w+\}/g, "not-an-id");
        const body = method === "get" ? undefined : "not json";
        const answer = await platform.call(method.toUpperCase(), called, { body });
        expect([method, path, answer.status]).toEqual([method, path, 401]);
      }
    }
  });
});

describe("the HTTP surface", () => {
  test.each(["/", "/nowhere", "/api/v1/relays", "/v1/relays/", "/v1//relays", "/docs/", "/../etc/passwd"])(
    "an unknown path (/api%s) is a JSON 404 in the envelope",
    async (path) => {
      const { status, body, headers } = await platform.call("GET", path);
      expect(status).toBe(404);
      expect(headers.get("content-type")).toStartWith("application/json");
      expect(body).toEqual({
        reqId: expect.stringMatching(/^req-/),
        statusCode: 404,
        message: expect.any(String),
        error: "NotFound",
        code: "NOT_FOUND",
      });
      expect(headers.get("x-request-id")).toBe(body.reqId);
    },
  );

  test("a known path with another method is a JSON 404 too", async () => {
    expect((await platform.call("PUT", "/v1/relays")).status).toBe(404);
    const response = await platform.api.fetch(
      new Request("http://platform.test/api/v1/relays", {
        method: "OPTIONS",
        headers: { origin: "https://evil.example", "access-control-request-method": "GET" },
      }),
      "192.0.2.1",
    );
    expect(response.status).toBe(404);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("a link that is opened in a browser says what to do with it, and runs nothing", async () => {
    for (const [path, flag] of [
      ["/invitation", "--invitation"],
      ["/password-reset", "--password-reset"],
    ]) {
      const request = new Request(`http://platform.test${path}`);
      const response = await platform.api.fetch(request, "192.0.2.1");
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(response.headers.get("content-security-policy")).toStartWith(
        "default-src 'none'; style-src 'sha256-",
      );
      const text = await response.text();
      expect(text).toContain(`sallyport login ${flag} '&lt;the address`);
      expect(text).not.toContain("<script");
    }
  });

  test("a request that does not fit its schema is 422 and does not repeat the value", async () => {
    const body = { method: "token", token: 12345 };
    const refused = await platform.call("POST", "/v3/gateways/login", { body });
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ error: "ValidationFailure", code: "REQUEST_INVALID" });
    expect(refused.body.message).toContain("token");
    expect(refused.body.message).not.toContain("12345");
  });

  test("a type without a body is no body: 200 where none is needed, 422 where one is", async () => {
    const acme = await platform.tenant("typed");
    const gateway = await platform.gateway(acme, "office");
    await platform.relay(acme, "eu-1");
    await platform.call("POST", "/v3/gateways/connect", {
      token: gateway.token,
      body: { relayName: "eu-1" },
    });
    for (const body of [() => undefined, () => "", () => new Blob([]).stream()]) {
      const post = async (path: string, token: string) => {
        const request = new Request(`http://platform.test/api${path}`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: body() ?? null,
        });
        return (await platform.api.fetch(request, "192.0.2.1")).status;
      };
      expect(await post("/v3/gateways/connect", gateway.token)).toBe(200);
      expect(await post("/v3/gateways", acme.token)).toBe(422);
    }
  });

  test("a body that is not JSON is 400, one over 64 KiB 413, also without a length", async () => {
    expect((await platform.call("POST", "/v3/gateways/login", { body: "{" })).status).toBe(400);
    const huge = JSON.stringify({ method: "token", token: "x".repeat(70_000) });
    expect((await platform.call("POST", "/v3/gateways/login", { body: huge })).status).toBe(413);
    const stream = new Blob([huge]).stream();
    const request = new Request("http://platform.test/api/v3/gateways/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: stream,
    });
    expect((await platform.api.fetch(request, "192.0.2.1")).status).toBe(413);
  });

  test("answers are not cached, not framed and not sniffed", async () => {
    const { headers } = await platform.call("GET", "/status");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });

  test("the API describes itself as OpenAPI 3.1", async () => {
    const { status, body } = await platform.call("GET", "/docs/json");
    expect(status).toBe(200);
    expect(body.openapi).toBe("3.1.0");
    expect(body.servers).toEqual([{ url: "http://127.0.0.1:8080" }]);
    expect(body.paths["/api/v3/gateways/connect"].post["x-access"]).toContain("gateway");
    expect(body.components.schemas).toHaveProperty("Gateway");
  });

  test("every route says what it does, to whom it belongs, and every way to be refused", () => {
    const { tags, paths } = documented.parse(platform.api.describe());
    const groups = new Set(tags.map(({ name }) => name));
    const summaries: string[] = [];
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, its] of Object.entries(methods)) {
        const name = `${method} ${path}`;
        expect([name, its.tags.length, groups.has(its.tags[0] ?? "")]).toEqual([name, 1, true]);
        summaries.push(its.summary);
        const refusals = Object.entries(its.responses).filter(([status]) => status !== "200");
        for (const [status, { content }] of refusals) {
          const schema = content?.["application/json"]?.schema;
          expect([name, status, schema]).toEqual([name, status, { $ref: "#/components/schemas/Refusal" }]);
        }
        const expected = ["500", "503", "default"];
        if (its.security.length > 0) expected.push("401", "403");
        if (its.requestBody) expected.push("400", "408", "409", "413", "422");
        if (its.requestBody || its.parameters.length > 0) expected.push("400", "404", "422");
        const missing = expected.filter((status) => !refusals.some(([given]) => given === status));
        expect([name, missing]).toEqual([name, []]);
      }
    }
    expect(
      summaries.filter((summary, i) => summaries.indexOf(summary) !== i && !/authorities/.test(summary)),
    ).toEqual([]);
  });

  test("the page of the API shows every route and needs nothing else", async () => {
    const answer = await platform.api.fetch(new Request("http://platform.test/api/docs"), "192.0.2.1");
    const { status, headers } = answer;
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const page = await answer.text();
    for (const [path, methods] of Object.entries(documented.parse(platform.api.describe()).paths)) {
      for (const { summary } of Object.values(methods)) {
        expect(page).toContain(
          `<code>${path}</code><span class="summary">${summary.replaceAll("'", "&#39;")}`,
        );
      }
    }
    expect(page).not.toMatch(/<script|<link|<img|<iframe|\son\w+=|url\(|@import/i);
    expect(page.match(/(?:src|href)="(?!#|\/api\/docs\/json")/g)).toBeNull();
    const [, sheet = ""] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
    const hash = new Bun.CryptoHasher("sha256").update(sheet).digest("base64");
    expect(headers.get("content-security-policy")).toContain(`style-src 'sha256-${hash}'`);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test("a fault inside is a 500 that tells nothing", async () => {
    const broken = await TestPlatform.open(host, "sqlite");
    await broken.core.store.transaction((sql) => sql`ALTER TABLE instance RENAME TO gone`);
    const answer = await broken.call("GET", "/health");
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ error: "InternalServerError", code: "INTERNAL" });
    expect(JSON.stringify(answer.body)).not.toContain("instance");
    await broken.close();
  });
});
