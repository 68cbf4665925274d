import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { DATABASES, DatabaseHost, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function own<T extends { close(): Promise<unknown> }>(thing: T): T {
  open.push(thing);
  return thing;
}

/** More than there are connections for them. */
const TRANSACTIONS = 30;

describe.each(DATABASES)("with transactions held open on %s", (database) => {
  test("a list request is answered, and shows nothing that is not committed", async () => {
    const platform = own(await TestPlatform.open(host, database));
    const acme = await platform.tenant("acme");
    await platform.gateway(acme, "office");
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: held, resolve: isHeld } = Promise.withResolvers<void>();
    const transactions = Array.from({ length: TRANSACTIONS }, (_, i) =>
      platform.core.store.transaction(async (sql) => {
        await sql`UPDATE gateways SET name = ${`renamed-${i}`} WHERE org_id = ${acme.orgId}`;
        isHeld();
        await released;
      }),
    );
    await held;
    for (let i = 0; i < 20; i++) {
      const listed = await platform.call("GET", "/v2/gateways", { token: acme.token });
      expect(listed.status).toBe(200);
      expect(listed.body.map(({ name }: { name: string }) => name)).toEqual(["office"]);
    }
    release();
    await Promise.all(transactions);
    const after = await platform.call("GET", "/v2/gateways", { token: acme.token });
    expect(after.body[0].name).toStartWith("renamed-");
  });
});

describe("with a transaction of another process held open on sqlite", () => {
  const HOLD = `
    const { Database } = require("bun:sqlite");
    const database = new Database(process.argv[1]);
    database.run("BEGIN IMMEDIATE");
    console.log("held");
    await Bun.stdin.text();
    database.run("COMMIT");`;

  test("lists are answered, and a change waits for it without holding up anything else", async () => {
    const where = await host.fresh("sqlite");
    const platform = own(await TestPlatform.reopen(where));
    const acme = await platform.tenant("acme");
    const other = Bun.spawn([process.execPath, "-e", HOLD, `${where.dataDir}/sallyport.db`], {
      stdin: "pipe",
      stdout: "pipe",
    });
    own({ close: async () => other.kill() });
    await other.stdout.getReader().read();
    let created = false;
    const body = { name: "office" };
    const creating = platform.call("POST", "/v3/gateways", { token: acme.token, body }).then((answer) => {
      created = true;
      return answer;
    });
    for (let i = 0; i < 20; i++) {
      expect((await platform.call("GET", "/v2/gateways", { token: acme.token })).body).toEqual([]);
      await Bun.sleep(5);
    }
    expect(created).toBe(false);
    await other.stdin.end();
    expect((await creating).status).toBe(200);
  });
});
