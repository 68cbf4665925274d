import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { TokenUses } from "../../../src/platform/services/login/token-uses.ts";
import { EventReader } from "../../support/event-reader.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const PASSWORD = "a password that is new";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("a link for a new password on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let mia: Tenant;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    mia = await platform.member(acme, "mia");
  });
  afterEach(() => platform.close());

  const make = (who: string, token = acme.token, body: object = {}) =>
    platform.call("POST", `/v1/members/${who}/password-reset`, { token, body });
  const tokenIn = ({ body }: { body: { link: string } }) => body.link.split("#")[1] ?? "";
  const use = (token: string, password = PASSWORD, address = "192.0.2.1") =>
    platform.call("POST", "/v1/auth/password/reset", { body: { token, password }, address });
  const logIn = (password = PASSWORD) =>
    platform.call("POST", "/v1/auth/login", { body: { email: mia.email, password } });

  test("lets a person choose a password once; sessions end, API tokens stay, and the audit log says both", async () => {
    const made = await make(mia.email);
    expect(made.body.email).toBe(mia.email);
    expect(made.body.link).toContain("/password-reset#spr_");
    const token = tokenIn(made);
    const outcomes = await Promise.all([1, 2, 3].map(() => use(token)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
    const session = (await logIn()).body.accessToken;
    const stream = await EventReader.open(platform, session);
    expect((await use(tokenIn(await make(mia.userId)), "another password")).body).toEqual({
      email: mia.email,
    });
    await stream.ended;
    const me = async (bearer: string) =>
      (await platform.call("GET", "/v1/auth/me", { token: bearer })).status;
    expect([await me(session), await me(mia.token)]).toEqual([401, 200]);
    expect([(await logIn()).status, (await logIn("another password")).status]).toEqual([401, 200]);
    const { entries } = (await platform.call("GET", "/v1/audit", { token: acme.token })).body;
    const events = entries.map(({ event }: { event: string }) => event);
    expect(events).toContain("USER_PASSWORD_RESET_LINK");
    expect(events).toContain("USER_PASSWORD_RESET");
    expect(JSON.stringify(entries)).not.toContain("spr_");
  });

  test("is worthless when it is replaced, expired, or its maker may not make it any more", async () => {
    const first = tokenIn(await make(mia.userId));
    const second = tokenIn(await make(mia.userId, acme.token, { validForHours: 1 }));
    expect((await use(first)).status).toBe(404);
    platform.pass(60 * 60 * 1000);
    expect((await use(second)).status).toBe(404);
    await platform.call("POST", "/v1/roles", {
      token: acme.token,
      body: { name: "helper", rights: ["edit-members", "list-members", "list-gateways", "list-resources"] },
    });
    const helper = await platform.member(acme, "helper");
    const lee = await platform.member(acme, "lee");
    const role = (who: Tenant, name: string) =>
      platform.call("PATCH", `/v1/members/${who.userId}`, { token: acme.token, body: { role: name } });
    await role(helper, "helper");
    await role(lee, "no-access");
    const third = tokenIn(await make(lee.userId, helper.token));
    await role(helper, "no-access");
    expect((await use(third)).status).toBe(404);
  });

  test("is made for nobody who may do more, or belongs elsewhere too, but by an administrator of the instance", async () => {
    await platform.call("POST", "/v1/roles", {
      token: acme.token,
      body: { name: "helper", rights: ["edit-members"] },
    });
    const helper = await platform.member(acme, "helper");
    const body = { role: "helper" };
    await platform.call("PATCH", `/v1/members/${helper.userId}`, { token: acme.token, body });
    expect((await make(acme.userId, helper.token)).status).toBe(403);
    const before = tokenIn(await make(mia.userId));
    const other = await platform.tenant("other");
    await platform.join(other, mia);
    // Whoever has a link of before must not get into the other organisation with it.
    expect((await use(before)).status).toBe(404);
    expect((await make(mia.userId)).status).toBe(403);
    expect((await make(mia.userId, mia.token)).status).toBe(403);
    const root = await platform.tenant("root", true);
    expect((await make(root.email)).status).toBe(404);
    expect((await use(tokenIn(await make(mia.email, root.token)))).status).toBe(200);
    expect((await logIn()).status).toBe(200);
    expect((await make("nobody@example.com", root.token)).status).toBe(404);
  });

  test("is worth no more than what its maker may do when it is used, and nothing for who has left", async () => {
    const helping = ["edit-members", "list-members", "list-gateways", "list-resources"];
    const asAdmin = (method: string, path: string, body: object = {}) =>
      platform.call(method, path, { token: acme.token, body });
    await asAdmin("POST", "/v1/roles", { name: "helper", rights: helping });
    const helper = await platform.member(acme, "helper");
    const lee = await platform.member(acme, "lee");
    const role = (who: Tenant, name: string) => asAdmin("PATCH", `/v1/members/${who.userId}`, { role: name });
    await role(helper, "helper");
    await role(lee, "no-access");
    const patient = tokenIn(await make(lee.userId, helper.token));
    // Whoever waits until somebody may do more must not become them.
    await role(lee, "admin");
    expect((await use(patient)).status).toBe(404);
    await role(lee, "no-access");
    const narrowed = tokenIn(await make(lee.userId, helper.token));
    await asAdmin("PATCH", "/v1/roles/helper", { rights: ["list-members"] });
    expect((await use(narrowed)).status).toBe(404);
    const left = tokenIn(await make(lee.userId));
    await asAdmin("DELETE", `/v1/members/${lee.userId}`);
    expect((await use(left)).status).toBe(404);
    const identity = await asAdmin("POST", "/v1/identities", { name: "bot", role: "admin" });
    const secrets = `/v1/auth/universal-auth/identities/${identity.body.id}/client-secrets`;
    const { clientId, clientSecret } = (await asAdmin("POST", secrets)).body;
    const login = { body: { clientId, clientSecret } };
    const bot = await platform.call("POST", "/v1/auth/universal-auth/login", login);
    const byBot = tokenIn(await make(mia.userId, bot.body.accessToken));
    await asAdmin("DELETE", "/v1/identities/bot");
    expect((await use(byBot)).status).toBe(404);
  });

  test("is worthless once the person has changed the password themselves", async () => {
    expect((await use(tokenIn(await make(mia.userId)))).status).toBe(200);
    const token = tokenIn(await make(mia.userId));
    const change = { currentPassword: PASSWORD, newPassword: "chosen by myself" };
    const session = (await logIn()).body.accessToken;
    expect((await platform.call("POST", "/v1/auth/password", { token: session, body: change })).status).toBe(
      200,
    );
    expect((await use(token)).status).toBe(404);
    expect((await logIn("chosen by myself")).status).toBe(200);
  });

  test("lets in at once whoever has tried too many passwords before, and every organisation is told", async () => {
    const root = await platform.tenant("root", true);
    const token = tokenIn(await make(mia.email, root.token));
    const fromHome = (password: string) =>
      platform.call("POST", "/v1/auth/login", {
        body: { email: mia.email, password },
        address: "192.0.2.1",
      });
    for (let i = 0; i < 10; i++) await fromHome("forgotten");
    expect((await fromHome("forgotten")).status).toBe(429);
    expect((await use(token)).status).toBe(200);
    expect((await fromHome(PASSWORD)).status).toBe(200);
    for (const { token } of [acme, root]) {
      const { entries } = (await platform.call("GET", "/v1/audit", { token })).body;
      expect(entries.map(({ event }: { event: string }) => event)).toContain("USER_PASSWORD_RESET");
    }
  });

  test("is not guessed: ten wrong ones a minute", async () => {
    for (let i = 0; i < 10; i++) expect((await use(`spr_wrong${i}`)).status).toBe(404);
    expect((await use("spr_wrong")).status).toBe(429);
    expect((await use(tokenIn(await make(mia.userId)))).status).toBe(200);
  });
});

