import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { emit } from "../../../src/platform/services/events/events.ts";
import { deleteEventsBefore, insertEvents, listEvents } from "../../../src/platform/store/events.ts";
import { insertMembership } from "../../../src/platform/store/people.ts";
import { EventReader } from "../../support/event-reader.ts";
import {
  DATABASES,
  DatabaseHost,
  type DatabasePlace,
  RELAY_SECRET,
  type Tenant,
  TestPlatform,
} from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("the event stream on %s", (database) => {
  let where: DatabasePlace;
  let platform: TestPlatform;
  let acme: Tenant;
  const open: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    where = await host.prepared(database);
    platform = await TestPlatform.reopen(where);
    acme = await platform.tenant("acme");
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    await platform.close();
  });

  async function follow(token: string, options: Parameters<typeof EventReader.open>[2] = {}, of = platform) {
    const reader = await EventReader.open(of, token, options);
    open.push(reader);
    return reader;
  }
  const revoke = (id: string) => platform.call("POST", `/v3/gateways/${id}/revoke`, { token: acme.token });
  const now = () => platform.time.toISOString();
  /** Something that every follower of the organisation hears. */
  const nudge = (orgId = acme.orgId) =>
    platform.core.store.transaction((sql) => emit(sql, { orgId }, [{ type: "authorities.changed" }], now()));

  test("begins with a snapshot of every gateway in scope, then tells what happens", async () => {
    const gateway = await platform.gateway(acme, "office");
    const relay = await platform.relay(acme, "eu-1");
    const reader = await follow(relay.token);
    expect((await reader.next("snapshot")).body).toEqual({
      gateways: [{ gatewayId: gateway.id, generation: 1 }],
      serials: [],
    });
    await revoke(gateway.id);
    const { body, id } = await reader.next("gateway.revoked");
    expect(body).toEqual({ gatewayId: gateway.id, generation: 2 });
    expect(Number(id)).toBeGreaterThan(0);
  });

  test("after Last-Event-ID tells what was missed, and nothing twice", async () => {
    const gateway = await platform.gateway(acme, "office");
    const relay = await platform.relay(acme, "eu-1");
    const first = await follow(relay.token);
    await first.next("snapshot");
    await nudge();
    const { id } = await first.next("authorities.changed");
    await first.close();
    await revoke(gateway.id);
    const second = await follow(relay.token, { lastEventId: id });
    await second.next("gateway.revoked");
    await nudge();
    await second.next("authorities.changed");
    expect(second.types).toEqual(["gateway.revoked", "authorities.changed"]);
  });

  test("an id that is unknown, damaged or no longer kept gets a snapshot first", async () => {
    const relay = await platform.relay(acme, "eu-1");
    for (let i = 0; i < 3; i++) await nudge();
    for (const lastEventId of ["999", "x", "-1", "1e3"]) {
      const reader = await follow(relay.token, { lastEventId });
      await reader.next("snapshot");
    }
    const kept = await follow(relay.token, { lastEventId: "1" });
    await kept.next("authorities.changed", 1);
    expect(kept.types).not.toContain("snapshot");
    platform.pass(25 * 3600 * 1000);
    await platform.core.store.transaction((sql) => deleteEventsBefore(sql, now()));
    const trimmed = await follow(relay.token, { lastEventId: "1" });
    await trimmed.next("snapshot");
    const newest = await follow(relay.token, { lastEventId: "3" });
    await nudge();
    await newest.next("authorities.changed");
    expect(newest.types).not.toContain("snapshot");
  });

  test("an organisation's relay hears of its organisation only, an instance relay of gateways that may log in there", async () => {
    const bravo = await platform.tenant("bravo");
    const [mine, theirs] = [await platform.gateway(acme, "office"), await platform.gateway(bravo, "office")];
    const relay = await platform.relay(acme, "eu-1");
    const register = { token: RELAY_SECRET, body: { name: "shared", host: "203.0.113.9" } };
    await platform.call("POST", "/v1/relays/register-instance-relay", register);
    const connect = (token: string, relayName: string) =>
      platform.call("POST", "/v3/gateways/connect", { token, body: { relayNames: [relayName] } });
    await connect(theirs.token, "shared");
    await connect(mine.token, "shared");
    // It has moved, but its certificate for the shared relay is still good.
    await connect(mine.token, "eu-1");
    const own = await follow(relay.token);
    const shared = await follow(RELAY_SECRET, { relayName: "shared" });
    const ids = (body: Record<string, unknown>) => JSON.stringify(body.gateways);
    expect(ids((await own.next("snapshot")).body)).not.toContain(theirs.id);
    const both = ids((await shared.next("snapshot")).body);
    expect(both).toContain(theirs.id);
    expect(both).toContain(mine.id);
    await platform.call("POST", `/v3/gateways/${theirs.id}/revoke`, { token: bravo.token });
    await revoke(mine.id);
    await shared.next("gateway.revoked", 1);
    await own.next("gateway.revoked");
    expect(own.events.map((event) => event.body.gatewayId).filter(Boolean)).toEqual([mine.id]);
  });

  test("a gateway hears of itself, and its stream ends with its access", async () => {
    const [office, lab] = [await platform.gateway(acme, "office"), await platform.gateway(acme, "lab")];
    const reader = await follow(office.token);
    expect((await reader.next("snapshot")).body.gateways).toEqual([{ gatewayId: office.id, generation: 1 }]);
    await revoke(lab.id);
    await revoke(office.id);
    await reader.ended;
    expect(reader.types).toEqual(["snapshot", "gateway.revoked"]);
  });

  test("a gateway that has just logged in does not hear of its own login, its predecessor does", async () => {
    const office = await platform.gateway(acme, "office");
    const predecessor = await follow(office.token);
    const path = `/v3/gateways/${office.id}/token-auth/generate-enrollment-token`;
    const { token } = (await platform.call("POST", path, { token: acme.token })).body;
    const login = await platform.call("POST", "/v3/gateways/login", { body: { method: "token", token } });
    const successor = await follow(login.body.accessToken);
    expect((await predecessor.next("gateway.rotated")).body).toEqual({ gatewayId: office.id, generation: 2 });
    await predecessor.ended;
    await nudge();
    await successor.next("authorities.changed");
    expect(successor.types).not.toContain("gateway.rotated");
  });

  test("who held access before hears why it is over, and nothing else", async () => {
    const [office, lab] = [await platform.gateway(acme, "office"), await platform.gateway(acme, "lab")];
    const [one, two] = [await platform.relay(acme, "eu-1"), await platform.relay(acme, "eu-2")];
    const login = async (kind: "v3/gateways" | "v2/relays", id: string) => {
      const path = `/${kind}/${id}/token-auth/generate-enrollment-token`;
      const { token } = (await platform.call("POST", path, { token: acme.token })).body;
      await platform.call("POST", `/${kind}/login`, { body: { method: "token", token } });
    };
    await revoke(office.id);
    await login("v3/gateways", lab.id);
    await platform.call("POST", `/v2/relays/${one.id}/revoke`, { token: acme.token });
    await login("v2/relays", two.id);
    const told = await Promise.all(
      [office, lab, one, two].map(async ({ token }) => {
        const reader = await follow(token, { lastEventId: "1" });
        await reader.ended;
        return reader.events.map((event) => [event.type, event.body.generation ?? null]);
      }),
    );
    expect(told).toEqual([
      [["gateway.revoked", 2]],
      [["gateway.rotated", 2]],
      [["relay.revoked", null]],
      [["relay.drain", null]],
    ]);
    await platform.call("DELETE", `/v2/gateways/${office.id}`, { token: acme.token });
    const deleted = await follow(office.token);
    await deleted.next("gateway.deleted");
    expect(
      (await platform.call("POST", "/v3/gateways/connect", { token: office.token, body: {} })).status,
    ).toBe(401);
  });

  test("a relay hears that it was revoked, others that a gateway was deleted", async () => {
    const office = await platform.gateway(acme, "office");
    const [one, two] = [await platform.relay(acme, "eu-1"), await platform.relay(acme, "eu-2")];
    const [first, second] = [await follow(one.token), await follow(two.token)];
    await platform.call("POST", `/v2/relays/${one.id}/revoke`, { token: acme.token });
    expect((await first.next("relay.revoked")).body).toEqual({ relayId: one.id });
    await first.ended;
    await platform.call("DELETE", `/v2/gateways/${office.id}`, { token: acme.token });
    expect((await second.next("gateway.deleted")).body).toEqual({ gatewayId: office.id });
    expect(second.types).not.toContain("relay.revoked");
  });

  test("an administrator hears of the organisation, another organisation's and a plain member nothing", async () => {
    const bravo = await platform.tenant("bravo");
    const office = await platform.gateway(acme, "office");
    const [admin, stranger] = [await follow(acme.token), await follow(bravo.token)];
    const member = await platform.tenant("member-of-bravo");
    await platform.core.store.transaction(async (sql) => {
      await sql`UPDATE memberships SET role = 'member' WHERE user_id = ${member.userId}`;
      await insertMembership(sql, { userId: member.userId, orgId: acme.orgId, role: "member", now: now() });
    });
    const plain = await follow(member.token);
    expect((await plain.next("snapshot")).body).toEqual({ gateways: [], serials: [] });
    await revoke(office.id);
    await admin.next("gateway.revoked");
    for (const orgId of [bravo.orgId, member.orgId]) await nudge(orgId);
    await stranger.next("authorities.changed");
    await plain.next("authorities.changed");
    expect([...stranger.types, ...plain.types]).not.toContain("gateway.revoked");
  });

  test("the shared secret alone names no relay; nobody follows without a token", async () => {
    await expect(follow(RELAY_SECRET)).rejects.toThrow("404");
    await expect(follow(RELAY_SECRET, { relayName: "nowhere" })).rejects.toThrow("404");
    await expect(follow("spt_wrong")).rejects.toThrow("401");
  });

  test("followers of one token are bounded", async () => {
    for (let i = 0; i < 16; i++) await follow(acme.token);
    await expect(follow(acme.token)).rejects.toThrow("503");
    await open.pop()?.close();
    await follow(acme.token);
  });

  test("a follower that does not read is cut, the others stay", async () => {
    const relay = await platform.relay(acme, "eu-1");
    const request = new Request("http://platform.test/api/v1/events", {
      headers: { authorization: `Bearer ${relay.token}` },
    });
    const { body } = await platform.api.fetch(request, "192.0.2.1");
    if (!body) throw new Error("There is no stream");
    const lively = await follow(acme.token);
    await lively.next("snapshot");
    const serials = Array.from({ length: 500 }, (_, i) => "f".repeat(36) + i.toString(16));
    const gatewayId = crypto.randomUUID();
    const rounds = 260;
    for (let i = 0; i < rounds; i += 20) {
      await platform.core.store.transaction((sql) =>
        emit(
          sql,
          { orgId: acme.orgId, gatewayId },
          Array.from({ length: 20 }, () => ({ type: "access.ended" as const, serials })),
          now(),
        ),
      );
    }
    await lively.next("access.ended", rounds - 1);
    let read = 0;
    for await (const chunk of body) read += chunk.length;
    expect(read).toBeLessThan(4 * 1024 * 1024);
    expect(platform.feed.subscribers).toBe(1);
  });

  test("ids ascend in commit order without gaps, whoever began first", async () => {
    const { store } = platform.core;
    const event = (type: string) => ({
      type,
      orgId: acme.orgId,
      gatewayId: null,
      relayId: null,
      relayAudience: [],
      data: {},
    });
    const write = (names: string[]) => store.transaction((sql) => insertEvents(sql, names.map(event), now()));
    await Promise.all(["a", "b", "c", "d"].map((name) => write([`${name}1`, `${name}2`])));
    await store
      .transaction(async (sql) => {
        await insertEvents(sql, [event("never")], now());
        throw new Error("changed my mind");
      })
      .catch((error: Error) => expect(error.message).toBe("changed my mind"));
    await write(["e1"]);
    const rows = await listEvents(store.read, { after: 0, limit: 100 });
    expect(rows.map((row) => row.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(rows.map((row) => row.type)).not.toContain("never");
  });

  test("closing the platform ends every stream", async () => {
    const reader = await follow(acme.token);
    await reader.next("snapshot");
    platform.feed.close();
    await reader.ended;
    await expect(follow(acme.token)).rejects.toThrow("503");
  });
});

