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

const declared = declareRoute(
  { to: ["person"], right: "list-resources" },
  {
    method: "get",
    path: "/api/v1/things/{id}",
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
      "get /api/docs/json",
      "get /api/health",
      "get /api/status",
      "post /api/v1/auth/invitation",
      "post /api/v1/auth/invitation/accept",
      "post /api/v1/auth/login",
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
  test.each(["/", "/nowhere", "/api/v1/relays", "/v1/relays/", "/v1//relays", "/docs", "/../etc/passwd"])(
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

  test("a request that does not fit its schema is 422 and does not repeat the value", async () => {
    const body = { method: "token", token: 12345 };
    const refused = await platform.call("POST", "/v3/gateways/login", { body });
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ error: "ValidationFailure", code: "REQUEST_INVALID" });
    expect(refused.body.message).toContain("token");
    expect(refused.body.message).not.toContain("12345");
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
