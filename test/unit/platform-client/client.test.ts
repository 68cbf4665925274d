import { afterEach, describe, expect, test } from "bun:test";
import { PlatformClient } from "../../../src/platform-client/client.ts";

const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(true)));
});

function platform(answer: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  servers.push(server);
  return `http://127.0.0.1:${server.port}`;
}

function client(domain: string, more: { token?: () => string; timeoutMs?: number } = {}): PlatformClient {
  return new PlatformClient({ domain, ...more });
}

const login = { method: "token", token: "gwe_x" } as const;

describe("platform client", () => {
  test("sends the bearer token and JSON, and parses the answer", async () => {
    const seen: { url: string; authorization: string | null; type: string | null; body: unknown }[] = [];
    const domain = platform(async (request) => {
      seen.push({
        url: new URL(request.url).pathname,
        authorization: request.headers.get("authorization"),
        type: request.headers.get("content-type"),
        body: await request.json(),
      });
      return Response.json({
        gatewayId: "g",
        relayHost: "relay.example.com",
        pki: { serverCertificate: "c", clientCertificateChain: "ca" },
        newField: 1,
      });
    });
    const answer = await client(`${domain}/api/`, { token: () => "secret" }).gatewayAgent.connect({
      csr: "pem",
    });
    expect(answer).toEqual({
      gatewayId: "g",
      relayHost: "relay.example.com",
      pki: { serverCertificate: "c", clientCertificateChain: "ca" },
    });
    expect(seen).toEqual([
      {
        url: "/api/v3/gateways/connect",
        authorization: "Bearer secret",
        type: "application/json",
        body: { csr: "pem" },
      },
    ]);
  });

  test("a relay's heartbeat has neither body nor content type", async () => {
    let type: string | null = "unset";
    const domain = platform((request) => {
      type = request.headers.get("content-type");
      return Response.json({ message: "ok" });
    });
    await client(domain).relayAgent.heartbeat();
    expect(type).toBeNull();
  });

  test.each([
    ["7", 7],
    ["99999", 600],
    ["Sun, 22 Nov 2026 07:00:00 GMT", undefined],
    ["-1", undefined],
  ])("a refusal keeps when to come again: %s", async (header, retryAfter) => {
    const headers = { "retry-after": header };
    const domain = platform(() => Response.json({ message: "more slowly" }, { status: 429, headers }));
    const refusal = await client(domain)
      .gatewayAgent.login(login)
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ message: `${domain} refuses: more slowly.`, retryAfter });
  });

  test("a refusal keeps the platform's words and code, on one line", async () => {
    const domain = platform(() =>
      Response.json({ message: "gone\nforged line", code: "GATEWAY_REVOKED" }, { status: 401 }),
    );
    await expect(client(domain).relays.list()).rejects.toMatchObject({
      code: "GATEWAY_REVOKED",
      message: `${domain} refuses: gone forged line.`,
    });
  });

  test.each([
    [401, "UNAUTHENTICATED"],
    [403, "FORBIDDEN"],
    [404, "NOT_FOUND"],
    [400, "PLATFORM_ERROR"],
    [500, "PLATFORM_ERROR"],
  ])("status %i of a platform without codes means %s", async (status, code) => {
    const domain = platform(() => Response.json({ message: "no" }, { status }));
    await expect(client(domain).relays.list()).rejects.toMatchObject({ code });
  });

  test("a plain 400 at login means that the enrollment token is of no use, a 500 does not", async () => {
    const refusing = platform(() => Response.json({ message: "Invalid enrollment token" }, { status: 400 }));
    await expect(client(refusing).gatewayAgent.login(login)).rejects.toMatchObject({
      code: "ENROLLMENT_TOKEN_INVALID",
    });
    const failing = platform(() => Response.json({ message: "oops" }, { status: 500 }));
    await expect(client(failing).relayAgent.login(login)).rejects.toMatchObject({ code: "PLATFORM_ERROR" });
  });

  test("whoever waits is told so", async () => {
    const { promise: told, resolve: onSlow } = Promise.withResolvers<void>();
    const domain = platform(async () => {
      await told;
      return Response.json([]);
    });
    expect(await new PlatformClient({ domain, onSlow }).relays.list()).toEqual([]);
  });

  test("a redirect is not followed", async () => {
    let calls = 0;
    const domain = platform(() => {
      calls++;
      return Response.redirect("/api/v1/relays", 302);
    });
    await expect(client(domain).relays.list()).rejects.toMatchObject({ code: "PLATFORM_ERROR" });
    expect(calls).toBe(1);
  });

  test("a page instead of JSON, and JSON of another shape, are refused", async () => {
    const page = platform(() => new Response("<html>", { headers: { "content-type": "text/html" } }));
    await expect(client(page).gatewayAgent.login(login)).rejects.toMatchObject({ code: "PLATFORM_ERROR" });
    const other = platform(() => Response.json({ accessToken: "", gatewayId: 7 }));
    await expect(client(other).gatewayAgent.login(login)).rejects.toMatchObject({ code: "PLATFORM_ERROR" });
  });

  test("an answer without end is cut at its limit", async () => {
    const chunk = new Uint8Array(1024 * 1024);
    const domain = platform(
      () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) })),
    );
    await expect(client(domain).relays.list()).rejects.toMatchObject({
      code: "PLATFORM_ERROR",
      message: expect.stringContaining("4 MiB"),
    });
  });

  test("silence ends at the time-out, and a closed port at once", async () => {
    const domain = platform(() => new Promise<Response>(() => {}));
    await expect(client(domain, { timeoutMs: 50 }).relays.list()).rejects.toMatchObject({
      code: "PLATFORM_UNREACHABLE",
      message: `${domain} does not answer in time.`,
    });
    await expect(client("http://127.0.0.1:1").relays.list()).rejects.toMatchObject({
      code: "PLATFORM_UNREACHABLE",
    });
  });

  test("plain http to another machine is refused without being asked for", () => {
    expect(() => client("http://platform.example.com")).toThrow("--insecure-http");
  });
});
