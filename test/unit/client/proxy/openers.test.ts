import { afterEach, describe, expect, test } from "bun:test";
import { Openers } from "../../../../src/client/proxy/openers.ts";
import { throughCertificate, throughGateway, throughResources } from "../../../../src/client/proxy/reach.ts";
import type { ClientCredentials } from "../../../../src/pki/credentials.ts";
import { PlatformClient } from "../../../../src/platform-client/client.ts";
import { testPki } from "../../../support/test-pki.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const ID = "0b000000-0000-4000-8000-00000000000b";
const row = (name: string, host: string, port: number, kind = "tcp") => ({
  id: ID,
  name,
  gatewayId: ID,
  gatewayName: "office",
  host,
  port,
  kind,
  createdAt: "2026-01-01T00:00:00.000Z",
});

/** A platform that lists resources and refuses every access, and says what it was asked. */
function platform(rows: unknown[] = []): { client: PlatformClient; calls: string[] } {
  const calls: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const body = request.method === "POST" ? await request.json() : {};
      calls.push(`${request.method} ${pathname} ${body.targetHost ?? ""} ${body.targetPort ?? ""}`.trim());
      if (request.method === "GET") return Response.json(rows);
      return Response.json({ statusCode: 403, message: "You may not." }, { status: 403 });
    },
  });
  closers.push(() => void server.stop(true));
  return {
    client: new PlatformClient({ domain: `http://127.0.0.1:${server.port}`, token: () => "t" }),
    calls,
  };
}

describe("behind a gateway", () => {
  test("the platform is asked for exactly what was named, and nothing is resolved here", async () => {
    const { client, calls } = platform();
    const openers = new Openers(throughGateway(client, "office"), Buffer.from("CONFIG\n"));
    const forbidden = expect.objectContaining({ code: "FORBIDDEN" });
    await expect(openers.open({ host: "localhost", port: 22 })).rejects.toEqual(forbidden);
    await expect(openers.open({ host: "2001:db8::1", port: 5432 })).rejects.toEqual(forbidden);
    expect(calls).toEqual([
      "POST /api/v1/gateways/office/access localhost 22",
      "POST /api/v1/gateways/office/access [2001:db8::1] 5432",
    ]);
  });

  test("a refusal is repeated for a while without asking again", async () => {
    const { client, calls } = platform();
    let now = 0;
    const openers = new Openers(throughGateway(client, "office"), Buffer.alloc(0), { now: () => now });
    const ask = () => openers.open({ host: "a", port: 1 }).catch((error: unknown) => error);
    for (let count = 0; count < 5; count++) expect(await ask()).toMatchObject({ code: "FORBIDDEN" });
    expect(calls).toHaveLength(1);
    now = 3001;
    await ask();
    expect(calls).toHaveLength(2);
  });

  test("no more than 256 targets are remembered", async () => {
    const { client } = platform();
    const openers = new Openers(throughGateway(client, "office"), Buffer.alloc(0));
    const ports = Array.from({ length: 300 }, (_, port) => port + 1);
    for (const port of ports) {
      await openers
        .open({ host: "a", port })
        .catch((error: Error) => expect(error.message).toContain("may not"));
    }
    expect(openers.size).toBe(256);
  });
});

describe("among resources", () => {
  const rows = [
    row("orders-db", "db.internal", 5432, "postgres"),
    row("billing", "https://billing.internal", 443, "http"),
    row("router", "[2001:db8::7]", 22, "ssh"),
  ];

  test.each<[string, number, string]>([
    ["orders-db", 5432, "orders-db"],
    ["ORDERS-DB", 5432, "orders-db"],
    ["db.internal", 5432, "orders-db"],
    ["DB.internal.", 5432, "orders-db"],
    ["billing", 443, "billing"],
    ["billing", 80, "billing"],
    ["2001:db8:0::7", 22, "router"],
  ])("%s:%d is %s", async (host, port, name) => {
    const { client, calls } = platform(rows);
    const openers = new Openers(throughResources(client), Buffer.alloc(0));
    await openers
      .open({ host, port })
      .catch((error: unknown) => expect(error).toMatchObject({ code: "FORBIDDEN" }));
    expect(calls).toEqual(["GET /api/v1/resources", `POST /api/v1/resources/${name}/access`]);
  });

  test.each<[string, number, RegExp]>([
    ["orders-db", 5433, /on port 5432, not on 5433/],
    ["db.internal", 5433, /No resource that you may reach is db.internal:5433/],
    ["billing.internal", 443, /No resource/],
    ["169.254.169.254", 80, /No resource/],
  ])("%s:%d is none of them", async (host, port, why) => {
    const { client, calls } = platform(rows);
    const openers = new Openers(throughResources(client), Buffer.alloc(0));
    const failure = await openers.open({ host, port }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "NOT_FOUND", message: expect.stringMatching(why) });
    expect(calls).toEqual(["GET /api/v1/resources"]);
  });

  test("the list is asked for again after a while, not for each connection", async () => {
    const { client, calls } = platform(rows);
    let now = 0;
    const reach = throughResources(client, () => now);
    for (let count = 0; count < 10; count++) await reach({ host: "orders-db", port: 5432 });
    expect(calls).toHaveLength(1);
    now = 15_001;
    await reach({ host: "orders-db", port: 5432 });
    expect(calls).toHaveLength(2);
  });
});

test("with a certificate of its own only that certificate's target is there", async () => {
  const made = await (await testPki()).client();
  const credentials: ClientCredentials = { ...made, target: { host: "db.internal", port: 5432 } };
  const reach = throughCertificate(async () => credentials);
  expect((await reach({ host: "db.internal", port: 5432 })).key).toBe("certificate");
  for (const asked of [
    { host: "db.internal", port: 22 },
    { host: "other.internal", port: 5432 },
  ]) {
    await expect(reach(asked)).rejects.toMatchObject({
      code: "TARGET_DENIED",
      message: expect.stringContaining("leads to db.internal:5432 only"),
    });
  }
});
