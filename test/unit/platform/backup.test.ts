import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { backup } from "../../../src/platform/backup/backup.ts";
import { restore } from "../../../src/platform/backup/restore.ts";
import { openDataDirectory } from "../../../src/platform/open-core.ts";
import { newSession } from "../../../src/platform/services/login/sessions.ts";
import type { Store } from "../../../src/platform/store/database.ts";
import { MIGRATIONS } from "../../../src/platform/store/migrations/index.ts";
import { listTables, readRows } from "../../../src/platform/store/tables.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { EventReader } from "../../support/event-reader.ts";
import {
  DATABASES,
  type Database,
  DatabaseHost,
  type DatabasePlace,
  TestPlatform,
} from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const open: TestPlatform[] = [];
afterEach(async () => {
  for (const platform of open.splice(0)) await platform.close();
});

async function start(where: DatabasePlace): Promise<TestPlatform> {
  const platform = await TestPlatform.reopen(where);
  open.push(platform);
  return platform;
}

let files = 0;
async function newFile(): Promise<string> {
  return join(await host.directory("backups"), `b${++files}.jsonl`);
}

/** A platform that has lived: a gateway with certificates, resources, people, events, audit. */
async function livedIn(database: Database) {
  const where = await host.fresh(database);
  const platform = await start(where);
  const acme = await platform.tenant("acme", true);
  const gateway = await platform.gateway(acme, "office");
  const relay = await platform.relay(acme, "eu-1");
  await platform.call("POST", "/v2/relays/connect", { token: relay.token, body: { sshPort: 2200 } });
  const connect = { token: gateway.token, body: { relayNames: ["eu-1"] } };
  await platform.call("POST", "/v3/gateways/connect", connect);
  const body = {
    name: "db ünïcode \u{1f6aa}".slice(0, 2),
    gatewayId: gateway.id,
    host: "10.0.0.1",
    port: 5432,
  };
  await platform.call("POST", "/v1/resources", { token: acme.token, body });
  // When tokens were used is noted a moment later, and what is compared must not change any more.
  await platform.core.tokenUses.close();
  const out = await newFile();
  await backup({ ...where, log: silentLogger, out });
  return { where, platform, acme, gateway, relay, out };
}

async function contents(store: Store): Promise<Record<string, string[]>> {
  return await store.snapshot(async (run) => {
    const all: Record<string, string[]> = {};
    for (const table of await listTables(run, store.dialect)) {
      const rows: string[] = [];
      for await (const page of readRows(run, store.dialect, table)) {
        rows.push(...page.map((row) => JSON.stringify(row)));
      }
      all[table.name] = rows.sort((a, b) => (a < b ? -1 : 1));
    }
    return all;
  });
}

/** An empty database that has the root key of another one. */
async function empty(database: Database, keyOf: DatabasePlace): Promise<DatabasePlace> {
  return { ...(await host.fresh(database)), env: keyOf.env };
}

