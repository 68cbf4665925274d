import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createCertificateRequest } from "../../../src/pki/csr.ts";
import { generateX509Key } from "../../../src/pki/keys.ts";
import { extensionText, parseSshCertificateLine } from "../../../src/pki/ssh-certificate.ts";
import { generateSshKey, parseSshPublicKey } from "../../../src/pki/ssh-keys.ts";
import {
  DATABASES,
  DatabaseHost,
  fieldsOf,
  PUBLIC_HOST,
  RELAY_SECRET,
  type Tenant,
  TestPlatform,
} from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("gateway connect on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let gateway: { id: string; token: string };
  let relay: { id: string; token: string };
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    gateway = await platform.gateway(acme, "office");
    relay = await platform.relay(acme, "eu-1");
  });
  afterEach(() => platform.close());

  const connect = (body?: object) =>
    platform.call("POST", "/v3/gateways/connect", { token: gateway.token, body });
  const instanceRelay = (body: object) =>
    platform.call("POST", "/v1/relays/register-instance-relay", { token: RELAY_SECRET, body });
  const relayConnect = (body: object) =>
    platform.call("POST", "/v2/relays/connect", { token: relay.token, body });

  test("Infisical's gateway gets exactly Infisical's fields", async () => {
    const { status, body, headers } = await connect({ relayName: " eu-1 " });
    expect(status).toBe(200);
    expect(headers.get("content-type")).toStartWith("application/json");
    expect(fieldsOf(body)).toEqual(["gatewayId", "pki", "relayHost", "ssh"]);
    expect(body.gatewayId).toBe(gateway.id);
    expect(body.relayHost).toBe(PUBLIC_HOST);
    expect(fieldsOf(body.pki)).toEqual(["clientCertificateChain", "serverCertificate", "serverPrivateKey"]);
    expect(fieldsOf(body.ssh)).toEqual(["clientCertificate", "clientPrivateKey", "serverCAPublicKey"]);
  });

  test("what hangs on a relay and on a gateway has Infisical's shape, and stays in its organisation", async () => {
    const get = (path: string, tenant = acme) => platform.call("GET", path, { token: tenant.token });
    const other = await platform.tenant("other");
    expect((await get(`/v2/relays/${relay.id}/gateways`)).body).toEqual([]);
    await connect({ relayName: "eu-1" });
    expect((await get(`/v2/relays/${relay.id}/gateways`)).body).toEqual([
      { id: gateway.id, name: "office", createdAt: platform.time.toISOString(), heartbeat: null },
    ]);
    expect((await get(`/v2/relays/${relay.id}/gateways`, other)).status).toBe(404);
    await instanceRelay({ name: "shared", host: "203.0.113.9" });
    await connect({ relayName: "shared" });
    const [shared] = (await get("/v1/relays")).body;
    expect((await get(`/v2/relays/${shared.id}/gateways`)).body).toHaveLength(1);
    expect((await get(`/v2/relays/${shared.id}/gateways`, other)).body).toEqual([]);
    const body = { name: "db", gatewayName: "office", host: "db.internal", port: 5432 };
    const { id } = (await platform.call("POST", "/v1/resources", { token: acme.token, body })).body;
    expect((await get(`/v2/gateways/${gateway.id}/resources`)).body).toEqual({
      appConnections: [],
      dynamicSecrets: [],
      kubernetesAuths: [],
      pkiDiscoveryConfigs: [],
      resources: [{ id, name: "db", kind: "tcp" }],
    });
    expect((await get(`/v2/gateways/${gateway.id}/resources`, other)).status).toBe(404);
  });

  test("the certificates name the gateway, its generation and its organisation", async () => {
    const { body } = await connect({ relayName: "eu-1" });
    const leaf = new X509Certificate(body.pki.serverCertificate);
    expect(leaf.subjectAltName).toContain(`URI:spiffe://sallyport/gateway/${gateway.id}`);
    expect(leaf.checkPrivateKey(createPrivateKey(body.pki.serverPrivateKey))).toBe(true);
    expect(body.pki.clientCertificateChain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const user = parseSshCertificateLine(body.ssh.clientCertificate);
    expect(user.kind).toBe("user");
    expect(user.keyId).toBe("client-eu-1");
    expect(user.principals).toEqual([gateway.id, "office"]);
    expect(extensionText(user, "generation@sallyport")).toBe("1");
    expect(extensionText(user, "org@sallyport")).toBe(acme.orgId);
    const organisation = await platform.core.authorities.organisation(acme.orgId);
    expect(user.authorityBlob.equals(organisation.sshClient.publicBlob)).toBe(true);
    expect(body.ssh.serverCAPublicKey).toBe(organisation.sshServer.publicLine);
  });

  test("on an instance relay the instance signs, and the gateway's name is no principal", async () => {
    await instanceRelay({ name: "shared", host: "203.0.113.9" });
    const { body } = await connect({ relayName: "shared" });
    const user = parseSshCertificateLine(body.ssh.clientCertificate);
    const instance = await platform.core.authorities.instance();
    expect(user.principals).toEqual([gateway.id]);
    expect(user.authorityBlob.equals(instance.sshClient.publicBlob)).toBe(true);
    expect(extensionText(user, "org@sallyport")).toBe(acme.orgId);
  });

  test("X1 keys stay home: no private key comes back for what the request carried", async () => {
    const { keyPair } = await generateX509Key();
    const csr = await createCertificateRequest(keyPair);
    const ssh = await generateSshKey();
    const { body } = await connect({ relayName: "eu-1", csr, sshPublicKey: ssh.publicLine });
    expect(body.pki).not.toHaveProperty("serverPrivateKey");
    expect(body.ssh).not.toHaveProperty("clientPrivateKey");
    expect(body.relays[0].ssh).not.toHaveProperty("clientPrivateKey");
    const certified = parseSshCertificateLine(body.ssh.clientCertificate).publicBlob;
    expect(certified.equals(parseSshPublicKey(ssh.publicLine))).toBe(true);
    const half = await connect({ relayName: "eu-1", csr });
    expect(half.body.pki).not.toHaveProperty("serverPrivateKey");
    expect(half.body.ssh).toHaveProperty("clientPrivateKey");
  });

  test.each(["not pem", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"])(
    "a damaged CSR (%#) is the caller's fault",
    async (csr) => {
      expect((await connect({ relayName: "eu-1", csr })).status).toBe(400);
    },
  );

  test("X2 several relays: each with its own certificate, the first repeated in Infisical's fields", async () => {
    await instanceRelay({ name: "shared", host: "203.0.113.9", sshPort: 2200 });
    const { body } = await connect({ relayNames: ["shared", "eu-1"] });
    expect(body.relays.map((entry: { relayName: string }) => entry.relayName)).toEqual(["shared", "eu-1"]);
    expect(body).toMatchObject({ relayHost: "203.0.113.9", sshPort: 2200, ssh: body.relays[0].ssh });
    const keyIds = body.relays.map(
      (entry: { ssh: { clientCertificate: string } }) =>
        parseSshCertificateLine(entry.ssh.clientCertificate).keyId,
    );
    expect(keyIds).toEqual(["client-shared", "client-eu-1"]);
    const detail = await platform.call("GET", `/v3/gateways/${gateway.id}`, { token: acme.token });
    const relays = await platform.call("GET", "/v1/relays", { token: gateway.token });
    expect(detail.body.relayId).toBe(relays.body[0].id);
  });

  test("X2 automatic choice: fresh before stale, the organisation's before the instance's, present ones kept", async () => {
    const beat = (name: string, agoMs: number) =>
      platform.core.store.transaction(
        (sql) => sql`
        UPDATE relays SET heartbeat = ${new Date(platform.time.getTime() - agoMs).toISOString()} WHERE name = ${name}`,
      );
    const names = async (body: object) =>
      (await connect(body)).body.relays.map((entry: { relayName: string }) => entry.relayName);
    await platform.relay(acme, "eu-2");
    await instanceRelay({ name: "shared", host: "203.0.113.9" });
    await beat("shared", 60_000);
    expect((await names({ maxRelays: 1 }))[0]).toBe("shared");
    await beat("eu-2", 60_000);
    await connect({ relayNames: ["eu-1"] });
    expect(await names({ maxRelays: 2 })).toEqual(["eu-2", "shared"]);
    await beat("eu-1", 60_000);
    expect(await names({ maxRelays: 1 })).toEqual(["eu-2"]);
    expect((await names({ maxRelays: 4 })).sort()).toEqual(["eu-1", "eu-2", "shared"]);
  });

  test("X2 Infisical's gateway is told why it can't use a relay on another port", async () => {
    await relayConnect({ sshPort: 2200, tlsPort: 9443 });
    const refused = await connect({ relayName: "eu-1" });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toContain("2200");
    expect((await connect({ relayName: "eu-1", maxRelays: 1 })).body.sshPort).toBe(2200);
  });

  test("every call declares all relays: the heartbeat stays only with the same first relay", async () => {
    await platform.relay(acme, "eu-2");
    await connect({ relayName: "eu-1" });
    await platform.core.store.transaction(
      (sql) => sql`UPDATE gateways SET heartbeat = ${"2026-01-01T00:00:00.000Z"}`,
    );
    const heartbeat = async () =>
      (await platform.call("GET", `/v3/gateways/${gateway.id}`, { token: acme.token })).body.heartbeat;
    await connect({});
    expect(await heartbeat()).toBe("2026-01-01T00:00:00.000Z");
    await connect({ relayName: "eu-2" });
    expect(await heartbeat()).toBeNull();
  });

  test("an unknown relay, and none at all, are 404", async () => {
    expect((await connect({ relayName: "nowhere" })).status).toBe(404);
    expect((await connect({})).status).toBe(404);
    expect((await connect()).status).toBe(404);
    const other = await platform.tenant("other");
    await platform.relay(other, "theirs");
    expect((await connect({ relayName: "theirs" })).status).toBe(404);
  });

  test("the organisation's relay hides an instance relay of the same name", async () => {
    await instanceRelay({ name: "eu-1", host: "203.0.113.9" });
    expect((await connect({ relayName: "eu-1" })).body.relayHost).toBe(PUBLIC_HOST);
  });

  test("a direct address is refused without repeating it", async () => {
    const refused = await connect({ relayName: "eu-1", directAddress: "gateway.internal:8443" });
    expect(refused.status).toBe(400);
    expect(refused.body.message).not.toContain("gateway.internal");
  });

  test("every issued serial is stored with whom it was issued to", async () => {
    const { body } = await connect({ relayName: "eu-1" });
    const leaf = new X509Certificate(body.pki.serverCertificate).serialNumber
      .toLowerCase()
      .replace(/^0+/, "");
    const ssh = parseSshCertificateLine(body.ssh.clientCertificate).serial.toString();
    const rows = await platform.core.store.read<{ serial: string; profile: string }>`
      SELECT serial, profile FROM issued_certificates WHERE gateway_id = ${gateway.id} ORDER BY profile`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { serial: leaf, profile: "gateway-server" },
      { serial: ssh, profile: "ssh-user" },
    ]);
  });

  test("a relay gets a host certificate for both of its dial strings", async () => {
    const { status, body } = await relayConnect({ sshPort: 2200 });
    expect(status).toBe(200);
    const certificate = parseSshCertificateLine(body.ssh.serverCertificate);
    expect(certificate.kind).toBe("host");
    expect(certificate.keyId).toBe("relay-server");
    expect(certificate.principals).toEqual([`${PUBLIC_HOST}:2222`, `${PUBLIC_HOST}:2200`]);
    const leaf = new X509Certificate(body.pki.serverCertificate);
    expect(leaf.checkIP(PUBLIC_HOST)).toBe(PUBLIC_HOST);
    expect(body).toMatchObject({ relayName: "eu-1", relayHost: PUBLIC_HOST });
  });

  test("Infisical's relay connects without body and content type and gets exactly Infisical's fields", async () => {
    const { status, body } = await platform.call("POST", "/v2/relays/connect", { token: relay.token });
    expect(status).toBe(200);
    expect(fieldsOf(body)).toEqual(["pki", "relayId", "ssh"]);
    expect(body.relayId).toBe(relay.id);
  });
});
