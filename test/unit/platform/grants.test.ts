import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { OID, parseGrant } from "../../../src/pki/extensions.ts";
import { X509Certificate } from "../../../src/pki/x509.ts";
import { endOverdueGrants } from "../../../src/platform/services/access/grant-sweep.ts";
import { EventReader } from "../../support/event-reader.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber.replace(/^0+/, "");

describe.each(DATABASES)("grants on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let member: Tenant;
  let relay: { id: string; token: string };
  let reader: EventReader;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    member = await platform.member(acme, "mia");
    const gateway = await platform.gateway(acme, "office");
    relay = await platform.relay(acme, "eu-1");
    const body = { relayName: "eu-1" };
    await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
    const resource = { name: "db", gatewayName: "office", host: "db.internal", port: 5432 };
    await platform.call("POST", "/v1/resources", { token: acme.token, body: resource });
    reader = await EventReader.open(platform, relay.token);
    await reader.next("snapshot");
  });
  afterEach(async () => {
    await reader.close();
    await platform.close();
  });

  const asAdmin = (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token: acme.token, body });
  const asMember = (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token: member.token, body });
  const grant = (more: object = {}) =>
    asAdmin("POST", "/v1/resources/db/grants", { email: member.email, ...more });
  const inFuture = (ms: number) => new Date(platform.time.getTime() + ms).toISOString();
  const access = async () => (await asMember("POST", "/v1/resources/db/access", {})).body;

  test("are made, listed and taken back by administrators", async () => {
    const made = await grant({ endsAt: inFuture(3_600_000) });
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({
      email: member.email,
      userId: member.userId,
      endsAt: inFuture(3_600_000),
    });
    expect((await asAdmin("GET", "/v1/resources/db/grants")).body).toEqual([made.body]);
    const gone = await asAdmin("DELETE", "/v1/resources/db/grants", { userId: member.userId });
    expect(gone.body.id).toBe(made.body.id);
    expect((await asAdmin("GET", "/v1/resources/db/grants")).body).toEqual([]);
    expect((await asAdmin("DELETE", "/v1/resources/db/grants", { userId: member.userId })).status).toBe(404);
  });

  test("a member reaches what was granted and nothing else; administrators reach everything", async () => {
    expect((await asMember("POST", "/v1/resources/db/access", {})).status).toBe(403);
    expect((await asAdmin("POST", "/v1/resources/db/access", {})).status).toBe(200);
    await grant();
    expect((await asMember("POST", "/v1/resources/db/access", {})).status).toBe(200);
    const target = { targetHost: "db.internal", targetPort: 5432 };
    expect((await asMember("POST", "/v1/gateways/office/access", target)).status).toBe(403);
    expect((await asMember("POST", "/v1/resources/db/grants", { userId: member.userId })).status).toBe(403);
    expect((await asMember("GET", "/v1/resources/db/grants")).status).toBe(403);
    expect((await asMember("POST", "/v1/resources/db/access/revoke", {})).status).toBe(403);
  });

  test("only for people of the organisation, named in one way, until a time to come", async () => {
    const stranger = await platform.tenant("bravo");
    expect((await grant({ email: stranger.email })).status).toBe(404);
    expect((await grant({ userId: member.userId })).status).toBe(400);
    expect((await grant({ email: undefined })).status).toBe(400);
    expect((await grant({ endsAt: inFuture(-1000) })).status).toBe(400);
    expect((await grant({ endsAt: "tomorrow" })).status).toBe(422);
    const elsewhere = await platform.call("GET", "/v1/resources/db/grants", { token: stranger.token });
    expect(elsewhere.status).toBe(404);
  });

  test("X10 the inner certificate carries the grant's end, and none where there is no end", async () => {
    const { body } = await grant({ endsAt: inFuture(60_000) });
    const found = new X509Certificate((await access()).gateway.clientCertificate).getExtension(OID.grant);
    expect(parseGrant(Buffer.from(found?.value ?? new ArrayBuffer(0)))).toEqual({
      grantId: body.id,
      sessionEndsAt: new Date(inFuture(60_000)),
    });
    await grant();
    const plain = new X509Certificate((await access()).gateway.clientCertificate);
    expect(plain.getExtension(OID.grant)).toBeNull();
  });

  test("taking a grant back ends both certificates of every access, those that have expired too", async () => {
    await grant();
    const early = await access();
    platform.pass(3_600_000);
    const late = await access();
    await asAdmin("DELETE", "/v1/resources/db/grants", { email: member.email });
    const { body } = await reader.next("access.ended");
    const serials = [early, late].flatMap((one) => [
      serialOf(one.relay.clientCertificate),
      serialOf(one.gateway.clientCertificate),
    ]);
    expect(new Set(body.serials as string[])).toEqual(new Set(serials));
    expect((await asMember("POST", "/v1/resources/db/access", {})).status).toBe(403);
    const fresh = await EventReader.open(platform, relay.token);
    const snapshot = await fresh.next("snapshot");
    expect(new Set(snapshot.body.serials as string[])).toEqual(new Set(serials));
    await fresh.close();
  });

  test("a grant that ends is taken away by one replica, and its access ended", async () => {
    await grant({ endsAt: inFuture(60_000) });
    const { gateway } = await access();
    await endOverdueGrants(platform.core);
    platform.pass(60_000);
    expect((await asMember("POST", "/v1/resources/db/access", {})).status).toBe(403);
    await Promise.all([endOverdueGrants(platform.core), endOverdueGrants(platform.core)]);
    const { body } = await reader.next("access.ended");
    expect(body.serials).toContain(serialOf(gateway.clientCertificate));
    expect((await asAdmin("GET", "/v1/resources/db/grants")).body).toEqual([]);
    const audit = await platform.core.store.read<{ event: string }>`
      SELECT event FROM audit_log WHERE event = 'RESOURCE_GRANT_ENDED'`;
    expect(audit).toHaveLength(1);
  });

  test("an earlier end cuts what was certified with the later one", async () => {
    await grant({ endsAt: inFuture(3_600_000) });
    const { gateway } = await access();
    await grant({ endsAt: inFuture(60_000) });
    expect((await reader.next("access.ended")).body.serials).toContain(serialOf(gateway.clientCertificate));
  });

  test("revoking access cuts one person's connections, or everybody's, and leaves the grants", async () => {
    await grant();
    const mine = await access();
    const admins = (await asAdmin("POST", "/v1/resources/db/access", {})).body;
    const one = await asAdmin("POST", "/v1/resources/db/access/revoke", { email: member.email });
    expect(one.body).toEqual({ ended: 2 });
    const first = (await reader.next("access.ended")).body.serials;
    expect(first).toContain(serialOf(mine.gateway.clientCertificate));
    expect(first).not.toContain(serialOf(admins.gateway.clientCertificate));
    expect((await asAdmin("POST", "/v1/resources/db/access/revoke")).body).toEqual({ ended: 2 });
    expect((await asMember("POST", "/v1/resources/db/access", {})).status).toBe(200);
  });

  test("deleting a resource cuts what is open to it", async () => {
    await grant();
    const { gateway } = await access();
    expect((await asAdmin("DELETE", "/v1/resources/db")).status).toBe(200);
    expect((await reader.next("access.ended")).body.serials).toContain(serialOf(gateway.clientCertificate));
  });

  test("access that is being issued while its grant is taken back is ended or refused, never forgotten", async () => {
    for (let round = 0; round < 5; round++) {
      await grant();
      const [given] = await Promise.all([
        asMember("POST", "/v1/resources/db/access", {}),
        asAdmin("DELETE", "/v1/resources/db/grants", { email: member.email }),
      ]);
      if (given.status === 403) continue;
      const rows = await platform.core.store.read<{ ended_at: string | null }>`
        SELECT ended_at FROM issued_certificates WHERE actor_id = ${member.userId}`;
      expect(rows.every((row) => row.ended_at !== null)).toBe(true);
    }
  });
});
