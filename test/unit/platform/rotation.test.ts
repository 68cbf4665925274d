import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { bundleFingerprints, lineFingerprint } from "../../../src/pki/fingerprint.ts";
import { parseSshCertificateLine } from "../../../src/pki/ssh-certificate.ts";
import { advanceRotations } from "../../../src/platform/services/authorities/rotation-sweep.ts";
import { EventReader } from "../../support/event-reader.ts";
import {
  DATABASES,
  DatabaseHost,
  type DatabasePlace,
  RELAY_SECRET,
  type Tenant,
  TestPlatform,
} from "../../support/platform.ts";

const OWN = "/v1/authorities";
const INSTANCE = "/v1/instance/authorities";
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("F7 rotation of authorities on %s", (database) => {
  let where: DatabasePlace;
  let platform: TestPlatform;
  let acme: Tenant;
  let gateway: { id: string; token: string };
  let relay: { id: string; token: string };
  beforeEach(async () => {
    where = await host.prepared(database);
    platform = await TestPlatform.reopen(where);
    acme = await platform.tenant("acme", true);
    gateway = await platform.gateway(acme, "office");
    relay = await platform.relay(acme, "eu-1");
  });
  afterEach(() => platform.close());

  const call = async (method: string, path: string, body?: object) =>
    await platform.call(method, path, { token: acme.token, body });
  const gatewayConnects = async (names = ["eu-1"]) =>
    (
      await platform.call("POST", "/v3/gateways/connect", {
        token: gateway.token,
        body: { relayNames: names },
      })
    ).body;
  const relayConnects = async (body?: object) =>
    (await platform.call("POST", "/v2/relays/connect", { token: relay.token, body })).body;
  /** The relay reports the gateway's tunnel: both are connected. */
  const online = () =>
    platform.call("POST", "/v1/relays/tunnels", {
      token: relay.token,
      body: { opened: [{ gatewayId: gateway.id, generation: 1 }], closed: [], leaseSeconds: 20 },
    });
  const sweep = () => advanceRotations(platform.core);
  const generation = async (path = OWN) => (await call("GET", path)).body.generation;
  const phase = async (path = OWN) => (await call("GET", path)).body.rotation?.phase ?? null;
  const signer = (body: { ssh: { clientCertificate: string } }) =>
    parseSshCertificateLine(body.ssh.clientCertificate).authorityBlob.toString("base64");

  test("both sets are trusted at once, the old one goes on issuing", async () => {
    const before = await gatewayConnects();
    const { body } = await call("POST", `${OWN}/rotate`);
    expect(body).toMatchObject({ generation: 1, rotation: { phase: "distributing", waitingFor: [] } });
    const after = await gatewayConnects();
    expect(signer(after)).toBe(signer(before));
    expect(bundleFingerprints(after.pki.clientCertificateChain)).toHaveLength(4);
    const lines = after.ssh.serverCAPublicKey.split("\n");
    expect(lines).toHaveLength(2);
    // Infisical's programs read the first line only.
    expect(lines[0]).toBe(before.ssh.serverCAPublicKey);
    expect(bundleFingerprints((await relayConnects()).pki.clientCertificateChain)).toHaveLength(4);
    expect(await call("POST", `${OWN}/rotate`)).toMatchObject({ status: 409 });
  });

  test("the new ones issue once all who are connected have them, and no sooner than clients' access lasts", async () => {
    const before = await gatewayConnects();
    await relayConnects();
    await call("POST", `${OWN}/rotate`);
    platform.pass(6 * MINUTE);
    await online();
    expect((await call("GET", OWN)).body.rotation.waitingFor).toEqual([
      { kind: "relay", id: relay.id, name: "eu-1" },
      { kind: "gateway", id: gateway.id, name: "office" },
    ]);
    await sweep();
    await relayConnects();
    await sweep();
    expect(await phase()).toBe("distributing");
    await gatewayConnects();
    expect((await call("GET", OWN)).body.rotation.waitingFor).toEqual([]);
    await sweep();
    expect((await call("GET", OWN)).body).toMatchObject({ generation: 2, rotation: { phase: "retiring" } });
    const after = await gatewayConnects();
    expect(signer(after)).not.toBe(signer(before));
    // What the old ones signed still verifies.
    expect(after.ssh.serverCAPublicKey.split("\n")[1]).toBe(before.ssh.serverCAPublicKey);
  });

  test("nothing is hurried while clients hold access from before", async () => {
    await call("POST", `${OWN}/rotate`);
    platform.pass(5 * MINUTE);
    await sweep();
    expect(await phase()).toBe("distributing");
    platform.pass(MINUTE);
    await sweep();
    expect(await phase()).toBe("retiring");
  });

  test("a peer that never asks delays it by the overlap, and the old ones stay until its certificate ends", async () => {
    const stuck = await gatewayConnects();
    await call("POST", `${OWN}/rotate`, { overlapSeconds: 3600 });
    platform.pass(59 * MINUTE);
    await online();
    await sweep();
    expect(await phase()).toBe("distributing");
    platform.pass(MINUTE);
    await sweep();
    expect(await phase()).toBe("retiring");
    platform.pass(DAY - 61 * MINUTE);
    await sweep();
    expect(await phase()).toBe("retiring");
    platform.pass(10 * MINUTE);
    await sweep();
    expect(await phase()).toBe(null);
    const after = await gatewayConnects();
    expect(bundleFingerprints(after.pki.clientCertificateChain)).toHaveLength(2);
    expect(after.ssh.serverCAPublicKey).not.toContain(stuck.ssh.serverCAPublicKey);
    const keys = await platform.core.store.read`
      SELECT DISTINCT generation FROM authority_keys WHERE owner_id = ${acme.orgId}`;
    expect(keys).toEqual([{ generation: 2 }]);
  });

  test("every phase survives a restart, and of several replicas one goes on", async () => {
    await gatewayConnects();
    await call("POST", `${OWN}/rotate`, { overlapSeconds: 10, retireAfterSeconds: 10 });
    const replicas = await Promise.all([1, 2].map(() => TestPlatform.reopen(where)));
    for (const _phase of ["issuing", "over"]) {
      platform.pass(11_000);
      for (const replica of replicas) replica.pass(platform.time.getTime() - replica.time.getTime());
      // SQLite's writers would wait for each other in one thread.
      if (database === "sqlite") for (const { core } of [platform, ...replicas]) await advanceRotations(core);
      else await Promise.all([platform, ...replicas].map(({ core }) => advanceRotations(core)));
    }
    for (const replica of replicas) {
      const there = await replica.core.authorities.organisation(acme.orgId);
      const here = await platform.core.authorities.organisation(acme.orgId);
      expect(there.gatewayRoot.chainPem).toBe(here.gatewayRoot.chainPem);
      await replica.close();
    }
    expect(await phase()).toBe(null);
    const { body } = await call("GET", "/v1/audit?limit=100");
    const said = body.entries
      .map(({ event }: { event: string }) => event)
      .filter((event: string) => event.startsWith("AUTHORITIES"));
    expect(said.toSorted()).toEqual([
      "AUTHORITIES_ROTATION_END",
      "AUTHORITIES_ROTATION_ISSUE",
      "AUTHORITIES_ROTATION_START",
    ]);
  });

  test("it can be aborted until the new ones issue", async () => {
    const before = await gatewayConnects();
    await call("POST", `${OWN}/rotate`, { overlapSeconds: 10 });
    expect((await call("POST", `${OWN}/abort-rotation`)).body).toEqual({ generation: 1, rotation: null });
    expect((await gatewayConnects()).ssh.serverCAPublicKey).toBe(before.ssh.serverCAPublicKey);
    expect((await call("POST", `${OWN}/abort-rotation`)).status).toBe(404);
    await call("POST", `${OWN}/rotate`, { overlapSeconds: 10 });
    platform.pass(11_000);
    await sweep();
    expect(await call("POST", `${OWN}/abort-rotation`)).toMatchObject({ status: 409 });
    expect(await generation()).toBe(3);
  });

  test("the instance's take the organisations' along, which issue after it and end before it", async () => {
    const shared = { name: "shared", host: "203.0.113.9" };
    const register = async () =>
      (
        await platform.call("POST", "/v1/relays/register-instance-relay", {
          token: RELAY_SECRET,
          body: shared,
        })
      ).body;
    await register();
    await gatewayConnects(["shared", "eu-1"]);
    const roots = async () => {
      const { trusted } = await platform.core.authorities.organisationInForce(acme.orgId);
      return trusted.map(({ relayServer }) => bundleFingerprints(relayServer.chainPem).at(-1));
    };
    const [oldRoot] = await roots();
    await call("POST", `${INSTANCE}/rotate`, { overlapSeconds: 60, retireAfterSeconds: 60 });
    await sweep();
    expect([await phase(INSTANCE), await phase()]).toEqual(["distributing", "distributing"]);
    expect(await roots()).toHaveLength(2);
    expect(bundleFingerprints((await register()).pki.clientCertificateChain)).toHaveLength(6);
    // One after the other, however overdue both are.
    platform.pass(61_000);
    await sweep();
    await sweep();
    expect([await phase(INSTANCE), await phase()]).toEqual(["retiring", "retiring"]);
    platform.pass(61_000);
    await sweep();
    await sweep();
    expect([await phase(INSTANCE), await phase()]).toEqual([null, null]);
    expect([await generation(INSTANCE), await generation()]).toEqual([2, 2]);
    expect(await roots()).toHaveLength(1);
    expect(await roots()).not.toContain(oldRoot);
  });

  test("aborting the instance's takes the organisations' back", async () => {
    await gatewayConnects();
    await relayConnects();
    await call("POST", `${INSTANCE}/rotate`);
    await sweep();
    expect(await phase()).toBe("distributing");
    await call("POST", `${INSTANCE}/abort-rotation`);
    expect([await phase(INSTANCE), await phase()]).toEqual([null, null]);
    await sweep();
    expect(await generation()).toBe(1);
  });

  test("after a compromise nothing of the old ones is trusted, and everybody is told what to drop", async () => {
    const before = { gateway: await gatewayConnects(), relay: await relayConnects() };
    const stream = await EventReader.open(platform, relay.token);
    await stream.next("snapshot");
    await call("POST", `${OWN}/rotate`);
    expect((await call("POST", `${OWN}/replace-compromised`)).body).toEqual({
      generation: 3,
      rotation: null,
    });
    const after = await gatewayConnects();
    expect(after.pki.clientCertificateChain).not.toContain(before.gateway.pki.clientCertificateChain);
    expect(after.ssh.serverCAPublicKey.split("\n")).toHaveLength(1);
    const { body } = await stream.next("authorities.changed", 1);
    expect(body.distrusted).toContain(lineFingerprint(before.gateway.ssh.serverCAPublicKey));
    const [relayClient] = bundleFingerprints(before.relay.pki.clientCertificateChain);
    expect(body.distrusted).toContain(relayClient ?? "");
    await stream.close();
  });

  test("after a compromise of the instance's every organisation's are new too", async () => {
    const before = await relayConnects();
    await call("POST", `${INSTANCE}/replace-compromised`);
    const after = await relayConnects();
    const kept = bundleFingerprints(after.pki.clientCertificateChain).filter((one) =>
      bundleFingerprints(before.pki.clientCertificateChain).includes(one),
    );
    expect(kept).toEqual([]);
    expect(await generation()).toBe(2);
  });

  test("members may not, and an organisation's administrator not the instance's", async () => {
    const mia = await platform.member(acme, "mia");
    const other = await platform.tenant("other");
    for (const [token, path] of [
      [mia.token, `${OWN}/rotate`],
      [mia.token, `${OWN}/replace-compromised`],
      [other.token, `${INSTANCE}/rotate`],
      [other.token, `${INSTANCE}/replace-compromised`],
      [other.token, `${INSTANCE}/abort-rotation`],
    ] as const) {
      expect(await platform.call("POST", path, { token })).toMatchObject({ status: 403 });
    }
    expect(await platform.call("POST", `${OWN}/rotate`, { token: other.token })).toMatchObject({
      status: 200,
    });
    expect(await phase()).toBe(null);
  });
});
