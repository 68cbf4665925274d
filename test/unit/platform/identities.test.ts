import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { SignJWT, UnsecuredJWT } from "jose";
import {
  addSecret,
  identityToken,
  makeIdentity,
  type TestIdentity,
  universalLogin,
} from "../../support/identities.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const MINUTE = 60_000;
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

describe.each(DATABASES)("machine identities on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let robot: TestIdentity;
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    robot = await makeIdentity(platform, acme, "robot");
  });
  afterEach(() => platform.close());

  const asAdmin = (method: string, path: string, body?: unknown) =>
    platform.call(method, path, { token: acme.token, body });
  const use = async (token: string) => (await platform.call("GET", "/v2/gateways", { token })).status;
  const renew = (accessToken: string) =>
    platform.call("POST", "/v1/auth/token/renew", { body: { accessToken } });
  const revoke = (secretId: string) =>
    asAdmin("POST", `/v1/auth/universal-auth/identities/robot/client-secrets/${secretId}/revoke`);
  const sign = (payload: Record<string, unknown>, alg = "HS256") =>
    new SignJWT(payload).setProtectedHeader({ alg }).sign(platform.core.keyring.jwtSecret);

  test("a login answers in Infisical's shape, with its claims, for fifteen minutes", async () => {
    const { status, body } = await universalLogin(platform, robot);
    expect(status).toBe(200);
    expect(body).toEqual({
      accessToken: expect.any(String),
      expiresIn: 900,
      accessTokenMaxTTL: 86_400,
      tokenType: "Bearer",
    });
    const claims = claimsOf(body.accessToken);
    expect(claims).toEqual({
      authTokenType: "identityAccessToken",
      identityId: robot.id,
      clientSecretId: robot.secretId,
      identityAccessTokenId: expect.any(String),
      auth_time: claims.iat,
      iat: expect.any(Number),
      exp: claims.iat + 900,
    });
    expect(await use(body.accessToken)).toBe(200);
    platform.pass(15 * MINUTE - 2000);
    expect(await use(body.accessToken)).toBe(200);
    platform.pass(3000);
    expect(await use(body.accessToken)).toBe(401);
  });

  test("B7 forged and old tokens are refused: alg none, another algorithm, key, audience, type or secret", async () => {
    const token = await identityToken(platform, robot);
    const claims = claimsOf(token);
    expect(await use(await sign(claims))).toBe(200);
    const [, body, signature] = token.split(".");
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    const elsewhere = new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(64));
    const { exp: _exp, ...endless } = claims;
    for (const forged of [
      new UnsecuredJWT(claims).encode(),
      `${none}.${body}.${signature}`,
      `${none}.${body}.`,
      await sign(claims, "HS512"),
      await elsewhere,
      await sign({ ...claims, aud: "somebody-else" }),
      await sign({ ...claims, exp: claims.iat - 1 }),
      await sign(endless),
      await sign({ ...claims, authTokenType: "gatewayAccessToken" }),
      await sign({ ...claims, clientSecretId: crypto.randomUUID() }),
      await sign({ ...claims, identityId: crypto.randomUUID() }),
    ]) {
      expect(await use(forged)).toBe(401);
    }
  });

  test("B7 a revoked secret makes every token that it gave worthless at once, and those of others none", async () => {
    const token = await identityToken(platform, robot);
    const other = { ...robot, ...(await addSecret(platform, acme, "robot")) };
    const kept = await identityToken(platform, other);
    expect((await revoke(robot.secretId)).status).toBe(200);
    expect([await use(token), await use(kept)]).toEqual([401, 200]);
    expect((await renew(token)).status).toBe(401);
    expect((await universalLogin(platform, robot)).status).toBe(401);
    expect((await revoke(robot.secretId)).status).toBe(404);
  });

  test("B7 a deleted identity has nothing left", async () => {
    const token = await identityToken(platform, robot);
    expect((await asAdmin("DELETE", "/v1/identities/robot")).body.id).toBe(robot.id);
    expect(await use(token)).toBe(401);
    expect((await renew(token)).status).toBe(401);
    expect((await universalLogin(platform, robot)).status).toBe(401);
    expect((await asAdmin("GET", "/v1/identities")).body).toEqual([]);
  });

  test("B6 of a hundred logins at once with a one-use secret exactly one wins", async () => {
    const secret = await addSecret(platform, acme, "robot", { numUsesLimit: 1 });
    const logins = await Promise.all(
      Array.from({ length: 100 }, (_, i) => universalLogin(platform, secret, `192.0.2.${i}`)),
    );
    const won = logins.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(logins.filter(({ status }) => status === 401)).toHaveLength(99);
    // What it gave stays good: only another login is not.
    expect(await use(won[0]?.body.accessToken)).toBe(200);
    expect((await renew(won[0]?.body.accessToken)).status).toBe(200);
  });

  test("an expired secret logs nobody in and renews nothing", async () => {
    const secret = await addSecret(platform, acme, "robot", { ttl: 60 });
    const { accessToken } = (await universalLogin(platform, secret)).body;
    platform.pass(60_000);
    const refused = await universalLogin(platform, secret);
    expect(refused.status).toBe(401);
    expect(refused.body.message).toContain("expired");
    expect((await renew(accessToken)).status).toBe(401);
    expect(await use(accessToken)).toBe(200);
  });

  test("a token is renewed until its longest time is over, counted from the login", async () => {
    await asAdmin("PATCH", "/v1/identities/robot", { accessTokenTTL: 600, accessTokenMaxTTL: 1000 });
    const first = await identityToken(platform, robot);
    platform.pass(9 * MINUTE);
    const second = await renew(first);
    expect(second.body).toMatchObject({ expiresIn: 460, accessTokenMaxTTL: 1000, tokenType: "Bearer" });
    expect(claimsOf(second.body.accessToken)).toMatchObject({
      identityAccessTokenId: claimsOf(first).identityAccessTokenId,
      auth_time: claimsOf(first).auth_time,
    });
    platform.pass(2 * MINUTE);
    expect([await use(first), await use(second.body.accessToken)]).toEqual([401, 200]);
    expect((await renew(first)).status).toBe(401);
    platform.pass(6 * MINUTE);
    expect((await renew(second.body.accessToken)).status).toBe(401);
  });

  test("failed logins are limited by address and audited, without the secret; a good one always passes", async () => {
    const wrong = { ...robot, clientSecret: "spi_wrong-and-secret" };
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) statuses.push((await universalLogin(platform, wrong)).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
    expect((await universalLogin(platform, robot)).status).toBe(200);
    const unknown = await universalLogin(platform, { clientId: crypto.randomUUID(), clientSecret: "x" });
    expect(unknown.body.message).toBe((await universalLogin(platform, wrong, "192.0.2.9")).body.message);
    const { entries } = (await asAdmin("GET", "/v1/audit?event=IDENTITY_LOGIN_FAILED")).body;
    expect(entries).toHaveLength(11);
    expect(entries[0].actor).toEqual({ type: "identity", id: robot.id, name: "robot" });
    expect(JSON.stringify(entries)).not.toContain("spi_");
  });

  test("a secret is shown once and kept as a hash", async () => {
    expect(robot.clientSecret).toStartWith("spi_");
    const path = "/v1/auth/universal-auth/identities/robot/client-secrets";
    const listed = (await asAdmin("GET", path)).body;
    expect(listed).toMatchObject([{ id: robot.secretId, clientSecretNumUses: 0, lastUsedAt: null }]);
    expect(JSON.stringify(listed)).not.toContain(robot.clientSecret);
    const rows = await platform.core.store.read`SELECT * FROM identity_secrets`;
    expect(JSON.stringify(rows)).not.toContain(robot.clientSecret);
    const audit = (await asAdmin("GET", "/v1/audit")).body;
    expect(JSON.stringify(audit)).not.toContain(robot.clientSecret);
  });

  test("a role counts from the next request on, and limits what the identity may do", async () => {
    const token = await identityToken(platform, robot);
    const create = (name: string) =>
      platform.call("POST", "/v3/gateways", { token, body: { name, authMethod: { method: "token" } } });
    expect((await create("one")).status).toBe(200);
    await asAdmin("PATCH", "/v1/identities/robot", { role: "member" });
    expect([await use(token), (await create("two")).status]).toEqual([200, 403]);
    await asAdmin("PATCH", "/v1/identities/robot", { role: "no-access" });
    expect(await use(token)).toBe(403);
    expect((await asAdmin("PATCH", "/v1/identities/robot", { role: "emperor" })).status).toBe(404);
  });

  test("nobody makes, changes, deletes or gets a secret of an identity that may do more than they", async () => {
    const now = platform.time.toISOString();
    const roleId = crypto.randomUUID();
    const rights = JSON.stringify([
      "create-identities",
      "edit-identities",
      "list-identities",
      "delete-identities",
    ]);
    await platform.core.store.transaction(
      (sql) => sql`INSERT INTO roles (id, org_id, name, rights, created_at, updated_at)
        VALUES (${roleId}, ${acme.orgId}, 'keeper', ${rights}, ${now}, ${now})`,
    );
    const keeper = await makeIdentity(platform, acme, "keeper", { role: "keeper" });
    const token = await identityToken(platform, keeper);
    const asKeeper = async (method: string, path: string, body?: unknown) =>
      (await platform.call(method, path, { token, body })).status;
    expect(await asKeeper("POST", "/v1/identities", { name: "tool", role: "admin" })).toBe(403);
    expect(await asKeeper("PATCH", "/v1/identities/keeper", { role: "admin" })).toBe(403);
    const path = "/v1/auth/universal-auth/identities/robot/client-secrets";
    expect(await asKeeper("POST", path, {})).toBe(403);
    expect(await asKeeper("PATCH", "/v1/identities/robot", { name: "mine" })).toBe(403);
    expect(await asKeeper("DELETE", "/v1/identities/robot")).toBe(403);
    expect(await asKeeper("POST", "/v1/identities", { name: "tool", role: "keeper" })).toBe(200);
    const tool = await asAdmin("GET", "/v1/identities/tool");
    expect(tool.body).toMatchObject({ role: roleId, roleName: "keeper" });
    const { entries } = (await asAdmin("GET", "/v1/audit?event=IDENTITY_CREATE")).body;
    const details = entries.map(({ detail }: { detail: object }) => detail);
    expect(details).toContainEqual(expect.objectContaining({ name: "tool", role: "keeper" }));
    expect(await asKeeper("POST", path.replace("robot", "tool"), {})).toBe(200);
    expect(await asKeeper("DELETE", "/v1/identities/tool")).toBe(200);
  });

  test("identities of another organisation are not there", async () => {
    const other = await platform.tenant("other");
    const asOther = async (method: string, path: string, body?: unknown) =>
      (await platform.call(method, path, { token: other.token, body })).status;
    for (const named of ["robot", robot.id]) {
      expect(await asOther("GET", `/v1/identities/${named}`)).toBe(404);
      expect(await asOther("PATCH", `/v1/identities/${named}`, { name: "mine" })).toBe(404);
      expect(await asOther("DELETE", `/v1/identities/${named}`)).toBe(404);
      const secrets = `/v1/auth/universal-auth/identities/${named}/client-secrets`;
      expect(await asOther("GET", secrets)).toBe(404);
      expect(await asOther("POST", secrets, {})).toBe(404);
      expect(await asOther("POST", `${secrets}/${robot.secretId}/revoke`)).toBe(404);
    }
    expect((await makeIdentity(platform, other, "robot")).name).toBe("robot");
  });

  test("names are taken once, and both times have to fit", async () => {
    expect((await asAdmin("POST", "/v1/identities", { name: "robot" })).status).toBe(400);
    await asAdmin("POST", "/v1/identities", { name: "second" });
    expect((await asAdmin("PATCH", "/v1/identities/second", { name: "robot" })).status).toBe(400);
    expect((await asAdmin("PATCH", "/v1/identities/second", { name: "second" })).status).toBe(200);
    const short = { name: "third", accessTokenTTL: 900, accessTokenMaxTTL: 600 };
    expect((await asAdmin("POST", "/v1/identities", short)).status).toBe(400);
    expect((await asAdmin("POST", "/v1/identities", { name: "../x" })).status).toBe(422);
  });
});
