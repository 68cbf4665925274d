import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openDataDirectory } from "../../../src/platform/open-core.ts";
import type { Store } from "../../../src/platform/store/database.ts";
import { migrate } from "../../../src/platform/store/migrate.ts";
import { MIGRATIONS } from "../../../src/platform/store/migrations/index.ts";
import { WriterQueue } from "../../../src/platform/store/writer-queue.ts";
import { DATABASES, DatabaseHost, TestPlatform } from "../../support/platform.ts";
import { mustRun } from "../../support/processes.ts";

const STEPS = MIGRATIONS.map((step) => step.name);

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function own<T extends { close(): Promise<void> }>(thing: T): T {
  open.push(thing);
  return thing;
}

describe.each(DATABASES)("the store on %s", (database) => {
  async function fresh(): Promise<Store> {
    const store = own(await openDataDirectory(await host.fresh(database)));
    await migrate(store);
    return store;
  }

  test("migrating twice takes no step the second time", async () => {
    const store = own(await openDataDirectory(await host.fresh(database)));
    expect(await migrate(store)).toEqual(STEPS);
    expect(await migrate(store)).toEqual([]);
  });

  test("processes that start at once migrate once", async () => {
    const { dataDir, databaseUrl } = await host.fresh(database);
    const main = join(import.meta.dir, "../../../src/main.ts");
    const flags = ["--data-dir", dataDir, ...(databaseUrl ? ["--database-url", databaseUrl] : []), "--json"];
    const outputs = await Promise.all(
      [1, 2, 3].map(() => mustRun([process.execPath, main, "platform", "migrate", ...flags])),
    );
    const steps = outputs.flatMap((output) => JSON.parse(output).steps);
    expect(steps).toEqual(STEPS);
  });

  test("a database that a newer program has used is refused", async () => {
    const store = await fresh();
    await store.transaction(
      (sql) => sql`
      INSERT INTO schema_migrations (id, name, applied_at) VALUES (${99}, ${"later"}, ${"2030-01-01"})`,
    );
    await expect(migrate(store)).rejects.toMatchObject({ code: "DATABASE_TOO_NEW" });
  });

  test("a transaction that throws leaves nothing, and others are not drawn into it", async () => {
    const store = await fresh();
    const insert = (name: string, fail: boolean) =>
      store.transaction(async (sql) => {
        await sql`INSERT INTO authority_sets (owner_id, created_at) VALUES (${name}, ${"t"})`;
        await Bun.sleep(5);
        if (fail) throw new Error("changed my mind");
      });
    const outcomes = await Promise.allSettled([insert("a", true), insert("b", false), insert("c", true)]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "fulfilled", "rejected"]);
    expect(await store.read`SELECT owner_id FROM authority_sets`).toEqual([{ owner_id: "b" }]);
  });

  test("a value is bound, never pasted", async () => {
    const store = await fresh();
    const hostile = "x'); DROP TABLE authority_sets; --";
    await store.transaction(
      (sql) => sql`
      INSERT INTO authority_sets (owner_id, created_at) VALUES (${hostile}, ${"t"})`,
    );
    expect(await store.read`SELECT owner_id FROM authority_sets`).toEqual([{ owner_id: hostile }]);
  });

  test("another root key does not open the database", async () => {
    const where = await host.fresh(database);
    own(await TestPlatform.reopen(where));
    const other = { ...where, env: { SALLYPORT_ROOT_KEY: Buffer.alloc(32, 250).toString("hex") } };
    await expect(TestPlatform.reopen(other)).rejects.toMatchObject({ code: "ROOT_KEY_MISMATCH" });
  });

  test("whoever comes a moment too late is told so: what it refers to is gone, or its like is there", async () => {
    const platform = own(await TestPlatform.open(host, database));
    const { userId, orgId } = await platform.tenant("acme");
    const { store } = platform.core;
    const join = (user: string) =>
      store.transaction(
        (sql) => sql`
          INSERT INTO memberships (user_id, org_id, role, created_at) VALUES (${user}, ${orgId}, ${"member"}, ${"now"})`,
      );
    for (const user of ["gone", userId]) {
      await expect(join(user)).rejects.toMatchObject({ code: "CONFLICT" });
    }
    await store.transaction(async (sql) => {
      await sql`UPDATE users SET name = ${"still works"} WHERE id = ${userId}`;
    });
  });

  test("a restart opens the authorities that it left", async () => {
    const where = await host.fresh(database);
    const before = own(await TestPlatform.reopen(where));
    const acme = await before.tenant("acme");
    const made = (await before.core.authorities.organisation(acme.orgId)).gatewayServer.chainPem;
    const after = own(await TestPlatform.reopen(where));
    expect((await after.core.authorities.organisation(acme.orgId)).gatewayServer.chainPem).toBe(made);
  });
});

