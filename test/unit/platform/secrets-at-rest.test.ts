import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { exportInstanceAuthorities, exportOrganisationAuthorities } from "../../../src/pki/hierarchy.ts";
import { backup } from "../../../src/platform/backup/backup.ts";
import { bootstrap } from "../../../src/platform/services/bootstrap.ts";
import { listTables, readRows } from "../../../src/platform/store/tables.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { makeIdentity, universalLogin } from "../../support/identities.ts";
import { StandInKubernetes } from "../../support/kubernetes-api.ts";
import {
  DATABASES,
  type Database,
  DatabaseHost,
  RELAY_SECRET,
  TestPlatform,
} from "../../support/platform.ts";
import { WebhookReceiver } from "../../support/webhook-receiver.ts";
import { Workspace } from "../../support/workspace.ts";

let host: DatabaseHost;
let workspace: Workspace;
let cluster: StandInKubernetes;
let receiver: WebhookReceiver;
beforeAll(async () => {
  host = await DatabaseHost.open();
  workspace = await Workspace.open("secrets-at-rest");
  cluster = await StandInKubernetes.open(workspace);
  receiver = await WebhookReceiver.open(workspace);
});
afterAll(async () => {
  await workspace.close();
  await host.close();
});

const PASSWORD = "correct horse battery staple 7";