describe.each(DATABASES)("a backup of %s", (from) => {
  test.each(DATABASES)("restored into %s holds the same", async (to) => {
    const { where, platform, out } = await livedIn(from);
    const target = await empty(to, where);
    const { rows } = await restore({ ...target, log: silentLogger, from: out });
    expect(rows).toBeGreaterThan(20);
    const before = await contents(platform.core.store);
    const store = await openDataDirectory(target);
    const after = await contents(store);
    await store.close();
    expect(new Set(Object.keys(after))).toEqual(new Set(Object.keys(before)));
    const afresh = ["enrollment_tokens", "invitations", "replicas"];
    for (const name of ["schema_migrations", "event_counter", ...afresh]) {
      delete before[name];
      delete after[name];
    }
    expect(after).toEqual(before);
  });

  test.each(DATABASES)("restored into %s serves the same gateways, people and streams", async (to) => {
    const { where, platform, acme, gateway, out } = await livedIn(from);
    const stream = await EventReader.open(platform, gateway.token);
    const { id } = await stream.next("snapshot");
    await stream.close();
    const target = await empty(to, where);
    await restore({ ...target, log: silentLogger, from: out });
    const restored = await start(target);
    const connect = { token: gateway.token, body: { relayNames: ["eu-1"] } };
    const answer = await restored.call("POST", "/v3/gateways/connect", connect);
    expect(answer.status).toBe(200);
    const before = await platform.call("POST", "/v3/gateways/connect", connect);
    expect(answer.body.pki.clientCertificateChain).toBe(before.body.pki.clientCertificateChain);
    expect((await restored.call("GET", "/v2/gateways", { token: acme.token })).body).toHaveLength(1);
    // Whoever followed the events before is told the whole state.
    const again = await EventReader.open(restored, gateway.token, { lastEventId: id });
    await again.next("snapshot");
    await again.close();
  });

  test("is of one moment, however much is written meanwhile", async () => {
    const { where, platform, acme } = await livedIn(from);
    const out = await newFile();
    let writing: Promise<unknown> | undefined;
    await backup({
      ...where,
      log: silentLogger,
      out,
      onRows: () => {
        writing ??= platform.call("POST", "/v3/gateways", { token: acme.token, body: { name: "later" } });
      },
    });
    expect(await writing).toMatchObject({ status: 200 });
    expect(await readFile(out, "utf8")).not.toContain("later");
    expect((await stat(out)).mode & 0o777).toBe(0o600);
  });

  test("a spent enrollment token opens nothing after a restore to before it was spent", async () => {
    const { where, platform, acme, gateway } = await livedIn(from);
    const path = `/v3/gateways/${gateway.id}/token-auth/generate-enrollment-token`;
    const { token } = (await platform.call("POST", path, { token: acme.token })).body;
    const out = await newFile();
    await backup({ ...where, log: silentLogger, out });
    const target = await empty(from, where);
    await restore({ ...target, log: silentLogger, from: out });
    const restored = await start(target);
    const login = await restored.call("POST", "/v3/gateways/login", { body: { method: "token", token } });
    expect(login.body.code).toBe("ENROLLMENT_TOKEN_INVALID");
  });

  test("a spent invitation and an ended login open nothing after a restore either", async () => {
    const { where, platform, acme } = await livedIn(from);
    const body = { email: "new@example.com", role: "admin" };
    const { link } = (await platform.call("POST", "/v1/invitations", { token: acme.token, body })).body;
    const login = newSession(platform.time);
    await platform.core.store.transaction((sql) => login.write(sql, acme));
    const out = await newFile();
    await backup({ ...where, log: silentLogger, out });
    const target = await empty(from, where);
    await restore({ ...target, log: silentLogger, from: out });
    const restored = await start(target);
    const token = link.split("#")[1];
    expect((await restored.call("POST", "/v1/auth/invitation", { body: { token } })).status).toBe(404);
    expect((await restored.call("GET", "/v1/auth/me", { token: login.accessToken })).status).toBe(401);
  });

  test("what can't be restored leaves the database as empty as it was", async () => {
    const { where, out } = await livedIn(from);
    const target = await empty(from, where);
    const attempt = (file: string, env = target.env) =>
      restore({ ...target, env, log: silentLogger, from: file });
    const text = await readFile(out, "utf8");
    const lines = text.split("\n");
    const changed = async (content: string) => {
      const file = await newFile();
      await writeFile(file, content);
      return file;
    };
    const refusals: [string, string][] = [
      [await changed(`${lines.slice(0, -2).join("\n")}\n`), "BACKUP_INVALID"],
      [await changed(text.slice(0, -10)), "BACKUP_INVALID"],
      [await changed(text.replace("office", "0ffice")), "BACKUP_INVALID"],
      [await changed(text.replace('"table":"users"', '"table":"users; DROP TABLE users"')), "BACKUP_INVALID"],
      [await changed(text.replace('"table":"users"', '"table":"sqlite_master"')), "BACKUP_INVALID"],
      [await changed(`${text}["more"]\n`), "BACKUP_INVALID"],
      [await changed("not a backup"), "BACKUP_INVALID"],
      [await changed(""), "BACKUP_INVALID"],
      [await changed(rechecked(text.replace("office", "0ffice"))), "BACKUP_INVALID"],
      [
        await changed(text.replace('"schema":[', `"schema":[${'"later",'.repeat(MIGRATIONS.length)}`)),
        "DATABASE_TOO_NEW",
      ],
      [join(target.dataDir, "missing"), "FILE_UNREADABLE"],
    ];
    for (const [file, code] of refusals) await expect(attempt(file)).rejects.toMatchObject({ code });
    const other = { SALLYPORT_ROOT_KEY: Buffer.alloc(32, 200).toString("base64") };
    await expect(attempt(out, other)).rejects.toMatchObject({ code: "ROOT_KEY_MISMATCH" });
    expect((await attempt(out)).rows).toBeGreaterThan(20);
    await expect(attempt(out)).rejects.toMatchObject({ code: "CONFLICT" });
  });

  test("is not made over a file, of nothing, or without the root key", async () => {
    const { where, out } = await livedIn(from);
    const wrong = { SALLYPORT_ROOT_KEY: Buffer.alloc(32, 201).toString("base64") };
    const file = await newFile();
    const attempt = (options: object) => backup({ ...where, log: silentLogger, out: file, ...options });
    await expect(attempt({ out })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await expect(attempt({ env: wrong })).rejects.toMatchObject({ code: "ROOT_KEY_MISMATCH" });
    const none = await host.fresh(from);
    await expect(attempt(none)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(existsSync(join(none.dataDir, "sallyport.db"))).toBe(false);
    await expect(attempt({ out: "/proc/none/b" })).rejects.toMatchObject({ code: "FILE_UNWRITABLE" });
    expect(existsSync(file)).toBe(false);
    expect(await readFile(out, "utf8")).not.toContain(where.env.SALLYPORT_ROOT_KEY ?? "");
  });
});

/** As somebody would who knows the format but not the root key. */
function rechecked(text: string): string {
  const lines = text.trimEnd().split("\n");
  const before = `${lines.slice(0, -1).join("\n")}\n`;
  const last = JSON.parse(lines.at(-1) ?? "");
  last.end.sha256 = createHash("sha256").update(before).digest("hex");
  return `${before}${JSON.stringify(last)}\n`;
}