describe("several replicas, which need postgres", () => {
  test("two slow transactions that commit in reverse order lose no event, on either replica", async () => {
    const where = await host.fresh("postgres");
    const [one, two] = [await TestPlatform.reopen(where), await TestPlatform.reopen(where)];
    const acme = await one.tenant("acme");
    const readers = [await EventReader.open(one, acme.token), await EventReader.open(two, acme.token)];
    for (const reader of readers) await reader.next("snapshot");
    const started = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const about = { orgId: acme.orgId };
    const at = one.time.toISOString();
    // The first begins first and commits last; followers poll all the while.
    const slow = one.core.store.transaction(async (sql) => {
      await sql`UPDATE users SET updated_at = ${at} WHERE id = ${acme.userId}`;
      started.resolve();
      await second.promise;
      await emit(sql, about, [{ type: "gateway.deleted", gatewayId: "first" }], at);
      await Bun.sleep(600);
    });
    await started.promise;
    await two.core.store.transaction(async (sql) => {
      await emit(sql, about, [{ type: "gateway.deleted", gatewayId: "second" }], at);
      await Bun.sleep(600);
    });
    second.resolve();
    // A third that wants to overtake the first between its event and its commit has to wait for it.
    await Bun.sleep(50);
    const third = two.core.store.transaction((sql) =>
      emit(sql, about, [{ type: "gateway.deleted", gatewayId: "third" }], at),
    );
    await Promise.all([slow, third]);
    for (const reader of readers) {
      await reader.next("gateway.deleted", 2);
      const told = reader.events.filter((event) => event.type === "gateway.deleted");
      expect(told.map((event) => event.body.gatewayId)).toEqual(["second", "first", "third"]);
      await reader.close();
    }
    await one.close();
    await two.close();
  });

  test("what one replica is told, followers of the other hear; a follower may move between them", async () => {
    const where = await host.fresh("postgres");
    const [one, two] = [await TestPlatform.reopen(where), await TestPlatform.reopen(where)];
    const acme = await one.tenant("acme");
    const office = await one.gateway(acme, "office");
    const here = await EventReader.open(two, acme.token);
    await here.next("snapshot");
    await one.call("POST", `/v3/gateways/${office.id}/revoke`, { token: acme.token });
    const { id } = await here.next("gateway.revoked");
    await here.close();
    await two.call("DELETE", `/v2/gateways/${office.id}`, { token: acme.token });
    const there = await EventReader.open(one, acme.token, { lastEventId: id });
    await there.next("gateway.deleted");
    expect(there.types).toEqual(["gateway.deleted"]);
    await there.close();
    await one.close();
    await two.close();
  });
});
