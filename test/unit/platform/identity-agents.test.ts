import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { OID, parseActor } from "../../../src/pki/extensions.ts";
import { X509Certificate } from "../../../src/pki/x509.ts";
import { EventReader } from "../../support/event-reader.ts";
import { addSecret, identityToken, makeIdentity, type TestIdentity } from "../../support/identities.ts";
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

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber.replace(/^0+/, "");

describe.each(DATABASES)("what a machine identity can be on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let robot: TestIdentity;
  let token: string;
  let relay: { id: string; token: string };
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    relay = await platform.relay(acme, "eu-1");
    robot = await makeIdentity(platform, acme, "robot");
    token = await identityToken(platform, robot);
  });
  afterEach(() => platform.close());

  const asAdmin = (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token: acme.token, body });
  const asRobot = (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token, body });
  const register = (body: object = { name: "site", relayName: "eu-1" }) =>
    asRobot("POST", "/v2/gateways", body);
  const revokeSecret = (secretId: string) =>
    asAdmin("POST", `/v1/auth/universal-auth/identities/robot/client-secrets/${secretId}/revoke`);
  const gateways = async () => (await asAdmin("GET", "/v2/gateways")).body;
  const causeOf = async (path: string, id: string) => {
    const rows: { id: string; health: { cause: { code: string } | null } }[] = (await asAdmin("GET", path))
      .body;
    return rows.find((row) => row.id === id)?.health.cause?.code;
  };

  test("the one gateway of an identity is made by its first call and renewed by later ones", async () => {
    const first = await register();
    expect(first.status).toBe(200);
    expect(fieldsOf(first.body)).toEqual(["gatewayId", "pki", "relayHost", "ssh"]);
    expect(first.body.pki.serverPrivateKey).toContain("PRIVATE KEY");
    const second = await register({ name: "site-2", relayName: "eu-1" });
    expect(second.body.gatewayId).toBe(first.body.gatewayId);
    expect(await gateways()).toMatchObject([
      { id: first.body.gatewayId, name: "site-2", identityId: robot.id, identity: { name: "robot" } },
    ]);
    const detail = (await asAdmin("GET", `/v3/gateways/${first.body.gatewayId}`)).body;
    const config = { identityId: robot.id, identityName: "robot" };
    expect(detail).toMatchObject({ canRevoke: false, authMethod: { method: "identity", config } });
  });

  test("a gateway needs a name, a relay, a free name and the right to be one", async () => {
    expect((await register({ relayName: "eu-1" })).status).toBe(400);
    expect((await register({ name: "site" })).status).toBe(400);
    expect((await register({ name: "site", relayName: "nowhere" })).status).toBe(404);
    expect((await register({ name: "site", directAddress: "10.0.0.1:8443" })).status).toBe(400);
    await platform.gateway(acme, "taken");
    expect((await register({ name: "taken", relayName: "eu-1" })).status).toBe(400);
    await asAdmin("PATCH", "/v1/identities/robot", { role: "member" });
    expect((await register()).status).toBe(403);
    expect((await asRobot("POST", "/v2/gateways/heartbeat", {})).status).toBe(403);
  });

  test("with our extension fields its keys stay home and the platform chooses relays", async () => {
    const answer = await register({ name: "site", maxRelays: 2 });
    expect(answer.status).toBe(200);
    expect(answer.body.relays).toMatchObject([{ relayName: "eu-1" }]);
  });

  test("a gateway's own token registers as connect does", async () => {
    const gateway = await platform.gateway(acme, "office");
    const answer = await platform.call("POST", "/v2/gateways", {
      token: gateway.token,
      body: { relayName: "eu-1" },
    });
    expect(answer.body.gatewayId).toBe(gateway.id);
  });

  test("it calls all that a gateway calls, once it has registered", async () => {
    expect((await asRobot("POST", "/v2/gateways/heartbeat", {})).status).toBe(404);
    const { gatewayId } = (await register()).body;
    expect((await asRobot("POST", "/v2/gateways/heartbeat", {})).status).toBe(200);
    expect(platform.prober.gateways.at(-1)?.gatewayId).toBe(gatewayId);
    const report = { instance: crypto.randomUUID(), records: [] };
    expect((await asRobot("POST", "/v1/gateways/connections", report)).status).toBe(200);
    expect((await asRobot("GET", "/v1/relays")).body).toMatchObject([{ name: "eu-1" }]);
    expect((await asRobot("POST", "/v3/gateways/connect", {})).status).toBe(400);
  });

  test("B7 revoking the secret that it logged in with cuts its gateway; another secret brings it back", async () => {
    const { gatewayId } = (await register()).body;
    const reader = await EventReader.open(platform, token, { as: "gateway" });
    await reader.next("snapshot");
    await revokeSecret((await addSecret(platform, acme, "robot")).clientSecretData.id);
    await revokeSecret(robot.secretId);
    expect((await reader.next("gateway.revoked")).body).toMatchObject({ gatewayId, generation: 1 });
    await reader.close();
    expect(await causeOf("/v2/gateways", gatewayId)).toBe("ACCESS_REVOKED");
    expect((await register()).status).toBe(401);
    token = await identityToken(platform, { ...robot, ...(await addSecret(platform, acme, "robot")) });
    expect((await register()).body.gatewayId).toBe(gatewayId);
    expect(await causeOf("/v2/gateways", gatewayId)).not.toBe("ACCESS_REVOKED");
  });

  test("deleting the identity cuts its gateway, which is then enrolled by a token", async () => {
    const { gatewayId } = (await register()).body;
    const atRelay = await EventReader.open(platform, relay.token);
    await atRelay.next("snapshot");
    await asAdmin("DELETE", "/v1/identities/robot");
    expect((await atRelay.next("gateway.revoked")).body).toMatchObject({ gatewayId, generation: 1 });
    await atRelay.close();
    expect(await causeOf("/v2/gateways", gatewayId)).toBe("ACCESS_REVOKED");
    const path = `/v3/gateways/${gatewayId}/token-auth/generate-enrollment-token`;
    const { token: enrollment } = (await asAdmin("POST", path)).body;
    const body = { method: "token", token: enrollment };
    expect((await platform.call("POST", "/v3/gateways/login", { body })).body.gatewayId).toBe(gatewayId);
    expect(await causeOf("/v2/gateways", gatewayId)).not.toBe("ACCESS_REVOKED");
  });

  test("people can neither mint tokens for its gateway nor revoke it past the identity", async () => {
    const { gatewayId } = (await register()).body;
    const path = `/v3/gateways/${gatewayId}`;
    expect((await asAdmin("POST", `${path}/revoke`)).status).toBe(400);
    expect((await asAdmin("POST", `${path}/token-auth/generate-enrollment-token`)).status).toBe(400);
    expect((await asAdmin("PATCH", path, { authMethod: { method: "token" } })).status).toBe(400);
  });

  test("B11 a relay of an identity gets no certificates for the host of another relay", async () => {
    const body = { name: "own", host: PUBLIC_HOST };
    const refused = await asRobot("POST", "/v1/relays/register-org-relay", body);
    expect([refused.status, refused.body.code]).toEqual([409, "CONFLICT"]);
    expect(refused.body.message).toContain("eu-1");
  });

  test("the one relay of an identity keeps its name and host", async () => {
    const registerRelay = (name: string, at: string) =>
      asRobot("POST", "/v1/relays/register-org-relay", { name, host: at });
    const ours = "203.0.113.8";
    const made = await registerRelay("own", ours);
    expect(made.status).toBe(200);
    expect(made.body.ssh.serverPrivateKey).toContain("PRIVATE KEY");
    expect((await registerRelay("own", ours)).body.relayId).toBe(made.body.relayId);
    for (const refused of [
      await registerRelay("own", "203.0.113.9"),
      await registerRelay("other", ours),
      await registerRelay("own", "10.0.0.1"),
      await registerRelay("infisical-own", ours),
    ]) {
      expect(refused.status).toBe(400);
    }
    const heartbeat = await asRobot("POST", "/v1/relays/heartbeat-org-relay", { name: "own" });
    expect(heartbeat.status).toBe(200);
    const report = { opened: [], closed: [], leaseSeconds: 20 };
    expect((await asRobot("POST", "/v1/relays/tunnels", report)).status).toBe(200);
    const path = `/v2/relays/${made.body.relayId}`;
    expect((await asAdmin("POST", `${path}/revoke`)).status).toBe(400);
    const reader = await EventReader.open(platform, token, { as: "relay" });
    await reader.next("snapshot");
    await revokeSecret(robot.secretId);
    expect((await reader.next("relay.revoked")).body).toMatchObject({ relayId: made.body.relayId });
    await reader.close();
    expect(await causeOf("/v1/relays", made.body.relayId)).toBe("ACCESS_REVOKED");
    token = await identityToken(platform, { ...robot, ...(await addSecret(platform, acme, "robot")) });
    expect((await registerRelay("own", ours)).status).toBe(200);
    expect(await causeOf("/v1/relays", made.body.relayId)).not.toBe("ACCESS_REVOKED");
    await asAdmin("DELETE", "/v1/identities/robot");
    expect(await causeOf("/v1/relays", made.body.relayId)).toBe("ACCESS_REVOKED");
  });

  describe("who is granted a resource", () => {
    const grants = "/v1/resources/db/grants";
    let serials: (answer: { body: { gateway: { clientCertificate: string } } }) => string;
    beforeEach(async () => {
      await asAdmin("PATCH", "/v1/identities/robot", { role: "member" });
      const gateway = await platform.gateway(acme, "office");
      const body = { relayName: "eu-1" };
      await platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
      const resource = { name: "db", gatewayName: "office", host: "db.internal", port: 5432 };
      await asAdmin("POST", "/v1/resources", resource);
      serials = (answer) => serialOf(answer.body.gateway.clientCertificate);
    });
    const access = () => asRobot("POST", "/v1/resources/db/access", {});

    test("gets certificates in its own name, until the grant ends", async () => {
      expect((await access()).status).toBe(403);
      const endsAt = new Date(platform.time.getTime() + 3_600_000).toISOString();
      const made = await asAdmin("POST", grants, { identityName: "robot", endsAt });
      expect(made.body).toMatchObject({
        identityId: robot.id,
        identityName: "robot",
        userId: null,
        email: null,
        endsAt,
      });
      expect((await asAdmin("GET", grants)).body).toEqual([made.body]);
      const answer = await access();
      const certificate = new X509Certificate(answer.body.gateway.clientCertificate);
      const actor = certificate.getExtension(OID.actor)?.value ?? new ArrayBuffer();
      expect(parseActor(new Uint8Array(actor))).toEqual({ type: "identity", id: robot.id, name: "robot" });
      platform.pass(3_600_001);
      token = await identityToken(platform, robot);
      expect((await access()).status).toBe(403);
    });

    test("is accounted for by name, and cut when the grant is taken back", async () => {
      await asAdmin("POST", grants, { identityId: robot.id });
      const serial = serials(await access());
      const reader = await EventReader.open(platform, relay.token);
      await reader.next("snapshot");
      expect((await asAdmin("DELETE", grants, { identityName: "robot" })).status).toBe(200);
      expect((await reader.next("access.ended")).body.serials).toContain(serial);
      await reader.close();
      expect((await access()).status).toBe(403);
    });

    test("is cut when it is deleted, or when the secret behind it is revoked", async () => {
      await asAdmin("POST", grants, { identityName: "robot" });
      const serial = serials(await access());
      const other = await addSecret(platform, acme, "robot");
      const reader = await EventReader.open(platform, relay.token);
      await reader.next("snapshot");
      await revokeSecret(other.clientSecretData.id);
      await revokeSecret(robot.secretId);
      expect((await reader.next("access.ended")).body.serials).toContain(serial);
      token = await identityToken(platform, { ...robot, ...(await addSecret(platform, acme, "robot")) });
      const later = serials(await access());
      await asAdmin("DELETE", "/v1/identities/robot");
      expect((await reader.next("access.ended", 1)).body.serials).toContain(later);
      await reader.close();
      expect((await asAdmin("GET", grants)).body).toEqual([]);
    });

    test("has to be named in one way, and of this organisation", async () => {
      const other = await platform.tenant("other");
      const stranger = await makeIdentity(platform, other, "stranger");
      const give = async (body: object) => (await asAdmin("POST", grants, body)).status;
      expect(await give({ identityName: "robot", email: acme.email })).toBe(400);
      expect(await give({})).toBe(400);
      expect(await give({ identityName: "stranger" })).toBe(404);
      expect(await give({ identityId: stranger.id })).toBe(404);
    });
  });
});
