import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rotateRootKey } from "../../../src/platform/rotate-root-key.ts";
import { rootKeyId } from "../../../src/platform/services/keys/keyring.ts";
import { reseal } from "../../../src/platform/services/keys/reseal.ts";
import { makeRootKeyFile, parseRootKey, rootKeyPath } from "../../../src/platform/services/keys/root-key.ts";
import { announceReplica } from "../../../src/platform/services/replica.ts";
import { deleteReplicas } from "../../../src/platform/store/replicas.ts";
import { listTables } from "../../../src/platform/store/tables.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { DATABASES, DatabaseHost, type DatabasePlace, TestPlatform } from "../../support/platform.ts";
import { until } from "../../support/until.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(where: DatabasePlace): Promise<TestPlatform> {
  const platform = await TestPlatform.reopen(where);
  closers.push(() => platform.close());
  return platform;
}

async function newKeyFile(): Promise<string> {
  return join(await host.directory("keys"), randomBytes(6).toString("hex"));
}

describe.each(DATABASES)("rotating the root key of %s", (database) => {
  /** A platform that has sealed something of every kind, and is stopped. */
  async function stopped() {
    const where = await host.fresh(database);
    const platform = await TestPlatform.reopen(where);
    const acme = await platform.tenant("acme", true);
    const gateway = await platform.gateway(acme, "office");
    await platform.relay(acme, "eu-1");
    const connect = { token: gateway.token, body: { relayNames: ["eu-1"] } };
    const { body } = await platform.call("POST", "/v3/gateways/connect", connect);
    await platform.core.authorities.instance();
    await platform.close();
    return { where, acme, connect, chain: body.pki.clientCertificateChain };
  }

  test("everything opens with the new one, and the old one opens nothing and is told which it has to be", async () => {
    const { where, acme, connect, chain } = await stopped();
    const file = await newKeyFile();
    const done = await rotateRootKey({ ...where, log: silentLogger, newKeyFile: file });
    expect(done).toMatchObject({ file, oldFile: undefined });
    expect(done.resealed).toBe(2 + 1 + 7);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const old = rootKeyId(parseRootKey(where.env.SALLYPORT_ROOT_KEY ?? ""));
    const refused = TestPlatform.reopen(where);
    await expect(refused).rejects.toMatchObject({ code: "ROOT_KEY_MISMATCH" });
    await expect(refused).rejects.toThrow(new RegExp(`${old}.*${done.keyId}`));
    const platform = await start({ ...where, env: { SALLYPORT_ROOT_KEY_FILE: file } });
    const answer = await platform.call("POST", "/v3/gateways/connect", connect);
    expect(answer.body.pki.clientCertificateChain).toBe(chain);
    expect((await platform.call("GET", "/v2/gateways", { token: acme.token })).status).toBe(200);
    await platform.tenant("later");
  });

  test("a file that is there already is the new key; the same again changes nothing", async () => {
    const { where } = await stopped();
    const file = await newKeyFile();
    await writeFile(file, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
    const given = await readFile(file, "utf8");
    const options = { ...where, log: silentLogger, newKeyFile: file };
    expect((await rotateRootKey(options)).resealed).toBeGreaterThan(0);
    expect((await rotateRootKey(options)).resealed).toBe(0);
    expect(await readFile(file, "utf8")).toBe(given);
    await start({ ...where, env: { SALLYPORT_ROOT_KEY_FILE: file } });
  });

  test("whoever has another key changes nothing and leaves no file", async () => {
    const { where } = await stopped();
    const newKey = await newKeyFile();
    const env = { SALLYPORT_ROOT_KEY: Buffer.alloc(32, 222).toString("base64") };
    const attempt = rotateRootKey({ ...where, env, log: silentLogger, newKeyFile: newKey });
    await expect(attempt).rejects.toMatchObject({ code: "ROOT_KEY_MISMATCH" });
    expect(existsSync(newKey)).toBe(false);
    await expect(rotateRootKey({ ...where, log: silentLogger })).rejects.toMatchObject({ code: "USAGE" });
    await start(where);
  });

  test("is refused while a platform runs, which is known until half a minute after it was killed", async () => {
    const { where } = await stopped();
    const platform = await start(where);
    const replica = await announceReplica(platform.core);
    const options = { ...where, log: silentLogger, newKeyFile: await newKeyFile() };
    await expect(rotateRootKey(options)).rejects.toMatchObject({ code: "CONFLICT" });
    const later = new Date(Date.now() + 36_000);
    await replica.close();
    const killed = await announceReplica(platform.core);
    closers.push(() => killed.close());
    expect((await rotateRootKey({ ...options, now: later })).resealed).toBeGreaterThan(0);
  });

  test("a platform that slept through it seals nothing any more", async () => {
    const { where } = await stopped();
    const platform = await start(where);
    const { core } = platform;
    const replica = await announceReplica(core, 5);
    closers.push(() => replica.close());
    await core.store.transaction((sql) => deleteReplicas(sql));
    // Struck off by mistake: it comes back.
    const running = () => core.store.read`SELECT id FROM replicas`;
    while ((await running()).length === 0) await Bun.sleep(5);
    const key = parseRootKey(where.env.SALLYPORT_ROOT_KEY ?? "");
    await core.store.transaction(async (sql) => {
      await deleteReplicas(sql);
      await reseal(sql, key, Buffer.alloc(32, 223), new Date());
    });
    let refusal: unknown;
    await until(() => {
      try {
        core.keyring.newOrganisationKey("x");
      } catch (error) {
        refusal = error;
      }
      return refusal !== undefined;
    });
    expect(refusal).toMatchObject({ code: "ROOT_KEY_MISMATCH" });
  });

  test("what is sealed under the root key itself is known: a new column has to say what seals it", async () => {
    const { where } = await stopped();
    const { store } = (await start(where)).core;
    const tables = await store.snapshot((run) => listTables(run, store.dialect));
    const sealed = tables.flatMap(({ name, columns }) =>
      columns.filter((column) => column.name.startsWith("sealed")).map((column) => `${name}.${column.name}`),
    );
    const underRootKey = [
      "instance.sealed_root_key_check",
      "instance.sealed_jwt_secret",
      "organisations.sealed_key",
      // Those of the instance.
      "authority_keys.sealed_key",
    ];
    const underOrganisationKey = [
      "alert_destinations.sealed_secret",
      "auth_method_settings.sealed_reviewer_jwt",
    ];
    expect(new Set(sealed)).toEqual(new Set([...underRootKey, ...underOrganisationKey]));
  });
});

describe("the root key beside the data directory", () => {
  async function stopped() {
    const { dataDir } = await host.fresh("sqlite");
    const where = { dataDir, databaseUrl: undefined, env: {} };
    await (await TestPlatform.reopen(where)).close();
    return where;
  }

  test("is replaced where it is, and the old one is kept under another name", async () => {
    const where = await stopped();
    const path = rootKeyPath(where.dataDir);
    const before = await readFile(path, "utf8");
    const { file, oldFile } = await rotateRootKey({ ...where, log: silentLogger });
    expect(file).toBe(path);
    expect(await readFile(path, "utf8")).not.toBe(before);
    expect(await readFile(oldFile ?? "", "utf8")).toBe(before);
    for (const one of [path, oldFile ?? ""]) expect((await stat(one)).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.new`)).toBe(false);
    await start(where);
  });

  test("interrupted before anything was sealed: the old key works, and the next attempt takes the new one", async () => {
    const where = await stopped();
    const path = rootKeyPath(where.dataDir);
    await makeRootKeyFile(`${path}.new`);
    const next = await readFile(`${path}.new`, "utf8");
    await (await TestPlatform.reopen(where)).close();
    await rotateRootKey({ ...where, log: silentLogger });
    expect(await readFile(path, "utf8")).toBe(next);
  });

  test("interrupted right after: the message says which key works and how to go on", async () => {
    const where = await stopped();
    const path = rootKeyPath(where.dataDir);
    const { key: next } = await makeRootKeyFile(`${path}.new`);
    const present = parseRootKey((await readFile(path, "utf8")).trim());
    const platform = await TestPlatform.reopen(where);
    await platform.core.store.transaction((sql) => reseal(sql, present, next, new Date()));
    await platform.close();
    const refused = TestPlatform.reopen(where);
    await expect(refused).rejects.toThrow(`${path}.new already: run "sallyport platform rotate-root-key"`);
    const { resealed, keyId } = await rotateRootKey({ ...where, log: silentLogger });
    expect([resealed, keyId]).toEqual([0, rootKeyId(next)]);
    await start(where);
  });
});
