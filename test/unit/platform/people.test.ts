import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { bootstrap, type FirstAdministrator } from "../../../src/platform/services/bootstrap.ts";
import { mintOpaqueToken } from "../../../src/platform/services/login/opaque-tokens.ts";
import { storeSetupTokenHash } from "../../../src/platform/store/instance.ts";
import { DATABASES, DatabaseHost, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const REQUEST = { organisation: "Acme", email: "root@example.com", address: null };

describe.each(DATABASES)("people on %s", (database) => {
  let platform: TestPlatform;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
  });
  afterEach(() => platform.close());

  const login = (email: string, password: string, address?: string) =>
    platform.call("POST", "/v1/auth/login", {
      body: { email, password },
      ...(address !== undefined && { address }),
    });
  const me = async (token: string) => (await platform.call("GET", "/v1/auth/me", { token })).status;

  async function offerSetupToken(): Promise<string> {
    const token = mintOpaqueToken("setup_");
    await platform.core.store.transaction((sql) => storeSetupTokenHash(sql, token.hash));
    return token.plain;
  }

  const overHttp = (token: string) =>
    platform.call("POST", "/v1/bootstrap", {
      body: { token, email: "root@example.com", organisation: "Acme" },
    });

  test("the first administrator is made once, with a token that works", async () => {
    const made = await bootstrap(platform.core, REQUEST);
    expect(made.token).toStartWith("spt_");
    const who = await platform.call("GET", "/v1/auth/me", { token: made.token });
    expect(who.body).toEqual({
      user: { id: expect.any(String), email: "root@example.com", instanceAdmin: true },
      organisation: { id: made.organisationId, name: "Acme" },
      role: "admin",
      rights: expect.arrayContaining(["create-gateways", "edit-organisation"]),
    });
    await expect(
      bootstrap(platform.core, { ...REQUEST, organisation: "B", email: "b@example.com" }),
    ).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  });

  test("of several bootstraps at once exactly one wins", async () => {
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map((i) =>
        bootstrap(platform.core, { ...REQUEST, organisation: `Org ${i}`, email: `r${i}@example.com` }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
    const rows = await platform.core.store.read`SELECT id FROM organisations`;
    expect(rows).toHaveLength(1);
  });

  test("over HTTP the set-up token is needed, and spent", async () => {
    expect((await overHttp("setup_x")).status).toBe(401);
    const token = await offerSetupToken();
    expect((await overHttp(`${token}x`)).status).toBe(401);
    const made = await overHttp(token);
    expect(made.status).toBe(200);
    expect(await me(made.body.token)).toBe(200);
    expect((await overHttp(token)).status).toBe(401);
    expect((await overHttp(await offerSetupToken())).status).toBe(400);
  });

  test("a set-up token is not guessed: ten failures a minute", async () => {
    for (let i = 0; i < 10; i++) expect((await overHttp(`setup_${i}`)).status).toBe(401);
    expect((await overHttp("setup_10")).status).toBe(429);
  });

  describe("with an administrator", () => {
    let root: FirstAdministrator;
    beforeEach(async () => {
      root = await bootstrap(platform.core, REQUEST);
    });

    test("a login is good for 12 hours", async () => {
      const { status, body } = await login(" Root@Example.com", root.password);
      expect(status).toBe(200);
      expect(await me(body.accessToken)).toBe(200);
      platform.pass(12 * 60 * 60 * 1000 - 1000);
      expect(await me(body.accessToken)).toBe(200);
      platform.pass(1000);
      expect(await me(body.accessToken)).toBe(401);
      expect(await me(root.token)).toBe(200);
    });

    test("logging out ends a login; an API token stays", async () => {
      const { accessToken } = (await login(root.email, root.password)).body;
      expect((await platform.call("POST", "/v1/auth/logout", { token: accessToken })).status).toBe(200);
      expect(await me(accessToken)).toBe(401);
      expect((await platform.call("POST", "/v1/auth/logout", { token: root.token })).status).toBe(200);
      expect(await me(root.token)).toBe(200);
    });

    test("a wrong password and an unknown address are refused in the same words", async () => {
      const wrong = await login(root.email, "wrong");
      const unknown = await login("nobody@example.com", "wrong");
      expect(wrong.status).toBe(401);
      expect({ ...wrong.body, reqId: "" }).toEqual({ ...unknown.body, reqId: "" });
    });

    test("ten wrong passwords a minute from one address; the right one counts no more then", async () => {
      const answers = await Promise.all(Array.from({ length: 14 }, () => login(root.email, "wrong")));
      expect(answers.filter((answer) => answer.status === 401)).toHaveLength(10);
      expect(answers.filter((answer) => answer.status === 429)).toHaveLength(4);
      expect((await login(root.email, root.password)).status).toBe(429);
      expect((await login(root.email, root.password, "198.51.100.1")).status).toBe(200);
      platform.pass(61_000);
      expect((await login(root.email, root.password)).status).toBe(200);
    });
  });
});
