import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { X509Certificate } from "../../../src/pki/x509.ts";
import { startHousekeeping } from "../../../src/platform/housekeeping.ts";
import { EventReader } from "../../support/event-reader.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("audit on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let gateway: { id: string; token: string };
  const instance = crypto.randomUUID();
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    gateway = await platform.gateway(acme, "office");
    await platform.relay(acme, "eu-1");
    const body = { relayName: "eu-1" };
    await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
    const resource = { name: "db", gatewayName: "office", host: "db.internal", port: 5432 };
    await platform.call("POST", "/v1/resources", { token: acme.token, body: resource });
  });
  afterEach(() => platform.close());

  const get = (path: string, token = acme.token) => platform.call("GET", path, { token });
  const report = (records: object[], from: { token: string } = gateway, process = instance) =>
    platform.call("POST", "/v1/gateways/connections", {
      token: from.token,
      body: { instance: process, records },
    });
  const now = () => platform.time.toISOString();
  const connection = (more: object = {}) => ({
    id: crypto.randomUUID(),
    instance,
    openedAt: now(),
    serial: "abc",
    mode: "tcp",
    actor: { type: "user", id: "someone", name: "liar@example.com" },
    target: "db.internal:5432",
    ...more,
  });
  const closed = (more: object = {}) => ({
    closed: { at: now(), bytesUp: 10, bytesDown: 2 ** 40, durationMs: 1500, cause: "ENDED", ...more },
  });
  const serial = async () => {
    const { body } = await platform.call("POST", "/v1/resources/db/access", { token: acme.token, body: {} });
    return new X509Certificate(body.gateway.clientCertificate).serialNumber.replace(/^0+/, "");
  };
  async function exported(path: string, token = acme.token) {
    const request = new Request(`http://platform.test/api${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const response = await platform.api.fetch(request, "192.0.2.1");
    const lines = (await response.text()).split("\n").filter((line) => line !== "");
    return { type: response.headers.get("content-type"), rows: lines.map((line) => JSON.parse(line)) };
  }

  test("X10 a connection is known by its certificate: who, what for, how long, how much", async () => {
    const one = connection({ serial: await serial() });
    expect((await report([one])).status).toBe(200);
    const [open] = (await get("/v1/audit/connections?open=true")).body.connections;
    expect(open).toMatchObject({ id: one.id, closedAt: null, cause: null });
    platform.pass(1500);
    await report([{ ...one, ...closed() }]);
    const { body } = await get("/v1/audit/connections");
    expect(body.connections).toEqual([
      {
        id: one.id,
        gatewayId: gateway.id,
        gatewayName: "office",
        resourceId: expect.any(String),
        resourceName: "db",
        grantId: null,
        serial: one.serial,
        mode: "tcp",
        actor: { type: "user", id: acme.userId, name: acme.email },
        target: "db.internal:5432",
        openedAt: one.openedAt,
        closedAt: now(),
        bytesUp: 10,
        bytesDown: 2 ** 40,
        durationMs: 1500,
        cause: "ENDED",
      },
    ]);
    expect((await get("/v1/audit/connections?open=true")).body.connections).toEqual([]);
  });

  test("X10 the same report twice counts once, and an end stays an end", async () => {
    const one = connection();
    await report([{ ...one, ...closed() }]);
    await report([one, { ...one, ...closed({ cause: "SESSION_ENDED" }) }]);
    const { connections } = (await get("/v1/audit/connections")).body;
    expect(connections).toHaveLength(1);
    expect(connections[0].cause).toBe("ENDED");
  });

  test("X10 what a process of the gateway left open is over when the next one reports", async () => {
    const one = connection();
    await report([one]);
    await report([], gateway, crypto.randomUUID());
    const [row] = (await get("/v1/audit/connections")).body.connections;
    expect(row).toMatchObject({ cause: "GATEWAY_RESTARTED", closedAt: now() });
    await report([{ ...one, ...closed() }], gateway, crypto.randomUUID());
    expect((await get("/v1/audit/connections")).body.connections[0].cause).toBe("ENDED");
  });

  test("another gateway's connection can't be changed, nor seen by another organisation", async () => {
    const bravo = await platform.tenant("bravo");
    const theirs = await platform.gateway(bravo, "office");
    const one = connection();
    await report([one]);
    await report([{ ...one, ...closed() }], theirs);
    expect((await get("/v1/audit/connections")).body.connections[0].closedAt).toBeNull();
    expect((await get("/v1/audit/connections", bravo.token)).body.connections).toEqual([]);
    expect((await get("/v1/audit", bravo.token)).body.entries.length).toBeGreaterThan(0);
    const dump = JSON.stringify((await get("/v1/audit", bravo.token)).body);
    expect(dump).not.toContain(gateway.id);
  });

  test("filters, pages and JSON Lines give the same rows", async () => {
    const start = now();
    for (let i = 0; i < 7; i++) {
      platform.pass(1000);
      await report([connection({ target: `db:${i}`, ...(i % 2 === 0 && closed()) })]);
    }
    const pages: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: { connections: { target: string }[]; next: string | null } = (
        await get(`/v1/audit/connections?limit=3${cursor && `&cursor=${cursor}`}`)
      ).body;
      pages.push(...page.connections.map((row) => row.target));
      cursor = page.next;
    }
    expect(pages).toEqual(["db:6", "db:5", "db:4", "db:3", "db:2", "db:1", "db:0"]);
    const lines = await exported("/v1/audit/connections/export");
    expect(lines.type).toStartWith("text/jsonl");
    expect(lines.rows.map((row) => row.target)).toEqual(pages);
    const targets = async (query: string) =>
      (await get(`/v1/audit/connections?${query}`)).body.connections.map(
        (row: { target: string }) => row.target,
      );
    expect(await targets("open=true")).toEqual(["db:5", "db:3", "db:1"]);
    expect(await targets(`until=${start}`)).toEqual([]);
    expect(await targets(`since=${new Date(platform.time.getTime() - 1500).toISOString()}`)).toEqual([
      "db:6",
      "db:5",
    ]);
    expect(await targets(`gatewayId=${crypto.randomUUID()}`)).toEqual([]);
    expect(await targets(`gatewayId=${gateway.id}&limit=1`)).toEqual(["db:6"]);
    expect((await targets("actor=liar@example.com")).length).toBe(7);
    for (const wrong of ["since=yesterday", "limit=0", "limit=5000", "cursor=x", "open=maybe"]) {
      expect([wrong, (await get(`/v1/audit/connections?${wrong}`)).status]).toEqual([wrong, 422]);
    }
  });

  test("the audit log says who did what from where", async () => {
    const { entries } = (await get("/v1/audit?event=RESOURCE_CREATE")).body;
    expect(entries).toEqual([
      {
        id: expect.any(String),
        time: now(),
        event: "RESOURCE_CREATE",
        actor: { type: "user", id: acme.userId, name: acme.email },
        address: "192.0.2.1",
        detail: expect.objectContaining({ name: "db", target: "db.internal:5432" }),
      },
    ]);
    const nonsense = await get("/v1/audit?event=NONSENSE");
    expect([nonsense.status, nonsense.body.message]).toEqual([422, "event: is no event of the audit log"]);
    const all = (await exported("/v1/audit/export")).rows;
    expect(all.map((entry) => entry.event)).toContain("GATEWAY_CREATE");
    expect(
      (await get(`/v1/audit?actor=${gateway.id}`)).body.entries.map((e: { event: string }) => e.event),
    ).toEqual(["RESOURCE_AUTH_METHOD_LOGIN"]);
  });

  test("only administrators read it, only gateways report", async () => {
    const member = await platform.member(acme, "mia");
    for (const path of [
      "/v1/audit",
      "/v1/audit/connections",
      "/v1/audit/export",
      "/v1/audit/connections/export",
    ]) {
      expect([path, (await get(path, member.token)).status]).toEqual([path, 403]);
      expect([path, (await get(path, gateway.token)).status]).toEqual([path, 403]);
    }
    expect((await report([connection()], acme)).status).toBe(403);
  });

  test("followers hear of connections", async () => {
    const reader = await EventReader.open(platform, acme.token);
    await reader.next("snapshot");
    const one = connection();
    await report([one]);
    await report([{ ...one, ...closed() }]);
    const told = { connectionId: one.id, gatewayId: gateway.id };
    expect((await reader.next("connection.opened")).body).toEqual(told);
    expect((await reader.next("connection.closed")).body).toEqual(told);
    await reader.close();
  });

  test("X10 an open connection keeps its certificates endable for as long as it lives", async () => {
    const reader = await EventReader.open(platform, acme.token);
    await reader.next("snapshot");
    const one = connection({ serial: await serial() });
    await report([one]);
    const over = await serial();
    platform.pass(30 * 24 * 3600 * 1000);
    const kept = () => platform.core.store.read<{ serial: string }>`
      SELECT serial FROM issued_certificates WHERE profile = 'gateway-client'`;
    startHousekeeping(platform.core).close();
    for (let i = 0; i < 4000 && (await kept()).length > 1; i++) await Bun.sleep(5);
    expect((await kept()).map((row) => row.serial)).toEqual([one.serial]);
    await platform.call("POST", "/v1/resources/db/access/revoke", { token: acme.token, body: {} });
    const { body } = await reader.next("access.ended");
    expect(body.serials).toContain(one.serial);
    expect(body.serials).not.toContain(over);
    await reader.close();
  });
});