describe.each(DATABASES)("tokens on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let mia: Tenant;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    mia = await platform.member(acme, "mia");
  });
  afterEach(() => platform.close());

  const tokensOf = (who: string, token = acme.token) =>
    platform.call("GET", `/v1/members/${who}/tokens`, { token });

  test("say to the minute when they were used last, in one write for many", async () => {
    const { core } = platform;
    expect((await tokensOf(mia.userId)).body).toMatchObject([{ name: "test", lastUsedAt: null }]);
    const use = () => platform.call("GET", "/v1/auth/me", { token: mia.token });
    for (let i = 0; i < 20; i++) await use();
    const first = platform.time.toISOString();
    const lastUse = async () => {
      for (;;) {
        const [{ lastUsedAt }] = (await tokensOf(mia.userId)).body;
        if (lastUsedAt !== null) return lastUsedAt;
        await Bun.sleep(50);
      }
    };
    expect(await lastUse()).toBe(first);
    platform.pass(59_000);
    await use();
    await core.tokenUses.close();
    expect(await lastUse()).toBe(first);
  });

  test("whose use can't be noted are said once, not every second, and noted again later", async () => {
    const { store } = platform.core;
    const log = new RecordingLog();
    let broken = true;
    const uses = new TokenUses({
      store: {
        ...store,
        transaction: async (work) => {
          if (broken) throw new Error("read-only");
          return await store.transaction(work);
        },
      },
      now: () => platform.time,
      log,
    });
    const [{ id }] = (await tokensOf(mia.userId)).body;
    for (let i = 1; i <= 3; i++) {
      uses.note({ id, before: null });
      await uses.flush();
    }
    expect(log.entries).toHaveLength(1);
    broken = false;
    uses.note({ id, before: null });
    await uses.close();
    expect((await tokensOf(mia.userId)).body).toMatchObject([{ lastUsedAt: platform.time.toISOString() }]);
  });

  test("of others are seen and revoked by who may, and never another organisation's", async () => {
    const [{ id }] = (await tokensOf(mia.email)).body;
    const other = await platform.tenant("other");
    const revoke = (who: string, token: string) =>
      platform.call("DELETE", `/v1/members/${who}/tokens/${id}`, { token });
    expect((await tokensOf(mia.userId, other.token)).status).toBe(404);
    expect((await revoke(mia.userId, other.token)).status).toBe(404);
    expect((await revoke(other.userId, other.token)).status).toBe(404);
    expect((await revoke(mia.userId, mia.token)).status).toBe(403);
    expect((await tokensOf(acme.userId, mia.token)).status).toBe(403);
    expect((await revoke(acme.userId, acme.token)).status).toBe(404);
    expect((await revoke(mia.userId, acme.token)).body.id).toBe(id);
    expect((await platform.call("GET", "/v1/auth/me", { token: mia.token })).status).toBe(401);
    const { entries } = (await platform.call("GET", "/v1/audit", { token: acme.token })).body;
    expect(entries[0]).toMatchObject({
      event: "USER_TOKEN_DELETE",
      detail: { email: mia.email, tokenId: id },
    });
  });
});
