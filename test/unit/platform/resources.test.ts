import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { createCertificateRequest } from "../../../src/pki/csr.ts";
import { OID, parseActor, parseRouting } from "../../../src/pki/extensions.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import { X509Certificate } from "../../../src/pki/x509.ts";
import { listEndedSerials } from "../../../src/platform/store/issued-certificates.ts";
import {
  DATABASES,
  DatabaseHost,
  PUBLIC_HOST,
  RELAY_SECRET,
  type Tenant,
  TestPlatform,
} from "../../support/platform.ts";

const everywhere = { orgId: null, gatewayId: null, limit: 100 };

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

function extension(pem: string, oid: string): Buffer {
  const found = new X509Certificate(pem).getExtension(oid);
  return Buffer.from(found?.value ?? new ArrayBuffer(0));
}

describe.each(DATABASES)("resources on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let gateway: { id: string; token: string };
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    gateway = await platform.gateway(acme, "office");
    await platform.relay(acme, "eu-1");
    const body = { relayName: "eu-1" };
    await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
  });
  afterEach(() => platform.close());

  const call = (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token: acme.token, body });
  const create = (body: object) =>
    call("POST", "/v1/resources", {
      name: "db",
      gatewayName: "office",
      host: "db.internal",
      port: 5432,
      ...body,
    });

  test("are created, listed, read by id or name, and deleted", async () => {
    const made = await create({});
    expect(made.status).toBe(200);
    const resource = {
      id: expect.any(String),
      name: "db",
      gatewayId: gateway.id,
      gatewayName: "office",
      poolId: null,
      poolName: null,
      host: "db.internal",
      port: 5432,
      kind: "tcp",
      createdAt: platform.time.toISOString(),
      updatedAt: platform.time.toISOString(),
    };
    expect(made.body).toEqual({ ...resource, warnings: [] });
    expect((await call("GET", "/v1/resources")).body).toEqual([resource]);
    expect((await call("GET", `/v1/resources/${made.body.id}`)).body).toEqual(resource);
    expect((await call("GET", "/v1/resources/db")).body).toEqual(resource);
    const [listed] = (await call("GET", "/v2/gateways")).body;
    expect(listed.connectedResourcesCount).toBe(1);
    expect((await call("DELETE", "/v1/resources/db")).body).toEqual(resource);
    expect((await call("DELETE", "/v1/resources/db")).status).toBe(404);
  });

  test("a name is used once; exactly one way to name the gateway is given", async () => {
    await create({});
    expect((await create({})).body.code).toBe("ALREADY_EXISTS");
    expect((await create({ name: "b", gatewayId: gateway.id })).status).toBe(400);
    expect((await create({ name: "b", gatewayName: undefined })).status).toBe(400);
    expect((await create({ name: "b", gatewayName: "nowhere" })).status).toBe(404);
    expect((await create({ name: "b", gatewayName: undefined, gatewayId: gateway.id })).status).toBe(200);
  });

  test("a loopback target is accepted with a warning that says what to do", async () => {
    const targets = ["127.0.0.1", "localhost", "::1", "[::1]", "127.1.2.3", "localhost."];
    for (const [i, target] of targets.entries()) {
      const { status, body } = await create({ name: `db-${i}`, host: target });
      expect([target, status]).toEqual([target, 200]);
      expect(body.warnings[0]).toContain("--allow");
    }
  });

  test("a target that is no host is refused", async () => {
    const targets = ["", "a b", "db:5432", "-x", "a\nb", "[::1", "[db]", "x".repeat(254), "db/.."];
    for (const target of [...targets, "[fe80::1%eth0]", "file://db", "http://db/path", "user@db"]) {
      expect([target, (await create({ host: target })).status]).toEqual([target, 422]);
    }
    expect((await create({ host: "a\u0000b" })).status).toBe(400);
    expect((await create({ host: "https://db.internal", kind: "http" })).status).toBe(200);
  });

  test("a kind decides the port where none is given, and how the target is spoken to", async () => {
    const cases: [string, string, number, string][] = [
      ["http", "wiki", 80, "http"],
      ["http", "https://wiki", 443, "http"],
      ["ssh", "host", 22, "tcp"],
      ["postgres", "db", 5432, "tcp"],
      ["mysql", "db", 3306, "tcp"],
      ["redis", "cache", 6379, "tcp"],
      ["kubernetes", "api.cluster", 443, "tcp"],
      ["kubernetes", "https://api.cluster", 443, "http"],
    ];
    for (const [i, [kind, target, port, mode]] of cases.entries()) {
      const name = `r-${i}`;
      const made = await create({ name, kind, host: target, port: undefined });
      expect([kind, made.body.port]).toEqual([kind, port]);
      const { body } = await call("POST", `/v1/resources/${name}/access`, {});
      expect(body.target).toEqual({ host: target, port, kind, mode });
    }
    expect((await create({ port: undefined })).body.message).toContain("Give the port");
    expect((await create({ kind: "postgres", host: "https://db" })).body.message).toContain("scheme");
    expect((await create({ kind: "oracle" })).status).toBe(422);
  });

  test("are changed and renamed; another target cuts what is open to the former one", async () => {
    const { id } = (await create({})).body;
    await create({ name: "taken" });
    const ended = async () => (await listEndedSerials(platform.core.store.read, everywhere)).length;
    await call("POST", "/v1/resources/db/access", {});
    const renamed = await call("PATCH", "/v1/resources/db", { name: "main-db", kind: "postgres" });
    expect(renamed.body).toMatchObject({ id, name: "main-db", kind: "postgres", port: 5432, warnings: [] });
    expect(await ended()).toBe(0);
    expect((await call("PATCH", "/v1/resources/main-db", { name: "taken" })).body.code).toBe(
      "ALREADY_EXISTS",
    );
    platform.pass(1000);
    const moved = await call("PATCH", `/v1/resources/${id}`, { host: "localhost" });
    expect(moved.body).toMatchObject({ host: "localhost", port: 5432, gatewayName: "office" });
    expect(moved.body.warnings[0]).toContain("--allow");
    expect(await ended()).toBe(2);
    const { entries } = (await call("GET", "/v1/audit?event=RESOURCE_UPDATE")).body;
    expect(JSON.parse(entries[0].detail.before)).toMatchObject({
      name: "main-db",
      target: "db.internal:5432",
    });
    expect((await call("PATCH", "/v1/resources/none", { port: 1 })).status).toBe(404);
    expect((await call("PATCH", `/v1/resources/${id}`, { port: 0 })).status).toBe(422);
  });

  test("access: certificates for both hops, five minutes, for this person, gateway and target", async () => {
    await create({});
    const relayKey = await generateX509Key();
    const gatewayKey = await generateX509Key();
    const { status, body } = await call("POST", "/v1/resources/db/access", {
      relayCsr: await createCertificateRequest(relayKey.keyPair),
      gatewayCsr: await createCertificateRequest(gatewayKey.keyPair),
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      gatewayId: gateway.id,
      gatewayName: "office",
      relayName: "eu-1",
      relayHost: PUBLIC_HOST,
      relayPort: 8443,
      target: { host: "db.internal", port: 5432, kind: "tcp", mode: "tcp" },
    });
    expect(body.relay).not.toHaveProperty("clientPrivateKey");
    expect(body.gateway).not.toHaveProperty("clientPrivateKey");
    const relayLeaf = new X509Certificate(body.relay.clientCertificate);
    expect(relayLeaf.subjectName.getField("CN")).toEqual([gateway.id]);
    expect(relayLeaf.subjectName.getField("O")).toEqual([`acme-${acme.orgId}`]);
    expect(JSON.parse(extension(body.relay.clientCertificate, OID.gateway).toString())).toEqual({
      name: "office",
    });
    const leaf = new X509Certificate(body.gateway.clientCertificate);
    expect(leaf.subjectName.getField("CN")).toEqual([`user:${gateway.id}`]);
    expect(parseRouting(extension(body.gateway.clientCertificate, OID.routing))).toEqual({
      targetHost: "db.internal",
      targetPort: 5432,
    });
    expect(parseActor(extension(body.gateway.clientCertificate, OID.actor))).toEqual({
      type: "user",
      id: acme.userId,
      name: acme.email,
    });
    const life = Date.parse(body.expiresAt) - platform.time.getTime();
    expect(life).toBeGreaterThan(4 * 60_000);
    expect(life).toBeLessThanOrEqual(5 * 60_000);
    const rows = await platform.core.store.read<{ actor_id: string; target: string }>`
      SELECT actor_id, target FROM issued_certificates WHERE actor_type = ${"user"}`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { actor_id: acme.userId, target: "db.internal:5432" },
      { actor_id: acme.userId, target: "db.internal:5432" },
    ]);
  });

  test("access without CSRs gives fresh private keys that fit", async () => {
    await create({});
    const { body } = await call("POST", "/v1/resources/db/access");
    const { X509Certificate: NodeCertificate } = await import("node:crypto");
    for (const hop of [body.relay, body.gateway]) {
      const certificate = new NodeCertificate(hop.clientCertificate);
      expect(certificate.checkPrivateKey(createPrivateKey(hop.clientPrivateKey))).toBe(true);
    }
  });

  test("access to a target behind a gateway without a resource", async () => {
    for (const named of ["office", gateway.id]) {
      const body = { targetHost: "[fd00::5]", targetPort: 22 };
      const answer = await call("POST", `/v1/gateways/${named}/access`, body);
      expect(answer.body.target).toEqual({ host: "[fd00::5]", port: 22, kind: "tcp", mode: "tcp" });
    }
    expect((await call("POST", "/v1/gateways/office/access", { targetHost: "db" })).status).toBe(422);
    expect(
      (await call("POST", "/v1/gateways/nowhere/access", { targetHost: "db", targetPort: 1 })).status,
    ).toBe(404);
  });

  test("access goes through a relay that was heard of within the hour", async () => {
    await create({});
    await platform.call("POST", "/v1/relays/register-instance-relay", {
      token: RELAY_SECRET,
      body: { name: "shared", host: "203.0.113.9", tlsPort: 9443 },
    });
    const body = { relayNames: ["eu-1", "shared"] };
    await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
    const heartbeat = platform.time.toISOString();
    await platform.core.store.transaction(
      (sql) => sql`
      UPDATE relays SET heartbeat = ${heartbeat} WHERE name = ${"shared"}`,
    );
    const first = await call("POST", "/v1/resources/db/access", {});
    expect(first.body).toMatchObject({ relayName: "shared", relayHost: "203.0.113.9", relayPort: 9443 });
    const instance = await platform.core.authorities.instance();
    expect(first.body.relay.serverCertificateChain).toBe(instance.instanceRelayServer.chainPem);
    platform.pass(2 * 60 * 60 * 1000);
    expect((await call("POST", "/v1/resources/db/access", {})).body.relayName).toBe("eu-1");
  });

  test("a gateway that never connected can't be reached", async () => {
    await platform.gateway(acme, "idle");
    await create({ name: "far", gatewayName: "idle" });
    const refused = await call("POST", "/v1/resources/far/access", {});
    expect(refused.status).toBe(400);
    expect(refused.body.code).toBe("GATEWAY_NOT_CONNECTED");
  });
});
