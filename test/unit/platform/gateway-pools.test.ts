import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

interface Member {
  id: string;
  token: string;
}

describe.each(DATABASES)("gateway pools on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
  });
  afterEach(() => platform.close());

  const call = (method: string, path: string, body?: unknown, token = acme.token) =>
    platform.call(method, path, { token, body });

  async function pool(name: string, members: Member[] = []): Promise<string> {
    const { id } = (await call("POST", "/v2/gateway-pools", { name })).body;
    for (const member of members) {
      await call("POST", `/v2/gateway-pools/${id}/memberships`, { gatewayId: member.id });
    }
    return id;
  }

  /** Connected through a relay and found healthy by a probe. */
  async function gateway(name: string): Promise<Member> {
    const made = await platform.gateway(acme, name);
    await platform.call("POST", "/v3/gateways/connect", { token: made.token, body: { relayName: "eu-1" } });
    await platform.call("POST", "/v2/gateways/heartbeat", { token: made.token, body: {} });
    return made;
  }

  const report = (member: Member, activeChannels: number) =>
    platform.call("POST", "/v2/gateways/metrics", { token: member.token, body: { activeChannels } });

  const access = (failedAccessId?: string, token = acme.token) =>
    call("POST", "/v1/resources/db/access", failedAccessId === undefined ? {} : { failedAccessId }, token);

  async function behind(poolName: string): Promise<void> {
    const resource = { name: "db", poolName, host: "db.internal", kind: "postgres" };
    expect((await call("POST", "/v1/resources", resource)).status).toBe(200);
  }

  describe("as they are managed", () => {
    test("are created, listed, renamed and deleted; every change is in the audit log", async () => {
      const office = await platform.gateway(acme, "office");
      const made = (await call("POST", "/v2/gateway-pools", { name: "site" })).body;
      const time = platform.time.toISOString();
      const row = { id: made.id, orgId: acme.orgId, name: "site", createdAt: time, updatedAt: time };
      expect(made).toEqual(row);
      const path = `/v2/gateway-pools/${made.id}`;
      const joined = await call("POST", `${path}/memberships`, { gatewayId: office.id });
      expect(joined.body).toEqual({
        id: expect.any(String),
        gatewayPoolId: made.id,
        gatewayId: office.id,
        createdAt: time,
      });
      expect((await call("GET", "/v2/gateway-pools")).body).toEqual([
        {
          ...row,
          memberCount: 1,
          healthyMemberCount: 0,
          memberGatewayIds: [office.id],
          connectedResourcesCount: 0,
        },
      ]);
      const member = {
        id: office.id,
        name: "office",
        heartbeat: null,
        status: "unregistered",
        suspect: false,
      };
      const detail = { ...row, gateways: [{ ...member, load: null }], connectedResourcesCount: 0 };
      expect((await call("GET", path)).body).toEqual(detail);
      expect((await call("PATCH", path, { name: "hall" })).body.name).toBe("hall");
      expect((await call("DELETE", `${path}/memberships/${office.id}`)).body).toEqual(joined.body);
      expect((await call("DELETE", `${path}/memberships/${office.id}`)).status).toBe(404);
      expect((await call("DELETE", path)).body.name).toBe("hall");
      expect((await call("GET", path)).status).toBe(404);
      const { entries } = (await call("GET", "/v1/audit")).body;
      const events = entries.map(({ event }: { event: string }) => event);
      for (const what of ["CREATE", "ADD_MEMBER", "UPDATE", "REMOVE_MEMBER", "DELETE"]) {
        expect(events).toContain(`GATEWAY_POOL_${what}`);
      }
    });

    test("a gateway that is deleted leaves its pools, which the audit log says", async () => {
      const office = await platform.gateway(acme, "office");
      for (const name of ["hall", "yard"]) {
        const pool = (await call("POST", "/v2/gateway-pools", { name })).body;
        await call("POST", `/v2/gateway-pools/${pool.id}/memberships`, { gatewayId: office.id });
      }
      expect((await call("DELETE", `/v2/gateways/${office.id}`)).status).toBe(200);
      const { entries } = (await call("GET", "/v1/audit")).body;
      const left = entries.filter(({ event }: { event: string }) => event === "GATEWAY_POOL_REMOVE_MEMBER");
      expect(left.map(({ detail }: { detail: { name: string } }) => detail.name).sort()).toEqual([
        "hall",
        "yard",
      ]);
    });

    test("a gateway may be in several; twice in one, or one of another organisation, is refused", async () => {
      const office = await platform.gateway(acme, "office");
      const globex = await platform.tenant("globex");
      const foreign = await platform.gateway(globex, "office");
      const one = await pool("one", [office]);
      await pool("two", [office]);
      const listed = (await call("GET", "/v2/gateway-pools")).body;
      expect(listed.map((entry: { memberCount: number }) => entry.memberCount)).toEqual([1, 1]);
      const path = `/v2/gateway-pools/${one}/memberships`;
      expect((await call("POST", path, { gatewayId: office.id })).status).toBe(400);
      expect((await call("POST", path, { gatewayId: foreign.id })).status).toBe(404);
      expect((await call("POST", path, { gatewayId: office.id }, globex.token)).status).toBe(404);
      expect((await call("GET", `/v2/gateway-pools/${one}`, undefined, globex.token)).status).toBe(404);
    });

    test("B4 a name is used once and is a short slug", async () => {
      await pool("one");
      const two = await pool("two");
      expect((await call("POST", "/v2/gateway-pools", { name: "one" })).body.code).toBe("ALREADY_EXISTS");
      expect((await call("PATCH", `/v2/gateway-pools/${two}`, { name: "one" })).body.code).toBe(
        "ALREADY_EXISTS",
      );
      for (const name of ["", "../x", "x".repeat(33), "A", "a\nb"]) {
        expect((await call("POST", "/v2/gateway-pools", { name })).status).toBe(422);
      }
    });

    test("one with resources behind it is not deleted, and they are named", async () => {
      const id = await pool("site");
      await behind("site");
      const refused = await call("DELETE", `/v2/gateway-pools/${id}`);
      expect([refused.status, refused.body.code]).toEqual([409, "CONFLICT"]);
      expect(refused.body.message).toContain("the resource db");
      const { resources, ...theirs } = (await call("GET", `/v2/gateway-pools/${id}/resources`)).body;
      expect(theirs).toEqual({
        appConnections: [],
        dynamicSecrets: [],
        kubernetesAuths: [],
        pkiDiscoveryConfigs: [],
      });
      expect(resources).toEqual([{ id: expect.any(String), name: "db", kind: "postgres" }]);
      await call("DELETE", "/v1/resources/db");
      expect((await call("DELETE", `/v2/gateway-pools/${id}`)).status).toBe(200);
    });

    test("reading needs a member's role, everything else rights that members lack", async () => {
      const id = await pool("site");
      const { token } = await platform.member(acme, "ann");
      expect((await call("GET", "/v2/gateway-pools", undefined, token)).status).toBe(200);
      const path = `/v2/gateway-pools/${id}`;
      const attempts: [string, string, object?][] = [
        ["POST", "/v2/gateway-pools", { name: "x" }],
        ["PATCH", path, { name: "x" }],
        ["DELETE", path],
        ["POST", `${path}/memberships`, { gatewayId: crypto.randomUUID() }],
        ["POST", "/v1/resources", { name: "x", poolName: "site", host: "db", kind: "postgres" }],
      ];
      for (const [method, where, body] of attempts) {
        expect([where, (await call(method, where, body, token)).status]).toEqual([where, 403]);
      }
    });

    test("where the organisation requires pools nothing new goes behind a single gateway", async () => {
      const office = await platform.gateway(acme, "office");
      await pool("site", [office]);
      const resource = { gatewayName: "office", host: "db.internal", kind: "postgres" };
      await call("POST", "/v1/resources", { ...resource, name: "old" });
      await behind("site");
      const set = await call("PATCH", "/v1/organisation", { requireGatewayPools: true });
      expect(set.body).toEqual({ id: acme.orgId, name: "acme", requireGatewayPools: true });
      const refused = await call("POST", "/v1/resources", { ...resource, name: "new" });
      expect([refused.status, refused.body.message]).toEqual([
        400,
        expect.stringContaining("requires gateway pools"),
      ]);
      expect((await call("PATCH", "/v1/resources/db", { gatewayName: "office" })).status).toBe(400);
      // What is there already may stay, and change otherwise.
      expect((await call("PATCH", "/v1/resources/old", { port: 5433, gatewayName: "office" })).status).toBe(
        200,
      );
      expect((await call("PATCH", "/v1/resources/old", { poolName: "site" })).body.gatewayId).toBeNull();
    });
  });

  describe("as connections go through them", () => {
    let a: Member;
    let b: Member;
    beforeEach(async () => {
      await platform.relay(acme, "eu-1");
      a = await gateway("a");
      b = await gateway("b");
      await pool("site", [a, b]);
      await behind("site");
    });

    /** To which member each of so many connections is sent. */
    async function sent(count: number): Promise<Record<string, number>> {
      const names: Record<string, number> = { a: 0, b: 0 };
      for (let i = 0; i < count; i++) {
        const { gatewayName } = (await access()).body;
        names[gatewayName] = (names[gatewayName] ?? 0) + 1;
      }
      return names;
    }

    test("access is for one member, and says which pool and which answer", async () => {
      const { status, body } = await access();
      expect(status).toBe(200);
      expect([a.id, b.id]).toContain(body.gatewayId);
      expect(body.pool).toEqual({ id: expect.any(String), name: "site" });
      expect(body.accessId).toBeString();
      expect(body.target).toEqual({ host: "db.internal", port: 5432, kind: "postgres", mode: "tcp" });
    });

    test("the least busy is taken, counting what was handed out since it said so", async () => {
      await report(a, 7);
      await report(b, 3);
      platform.pass(3000);
      expect(await sent(4)).toEqual({ a: 0, b: 4 });
      const spread = await sent(6);
      expect(spread).toEqual({ a: 3, b: 3 });
    });

    test("a new report covers what was handed out before it", async () => {
      await report(a, 1);
      await report(b, 0);
      platform.pass(3000);
      await sent(1);
      platform.pass(3000);
      await report(b, 0);
      expect(await sent(1)).toEqual({ a: 0, b: 1 });
    });

    test("simultaneous choices on one database take different members", async () => {
      await report(a, 0);
      await report(b, 0);
      platform.pass(3000);
      const answers = await Promise.all(Array.from({ length: 10 }, () => access()));
      const names = answers.map(({ body }) => body.gatewayName);
      expect(names.filter((name) => name === "a")).toHaveLength(5);
    });

    test("where one has not reported within 35 s any is taken", async () => {
      await report(a, 0);
      platform.pass(30_000);
      await report(b, 50);
      platform.pass(6000);
      const { a: first = 0, b: second = 0 } = await sent(30);
      expect(first).toBeGreaterThan(0);
      expect(second).toBeGreaterThan(0);
    });

    test("one that can't be reached is left out; where none can be, access says so", async () => {
      platform.prober.onGateway = () => Promise.reject(new Error("gone"));
      await call("POST", `/v2/gateways/${a.id}/heartbeat`);
      expect(await sent(5)).toEqual({ a: 0, b: 5 });
      await call("POST", `/v2/gateways/${b.id}/heartbeat`);
      const refused = await access();
      expect([refused.status, refused.body.message]).toEqual([400, "Gateway pool has no healthy gateways."]);
    });

    test("one that a client did not get through is passed over for a minute, and looked at", async () => {
      const first = (await access()).body;
      const probed = platform.prober.gateways.length;
      const second = (await access(first.accessId)).body;
      expect(second.gatewayId).not.toBe(first.gatewayId);
      while (platform.prober.gateways.length === probed) await Bun.sleep(1);
      expect(platform.prober.gateways.at(-1)?.gatewayId).toBe(first.gatewayId);
      const others = await sent(8);
      expect(others[first.gatewayName]).toBe(0);
      platform.pass(61_000);
      await report(first.gatewayName === "a" ? a : b, 0);
      await report(first.gatewayName === "a" ? b : a, 9);
      expect((await access()).body.gatewayId).toBe(first.gatewayId);
    });

    test("when all have just failed they are used all the same, but not the one that failed right now", async () => {
      const first = (await access()).body;
      const second = (await access(first.accessId)).body;
      const third = (await access(second.accessId)).body;
      expect(third.gatewayId).toBe(first.gatewayId);
      expect((await access()).status).toBe(200);
    });

    test("only who was sent to a member can say that it failed, and only for this resource", async () => {
      const { token } = await platform.member(acme, "ann");
      await call("POST", "/v1/resources/db/grants", { email: "ann@example.com" });
      const mine = (await access()).body;
      const probed = platform.prober.gateways.length;
      expect((await access(mine.accessId, token)).status).toBe(200);
      expect((await access(crypto.randomUUID(), token)).status).toBe(200);
      await call("POST", "/v1/resources", { name: "other", poolName: "site", host: "db", kind: "postgres" });
      await call("POST", "/v1/resources/other/access", { failedAccessId: mine.accessId });
      const [listed] = (await call("GET", "/v2/gateway-pools")).body;
      const detail = (await call("GET", `/v2/gateway-pools/${listed.id}`)).body;
      expect(detail.gateways.map((one: { suspect: boolean }) => one.suspect)).toEqual([false, false]);
      expect(platform.prober.gateways).toHaveLength(probed);
    });

    test("a gateway in a pool is asked for its load every 10 s, another one once a minute", async () => {
      const lone = await gateway("lone");
      expect((await report(a, 2)).body).toEqual({
        gatewayId: a.id,
        activeChannels: 2,
        nextReportSeconds: 10,
      });
      expect((await report(lone, 2)).body.nextReportSeconds).toBe(60);
      expect((await report(a, -1)).status).toBe(422);
    });
  });
});
