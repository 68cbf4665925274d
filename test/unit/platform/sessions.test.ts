import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import type { ApiEnv } from "../../../src/platform/api/env.ts";
import { holderCheck } from "../../../src/platform/api/route.ts";
import { actorOf } from "../../../src/platform/services/login/authentication.ts";
import { hashPassword } from "../../../src/platform/services/people/passwords.ts";
import { storePassword } from "../../../src/platform/store/people.ts";
import { EventReader } from "../../support/event-reader.ts";
import {
  DATABASES,
  DatabaseHost,
  type DatabasePlace,
  type Tenant,
  TestPlatform,
} from "../../support/platform.ts";

const PASSWORD = "correct horse battery";
const HOME = "http://127.0.0.1:8080";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("sessions on %s", (database) => {
  let where: DatabasePlace;
  let platform: TestPlatform;
  let acme: Tenant;
  beforeEach(async () => {
    where = await host.prepared(database);
    platform = await TestPlatform.reopen(where);
    acme = await platform.tenant("acme", true);
    await givePassword(acme);
  });
  afterEach(() => platform.close());

  async function givePassword({ userId }: Tenant) {
    const passwordHash = await hashPassword(platform.core, PASSWORD);
    const now = platform.time.toISOString();
    await platform.core.store.transaction((sql) => storePassword(sql, userId, passwordHash, now));
  }

  /** As a browser asks. */
  async function browse(
    method: string,
    path: string,
    o: { cookie?: string | undefined; origin?: string | undefined; body?: object; on?: TestPlatform } = {},
  ) {
    const headers = new Headers({ "content-type": "application/json" });
    if (o.cookie !== undefined) headers.set("cookie", o.cookie);
    if (o.origin !== undefined) headers.set("origin", o.origin);
    const request = new Request(`${HOME}/api${path}`, {
      method,
      headers,
      ...(o.body && { body: JSON.stringify(o.body) }),
    });
    const response = await (o.on ?? platform).api.fetch(request, "192.0.2.1");
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
    const body: any = await response.json();
    const set = response.headers.get("set-cookie");
    return { status: response.status, body, set, cookie: set?.split(";")[0] };
  }

  const logIn = (o: { origin?: string | undefined; on?: TestPlatform } = { origin: HOME }) =>
    browse("POST", "/v1/auth/login", {
      ...o,
      body: { email: acme.email, password: PASSWORD, cookie: true },
    });
  const bearer = async (password = PASSWORD, on = platform) =>
    await on.call("POST", "/v1/auth/login", { body: { email: acme.email, password } });
  const me = async (token: string) => (await platform.call("GET", "/v1/auth/me", { token })).status;
  const audited = async (event: string) =>
    await platform.core.store
      .read`SELECT id FROM audit_log WHERE event = ${event} AND org_id = ${acme.orgId}`;

  test("a browser gets a cookie that no script reads and no other site sends, and no token", async () => {
    const { status, body, set, cookie } = await logIn();
    expect(status).toBe(200);
    expect(body).toEqual({ expiresAt: expect.any(String) });
    expect(set).toContain("HttpOnly");
    expect(set).toContain("SameSite=Strict");
    expect(set).toContain("Path=/");
    expect(set).not.toContain("Secure");
    expect((await browse("GET", "/v1/auth/me", { cookie })).body.user.email).toBe(acme.email);
    platform.pass(12 * 60 * 60 * 1000);
    expect((await browse("GET", "/v1/auth/me", { cookie })).status).toBe(401);
  });

  test("behind https the cookie is Secure and nobody but this host can have set it", async () => {
    const secure = await TestPlatform.reopen(where, { publicUrl: "https://sally.example.com" });
    const origin = "https://sally.example.com";
    const { set, cookie = "" } = await logIn({ origin, on: secure });
    expect(set).toContain("Secure");
    expect(cookie).toStartWith("__Host-sallyport_session=");
    expect((await browse("GET", "/v1/auth/me", { cookie, on: secure })).status).toBe(200);
    const planted = cookie.replace("__Host-", "");
    expect((await browse("GET", "/v1/auth/me", { cookie: planted, on: secure })).status).toBe(401);
    const body = { name: "script" };
    for (const [asked, status] of [
      [origin, 200],
      ["http://sally.example.com", 403],
      ["https://evil.sally.example.com", 403],
      [HOME, 403],
    ] as const) {
      const answer = await browse("POST", "/v1/auth/tokens", { cookie, origin: asked, body, on: secure });
      expect([asked, answer.status]).toEqual([asked, status]);
    }
    await secure.close();
  });

  test("what changes anything has to come from a page of this platform (CSRF)", async () => {
    const { cookie } = await logIn();
    const body = { name: "script" };
    for (const origin of [
      undefined,
      "null",
      "https://evil.example",
      "http://127.0.0.1:8081",
      `${HOME}.evil.example`,
    ]) {
      const refused = await browse("POST", "/v1/auth/tokens", { cookie, origin, body });
      expect([origin, refused.status]).toEqual([origin, 403]);
      expect((await browse("DELETE", "/v1/resources/db", { cookie, origin })).status).toBe(403);
      expect((await logIn({ origin })).set).toBeNull();
    }
    expect((await browse("POST", "/v1/auth/tokens", { cookie, origin: HOME, body })).status).toBe(200);
    expect((await browse("GET", "/v1/auth/me", { cookie, origin: "https://evil.example" })).status).toBe(200);
  });

  test("B7 a cookie that is made up, cut short, of another kind or after its log-out opens nothing", async () => {
    const { cookie = "" } = await logIn();
    const value = cookie.slice("sallyport_session=".length);
    const gateway = await platform.gateway(acme, "office");
    for (const wrong of ["", "spt_", value.slice(0, -1), `${value}A`, value.toUpperCase(), gateway.spent]) {
      const answer = await browse("GET", "/v1/auth/me", { cookie: `sallyport_session=${wrong}` });
      expect([wrong, answer.status]).toEqual([wrong, 401]);
    }
    expect((await browse("GET", "/v1/auth/me", { cookie: `session=${value}` })).status).toBe(401);
    const out = await browse("POST", "/v1/auth/logout", { cookie, origin: HOME });
    expect(out.status).toBe(200);
    expect(out.set).toContain("Max-Age=0");
    expect((await browse("GET", "/v1/auth/me", { cookie })).status).toBe(401);
    expect(await me(value)).toBe(401);
  });

  test("ten wrong passwords a minute, counted over all replicas; other addresses and accounts are not slowed", async () => {
    const second = await TestPlatform.reopen(where);
    for (let i = 0; i < 10; i++) expect((await bearer("wrong", i % 2 ? second : platform)).status).toBe(401);
    for (const replica of [platform, second]) {
      const { status, headers } = await bearer(PASSWORD, replica);
      expect([status, headers.get("retry-after")]).toEqual([429, "60"]);
    }
    const body = { email: acme.email, password: PASSWORD };
    const elsewhere = await platform.call("POST", "/v1/auth/login", { body, address: "198.51.100.9" });
    expect(elsewhere.status).toBe(200);
    const neighbour = { email: "nobody@example.com", password: PASSWORD };
    expect((await platform.call("POST", "/v1/auth/login", { body: neighbour })).status).toBe(401);
    expect(await audited("USER_LOGIN_FAILED")).toHaveLength(10);
    await second.close();
  });

  test("a success clears the count", async () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 6; i++) expect((await bearer("wrong")).status).toBe(401);
      expect((await bearer()).status).toBe(200);
    }
  });

  test("a new password ends every other session, of every organisation, and leaves API tokens", async () => {
    const [mine, other] = [(await bearer()).body.accessToken, (await bearer()).body.accessToken];
    const change = (body: object, token = mine) =>
      platform.call("POST", "/v1/auth/password", { token, body });
    const newPassword = "another fine password";
    expect((await change({ currentPassword: "wrong", newPassword })).status).toBe(401);
    expect((await change({ currentPassword: PASSWORD, newPassword: "short" })).status).toBe(422);
    expect(await me(other)).toBe(200);
    expect((await change({ currentPassword: PASSWORD, newPassword })).status).toBe(200);
    expect([await me(mine), await me(other), await me(acme.token)]).toEqual([200, 401, 200]);
    expect((await bearer()).status).toBe(401);
    expect((await bearer(newPassword)).status).toBe(200);
    expect(await audited("USER_PASSWORD_CHANGE")).toHaveLength(1);
  });

  test("an API token is shown once, stored by its hash, listed and revoked by its owner only", async () => {
    const { body: made } = await platform.call("POST", "/v1/auth/tokens", {
      token: acme.token,
      body: { name: "ci" },
    });
    expect(await me(made.token)).toBe(200);
    const list = async (token: string) => (await platform.call("GET", "/v1/auth/tokens", { token })).body;
    expect(JSON.stringify(await list(acme.token))).not.toContain(made.token);
    const stored = await platform.core.store.read`SELECT * FROM api_tokens`;
    expect(JSON.stringify(stored)).not.toContain(made.token);
    expect((await list(made.token)).find((row: { current: boolean }) => row.current).id).toBe(made.id);
    const mia = await platform.member(acme, "mia");
    const path = `/v1/auth/tokens/${made.id}`;
    expect((await platform.call("DELETE", path, { token: mia.token })).status).toBe(404);
    expect((await platform.call("DELETE", path, { token: acme.token })).status).toBe(200);
    expect(await me(made.token)).toBe(401);
    expect(
      [await audited("USER_TOKEN_CREATE"), await audited("USER_TOKEN_DELETE")].map((rows) => rows.length),
    ).toEqual([1, 1]);
  });

  test("a token that ends makes none that lasts longer", async () => {
    const at = (ms: number) => new Date(platform.time.getTime() + ms).toISOString();
    const make = (token: string, expiresAt?: string) =>
      platform.call("POST", "/v1/auth/tokens", { token, body: { name: "x", expiresAt } });
    expect((await make(acme.token, at(-1))).status).toBe(400);
    const { body } = await make(acme.token, at(60_000));
    expect((await make(body.token)).status).toBe(403);
    expect((await make(body.token, at(60_001))).status).toBe(403);
    expect((await make(body.token, at(30_000))).status).toBe(200);
    platform.pass(60_000);
    expect(await me(body.token)).toBe(401);
  });

  test("a session goes on in another organisation of the person; an API token does not", async () => {
    const made = await platform.call("POST", "/v1/organisations", {
      token: acme.token,
      body: { name: "Bravo" },
    });
    expect(made.status).toBe(200);
    await platform.tenant("charlie");
    const { accessToken: token } = (await bearer()).body;
    const change = (organisation: string, as = token) =>
      platform.call("POST", "/v1/auth/organisation", { token: as, body: { organisation } });
    expect((await change("charlie")).status).toBe(404);
    expect((await change("Bravo", acme.token)).status).toBe(400);
    expect((await change("Bravo")).body).toMatchObject({ id: made.body.id, role: { id: "admin" } });
    const who = await platform.call("GET", "/v1/auth/me", { token });
    expect(who.body.organisation).toEqual({ id: made.body.id, name: "Bravo" });
    const mine = await platform.call("GET", "/v1/auth/organisations", { token });
    expect(mine.body.map((one: { name: string; current: boolean }) => [one.name, one.current])).toEqual([
      ["Bravo", true],
      ["acme", false],
    ]);
  });

  test("an organisation is made by instance administrators, with authorities of its own, and renamed by its own", async () => {
    const mia = await platform.member(acme, "mia");
    const make = (token: string, name = "Bravo") =>
      platform.call("POST", "/v1/organisations", { token, body: { name } });
    expect((await make(mia.token)).status).toBe(403);
    const { body } = await make(acme.token);
    expect((await make(acme.token)).status).toBe(400);
    const [ours, theirs] = await Promise.all(
      [acme.orgId, body.id].map((id) => platform.core.authorities.organisation(id)),
    );
    expect(ours?.gatewayClient.chainPem).not.toBe(theirs?.gatewayClient.chainPem);
    const rename = (name: string) =>
      platform.call("PATCH", "/v1/organisation", { token: acme.token, body: { name } });
    expect((await rename("Bravo")).status).toBe(400);
    expect((await rename("Acme Ltd")).body).toMatchObject({ id: acme.orgId, name: "Acme Ltd" });
    expect(await audited("ORGANISATION_UPDATE")).toHaveLength(1);
  });

  test("events follow the rights of whoever listens, and end with them", async () => {
    const mia = await platform.member(acme, "mia");
    await platform.gateway(acme, "office");
    const reader = await EventReader.open(platform, mia.token);
    expect((await reader.next("snapshot")).body.gateways).toHaveLength(1);
    await reader.close();
    await platform.call("PATCH", `/v1/members/${mia.userId}`, {
      token: acme.token,
      body: { role: "no-access" },
    });
    const blind = await EventReader.open(platform, mia.token);
    expect((await blind.next("snapshot")).body).toEqual({ gateways: [], serials: [] });
    await blind.close();
  });

  test("who follows the events of one organisation with a session that moves to another follows neither any more", async () => {
    const { core } = platform;
    const body = { name: "Bravo" };
    platform.pass(1000);
    expect((await platform.call("POST", "/v1/organisations", { token: acme.token, body })).status).toBe(200);
    const { accessToken: token } = (await bearer()).body;
    const checks: (() => Promise<boolean>)[] = [];
    const app = new Hono<ApiEnv>();
    app.get("/", async (c) => {
      const actor = await actorOf(core, token, "192.0.2.1");
      if (!actor) throw new Error("The session opens nothing");
      c.set("services", platform.services);
      c.set("actor", actor);
      checks.push(holderCheck(c));
      return c.text("");
    });
    await app.request("/", { headers: { authorization: `Bearer ${token}` } });
    expect(await checks[0]?.()).toBe(true);
    await platform.call("POST", "/v1/auth/organisation", { token, body: { organisation: "Bravo" } });
    expect(await checks[0]?.()).toBe(false);
  });
});
