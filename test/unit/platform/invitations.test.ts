import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const EMAIL = "new@example.com";
const PASSWORD = "a password of mine";

describe.each(DATABASES)("invitations on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
  });
  afterEach(() => platform.close());

  const asAdmin = (method: string, path: string, body?: unknown, admin = acme) =>
    platform.call(method, path, { token: admin.token, body });
  const invite = async (body: object = {}, admin = acme) =>
    await asAdmin("POST", "/v1/invitations", { email: EMAIL, ...body }, admin);
  const tokenOf = ({ body }: { body: { link: string } }) => new URL(body.link).hash.slice(1);
  const look = (token: string) => platform.call("POST", "/v1/auth/invitation", { body: { token } });
  const accept = (token: string, password = PASSWORD, more: object = {}) =>
    platform.call("POST", "/v1/auth/invitation/accept", { body: { token, password, ...more } });
  const join = (token: string, as: string) =>
    platform.call("POST", "/v1/auth/invitation/join", { token: as, body: { token } });
  const logIn = (password: string) =>
    platform.call("POST", "/v1/auth/login", { body: { email: EMAIL, password } });

  test("a link carries its token in the fragment, is stored by its hash and says what it is for", async () => {
    const made = await invite({ role: "no-access" });
    const token = tokenOf(made);
    expect(made.body.link).toBe(`http://127.0.0.1:8080/invitation#${token}`);
    expect(token).toMatch(/^spv_[\w-]{43}$/);
    const rows = await platform.core.store.read`SELECT * FROM invitations`;
    const audit = await platform.core.store.read`SELECT * FROM audit_log`;
    expect(JSON.stringify([rows, audit])).not.toContain(token);
    expect((await look(token)).body).toEqual({
      email: EMAIL,
      organisation: "acme",
      role: "no-access",
      expiresAt: made.body.expiresAt,
      known: false,
    });
    const { body: list } = await asAdmin("GET", "/v1/invitations");
    expect(list).toHaveLength(1);
    expect(JSON.stringify(list)).not.toContain(token);
  });

  test("a new person chooses name and password and is in, with the role that was meant", async () => {
    const joined = await accept(tokenOf(await invite({ role: "no-access" })), PASSWORD, { name: "Nia" });
    expect(joined.body).toMatchObject({ email: EMAIL, organisation: { id: acme.orgId, name: "acme" } });
    const me = await platform.call("GET", "/v1/auth/me", { token: joined.body.accessToken });
    expect(me.body).toMatchObject({
      user: { email: EMAIL, instanceAdmin: false },
      role: "no-access",
      rights: [],
    });
    expect((await logIn(PASSWORD)).status).toBe(200);
    const { body } = await asAdmin("GET", "/v1/members");
    expect(body.map((one: { name: string | null }) => one.name)).toEqual([null, "Nia"]);
    expect((await asAdmin("GET", "/v1/invitations")).body).toEqual([]);
  });

  test("a link works once, also when it is used twenty times at once", async () => {
    const token = tokenOf(await invite());
    const acceptFrom = (address: string) =>
      platform.call("POST", "/v1/auth/invitation/accept", { body: { token, password: PASSWORD }, address });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => acceptFrom(`192.0.2.${i}`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.every(({ status }) => [200, 404, 409].includes(status))).toBe(true);
    expect((await accept(token)).status).toBe(404);
    expect((await look(token)).status).toBe(404);
    const members = await platform.core.store.read`SELECT user_id FROM memberships`;
    expect(members).toHaveLength(2);
  });

  test("a link that is expired by a second, withdrawn, replaced or made up opens nothing, in the same words", async () => {
    const replaced = tokenOf(await invite());
    const made = await invite({ validForHours: 1 });
    await platform.call("DELETE", `/v1/invitations/${made.body.id}`, {
      token: (await platform.tenant("x")).token,
    });
    platform.pass(3_600_000 - 1000);
    expect((await look(tokenOf(made))).status).toBe(200);
    platform.pass(1000);
    const withdrawn = await invite();
    expect((await asAdmin("DELETE", `/v1/invitations/${withdrawn.body.id}`)).status).toBe(200);
    const tokens = [replaced, tokenOf(made), tokenOf(withdrawn), "spv_made-up", acme.token];
    for (const token of tokens) {
      for (const answer of [await look(token), await accept(token), await join(token, acme.token)]) {
        expect([answer.status, answer.body.message]).toEqual([
          404,
          expect.stringContaining("unknown, used or expired"),
        ]);
      }
    }
    expect((await logIn(PASSWORD)).status).toBe(401);
    expect((await asAdmin("GET", "/v1/invitations")).body).toEqual([]);
  });

  test("a link is worth no more than what its maker may do when it is used", async () => {
    const made = await asAdmin("POST", "/v1/identities", { name: "bot", role: "admin" });
    const secrets = `/v1/auth/universal-auth/identities/${made.body.id}/client-secrets`;
    const { clientId, clientSecret } = (await asAdmin("POST", secrets, {})).body;
    const login = { body: { clientId, clientSecret } };
    const { accessToken } = (await platform.call("POST", "/v1/auth/universal-auth/login", login)).body;
    const body = { email: EMAIL, role: "member" };
    const byBot = async () =>
      tokenOf(await platform.call("POST", "/v1/invitations", { token: accessToken, body }));
    const narrowed = await byBot();
    await asAdmin("POST", "/v1/roles", { name: "narrow", rights: ["create-members"] });
    await asAdmin("PATCH", "/v1/identities/bot", { role: "narrow" });
    expect((await accept(narrowed)).status).toBe(404);
    await asAdmin("PATCH", "/v1/identities/bot", { role: "admin" });
    const left = await byBot();
    await asAdmin("DELETE", "/v1/identities/bot");
    expect((await accept(left)).status).toBe(404);
    expect((await logIn(PASSWORD)).status).toBe(401);
  });

  test("the wrong person does not get in, and the link stays good for the right one", async () => {
    const token = tokenOf(await invite());
    const mallory = await platform.tenant("mallory");
    const refused = await join(token, mallory.token);
    expect(refused.status).toBe(403);
    expect(refused.body.message).not.toContain(EMAIL);
    expect((await accept(token, "short")).status).toBe(400);
    expect((await accept(token)).status).toBe(200);
  });

  test("somebody who has a password here needs it: a link alone proves nothing about them", async () => {
    expect((await accept(tokenOf(await invite()))).status).toBe(200);
    const bravo = await platform.tenant("bravo");
    const token = tokenOf(await invite({ role: "admin" }, bravo));
    expect((await look(token)).body).toMatchObject({ organisation: "bravo", known: true });
    expect((await accept(token, "a password of another")).status).toBe(401);
    expect((await logIn("a password of another")).status).toBe(401);
    const joined = await accept(token);
    expect(joined.body.organisation.name).toBe("bravo");
    const mine = await platform.call("GET", "/v1/auth/organisations", { token: joined.body.accessToken });
    expect(mine.body.map((one: { name: string; role: { id: string } }) => [one.name, one.role.id])).toEqual([
      ["acme", "member"],
      ["bravo", "admin"],
    ]);
  });

  test("of several who use one link with the right password at once, one gets in", async () => {
    expect((await accept(tokenOf(await invite()))).status).toBe(200);
    const token = tokenOf(await invite({}, await platform.tenant("bravo")));
    const answers = await Promise.all(Array.from({ length: 5 }, () => accept(token)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 404, 404, 404, 404]);
  });

  test("that password is not guessed through a link either: ten failures a minute", async () => {
    expect((await accept(tokenOf(await invite()))).status).toBe(200);
    const token = tokenOf(await invite({}, await platform.tenant("bravo")));
    for (let i = 0; i < 10; i++) expect((await accept(token, `wrong ${i}`)).status).toBe(401);
    expect((await accept(token)).status).toBe(429);
  });

  test("somebody who is logged in joins without a password, and stays where they are", async () => {
    const bravo = await platform.tenant("bravo");
    const token = tokenOf(await invite({ email: bravo.email }));
    expect((await join(token, bravo.token)).body).toEqual({ id: acme.orgId, name: "acme" });
    expect((await platform.call("GET", "/v1/auth/me", { token: bravo.token })).body.organisation.name).toBe(
      "bravo",
    );
    expect((await invite({ email: bravo.email })).status).toBe(400);
    const events = await platform.core.store.read<{ event: string }>`
      SELECT event FROM audit_log WHERE org_id = ${acme.orgId} ORDER BY created_at`;
    expect(events.map(({ event }) => event)).toEqual(["MEMBER_INVITE", "MEMBER_JOIN"]);
  });

  test("who is removed or gets another role takes their open invitations along", async () => {
    const { body } = await accept(tokenOf(await invite({ role: "admin" })));
    const theirs = async (email: string) =>
      tokenOf(await platform.call("POST", "/v1/invitations", { token: body.accessToken, body: { email } }));
    const first = await theirs("one@example.com");
    await asAdmin("PATCH", `/v1/members/${EMAIL}`, { role: "admin" });
    expect((await accept(first)).status).toBe(404);
    const second = await theirs("two@example.com");
    await asAdmin("DELETE", `/v1/members/${EMAIL}`);
    expect((await accept(second)).status).toBe(404);
  });

  test("who was removed comes back by a new invitation and their password", async () => {
    await accept(tokenOf(await invite()));
    await asAdmin("DELETE", `/v1/members/${EMAIL}`);
    expect((await logIn(PASSWORD)).status).toBe(401);
    expect((await accept(tokenOf(await invite()))).status).toBe(200);
    expect((await logIn(PASSWORD)).status).toBe(200);
  });

  test("in a browser the invited person gets a cookie, for a page of ours only", async () => {
    const token = tokenOf(await invite());
    const ask = async (origin: string) =>
      await platform.api.fetch(
        new Request("http://127.0.0.1:8080/api/v1/auth/invitation/accept", {
          method: "POST",
          headers: { "content-type": "application/json", origin },
          body: JSON.stringify({ token, password: PASSWORD, cookie: true }),
        }),
        "192.0.2.1",
      );
    expect((await ask("https://evil.example")).status).toBe(403);
    const joined = await ask("http://127.0.0.1:8080");
    expect(joined.headers.get("set-cookie")).toContain("HttpOnly");
    expect(await joined.json()).not.toHaveProperty("accessToken");
  });
});