/** A platform in which everything that has a secret was done once, and all secrets that were seen or made on the way. */
async function livedIn(database: Database) {
  const where = await host.fresh(database);
  const platform = await TestPlatform.reopen(where, { onLoopback: true });
  const secrets = new Map<string, string | Uint8Array>();
  const know = (name: string, secret: string | Uint8Array | undefined) => {
    if (secret === undefined || secret.length < 12) throw new Error(`there is no ${name}`);
    secrets.set(name, secret);
  };
  const { core } = platform;
  const first = await bootstrap(core, { organisation: "Acme", email: "root@example.com", address: null });
  const { token, organisationId: orgId } = first;
  const tenant = { orgId, userId: "", email: first.email, token };
  const call = async (method: string, path: string, body?: object) => {
    const answer = await platform.call(method, path, { token, ...(body && { body }) });
    if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  know("first token", token);
  know("first password", first.password);

  const change = { currentPassword: first.password, newPassword: PASSWORD };
  await call("POST", "/v1/auth/password", change);
  know("password", PASSWORD);
  const login = { email: first.email, password: PASSWORD };
  know("session", (await call("POST", "/v1/auth/login", login)).accessToken);
  know("api token", (await call("POST", "/v1/auth/tokens", { name: "ci" })).token);
  const { link } = await call("POST", "/v1/invitations", { email: "nia@example.com" });
  know("invitation", link.split("#")[1]);
  const reset = await call("POST", `/v1/members/${first.email}/password-reset`, {});
  know("link for a new password", reset.link.split("#")[1]);

  const relay = await platform.relay(tenant, "eu-1");
  const gateway = await platform.gateway(tenant, "office");
  for (const [name, agent] of [
    ["relay", relay],
    ["gateway", gateway],
  ] as const) {
    know(`${name} token`, agent.token);
    know(`${name} enrollment token, spent`, agent.spent);
  }
  const minted = `/v3/gateways/${gateway.id}/token-auth/generate-enrollment-token`;
  know("enrollment token", (await call("POST", minted)).token);
  const shared = { name: "shared", host: "203.0.113.9" };
  await platform.call("POST", "/v1/relays/register-instance-relay", { token: RELAY_SECRET, body: shared });
  know("secret of instance relays", RELAY_SECRET);
  const connected = await platform.call("POST", "/v3/gateways/connect", {
    token: gateway.token,
    body: { relayName: "eu-1" },
  });
  know("gateway key", keyOf(connected.body.pki.serverPrivateKey));
  know("gateway SSH key", keyOf(connected.body.ssh.clientPrivateKey));
  const db = { name: "db", gatewayId: gateway.id, host: "10.0.0.1", port: 5432 };
  await call("POST", "/v1/resources", db);
  const access = await call("POST", "/v1/resources/db/access", {});
  know("client key at the relay", keyOf(access.relay.clientPrivateKey));
  know("client key at the gateway", keyOf(access.gateway.clientPrivateKey));

  const robot = await makeIdentity(platform, tenant, "robot");
  know("client secret", robot.clientSecret);
  know("identity token", (await universalLogin(platform, robot)).body.accessToken);

  const reviewer = cluster.issue("kube-system", "reviewer", { mayReview: true });
  know("reviewer JWT", reviewer);
  const kubernetes = {
    method: "kubernetes",
    kubernetesHost: cluster.url,
    caCertificate: cluster.authority,
    tokenReviewerJwt: reviewer,
    allowedNamespaces: "office",
  };
  await call("POST", "/v3/gateways", { name: "cluster", authMethod: kubernetes });
  const ops = await call("POST", "/v1/alerts/destinations", {
    name: "ops",
    kind: "webhook",
    url: receiver.url,
    caCertificate: receiver.authority,
  });
  know("webhook secret", ops.secret);

  await call("POST", "/v1/instance/authorities/rotate", {});
  const organisation = await core.authorities.organisationInForce(orgId);
  const instance = await core.authorities.instanceInForce();
  for (const [owner, records] of [
    ["organisation", await exportOrganisationAuthorities(organisation.issuing)],
    ...(await Promise.all(
      instance.trusted.map(async (set) => ["instance", await exportInstanceAuthorities(set)] as const),
    )),
  ] as const) {
    for (const { name, privateKey } of records) know(`${owner} authority ${name}`, keyOf(privateKey));
  }
  know("JWT secret", core.keyring.jwtSecret);
  know("root key", Buffer.from(where.env.SALLYPORT_ROOT_KEY ?? "", "base64"));
  return { where, platform, secrets };
}

/** The number that makes a key private, out of PKCS#8 or an OpenSSH text. */
function keyOf(privateKey: string | Uint8Array): Uint8Array {
  const text = asBytes(privateKey).toString("latin1");
  if (!text.includes("OPENSSH")) {
    const key = text.startsWith("-----")
      ? createPrivateKey(text)
      : createPrivateKey({ key: asBytes(privateKey), format: "der", type: "pkcs8" });
    return Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url");
  }
  // Ed25519: the private number, then the public one, which also stands at the beginning.
  const blob = Buffer.from(text.replace(/-----[^-]+-----|\s/g, ""), "base64");
  const type = blob.indexOf("ssh-ed25519") + "ssh-ed25519".length;
  const second = blob.lastIndexOf(blob.subarray(type + 4, type + 36));
  return blob.subarray(second - 32, second);
}

/** As it might stand in a text or a file. */
function spellings(secret: string | Uint8Array): string[] {
  const raw = asBytes(secret);
  // Base64 of something that begins at any of three places; the ends depend on what is around.
  const inBase64 = [0, 1, 2].map((skip) => {
    const shifted = raw.subarray(skip === 0 ? 0 : 3 - skip);
    return shifted.subarray(0, shifted.length - (shifted.length % 3)).toString("base64");
  });
  return [raw.toString("latin1"), raw.toString("hex"), ...inBase64];
}

function asBytes(value: string | Uint8Array): Buffer {
  return typeof value === "string" ? Buffer.from(value, "utf8") : Buffer.from(value);
}

describe.each(DATABASES)("what %s holds of a platform that has lived", (database) => {
  test("is none of its secrets, in any spelling: not in a row, not in a file, not in a backup", async () => {
    const { where, platform, secrets } = await livedIn(database);
    const { store } = platform.core;
    const places = new Map<string, string>();
    await store.snapshot(async (run) => {
      for (const table of await listTables(run, store.dialect)) {
        let text = "";
        for await (const page of readRows(run, store.dialect, table)) text += JSON.stringify(page);
        places.set(`the table ${table.name}`, text);
      }
    });
    const out = join(await host.directory("backups"), database);
    await backup({ ...where, log: silentLogger, out });
    places.set("the backup", await readFile(out, "latin1"));
    for (const name of database === "sqlite" ? await readdir(where.dataDir) : []) {
      places.set(`the file ${name}`, await readFile(join(where.dataDir, name), "latin1"));
    }
    const found: string[] = [];
    for (const [secret, value] of secrets) {
      for (const spelling of spellings(value)) {
        for (const [place, text] of places) if (text.includes(spelling)) found.push(`${secret} in ${place}`);
      }
    }
    expect(found).toEqual([]);
    for (const [place, text] of places) expect([place, text.includes("PRIVATE KEY")]).toEqual([place, false]);
    expect(secrets.size).toBeGreaterThan(30);
    // Control: what is no secret is found.
    expect([...places.values()].some((text) => text.includes("root@example.com"))).toBe(true);
    await platform.close();
  });
});