describe("several replicas, which need postgres", () => {
  test("replicas that start at once share one instance and one set of authorities", async () => {
    const where = await host.fresh("postgres");
    const replicas = await Promise.all([1, 2, 3].map(async () => own(await TestPlatform.reopen(where))));
    expect(new Set(replicas.map((replica) => replica.core.keyring.instanceId)).size).toBe(1);
    const chains = await Promise.all(
      replicas.map(async (replica) => (await replica.core.authorities.instance()).rootRelay.chainPem),
    );
    expect(new Set(chains).size).toBe(1);
    const acme = await replicas[0]?.tenant("acme");
    const roots = await Promise.all(
      replicas.map(
        async (replica) =>
          (await replica.core.authorities.organisation(acme?.orgId ?? "")).gatewayRoot.chainPem,
      ),
    );
    expect(new Set(roots).size).toBe(1);
  });
});

describe("the writer queue", () => {
  test("runs in the order of the calls, also after a failure", async () => {
    const queue = new WriterQueue();
    const done: number[] = [];
    const runs = [1, 2, 3].map((n) =>
      queue.run(async () => {
        await Bun.sleep(3 - n);
        done.push(n);
        if (n === 1) throw new Error("first");
      }),
    );
    await Promise.allSettled(runs);
    expect(done).toEqual([1, 2, 3]);
  });

  test("turns writers away instead of growing without end", async () => {
    const queue = new WriterQueue();
    let release = () => {};
    const held = queue.run(() => new Promise<void>((resolve) => (release = resolve)));
    const waiting = Array.from({ length: 999 }, () => queue.run(async () => {}));
    await expect(queue.run(async () => {})).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    release();
    await Promise.all([held, ...waiting]);
    await queue.run(async () => {});
  });
});

test("a database file that is damaged is told with what to do, and left as it is", async () => {
  const place = await host.fresh("sqlite");
  const file = join(place.dataDir, "sallyport.db");
  await Bun.write(file, "no database ".repeat(1000));
  await expect(openDataDirectory(place)).rejects.toMatchObject({
    code: "DATABASE_UNAVAILABLE",
    message: expect.stringMatching(
      /is damaged \(.+\): restore a backup into a new --data-dir with "sallyport/,
    ),
  });
  expect(await Bun.file(file).text()).toStartWith("no database ");
});

test("a PostgreSQL that can't be reached is named, without its password", async () => {
  const place = await host.fresh("sqlite");
  const databaseUrl = "postgres://me:a-password-of-mine@127.0.0.1:9/sallyport";
  const failure = openDataDirectory({ ...place, databaseUrl });
  await expect(failure).rejects.toMatchObject({
    code: "DATABASE_UNAVAILABLE",
    message: expect.stringMatching(
      /^Cannot open the PostgreSQL database sallyport at 127\.0\.0\.1:9 as me \(.+\): is it running/,
    ),
  });
  await expect(failure).rejects.not.toThrow("a-password-of-mine");
  const odd = openDataDirectory({ ...place, databaseUrl: "mysql://me@x/y" });
  await expect(odd).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});
