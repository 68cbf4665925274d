import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

const HOUR = 60 * 60 * 1000;

describe.each(DATABASES)("enrollment on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let gatewayId = "";
  beforeEach(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    const made = await platform.call("POST", "/v3/gateways", { token: acme.token, body: { name: "office" } });
    gatewayId = made.body.id;
  });
  afterEach(() => platform.close());

  async function mint(): Promise<string> {
    const path = `/v3/gateways/${gatewayId}/token-auth/generate-enrollment-token`;
    const answer = await platform.call("POST", path, { token: acme.token });
    expect(answer.status).toBe(200);
    return answer.body.token;
  }

  const login = (token: string, address?: string) =>
    platform.call("POST", "/v3/gateways/login", {
      body: { method: "token", token },
      ...(address !== undefined && { address }),
    });

  async function version(): Promise<number> {
    const [row] = await platform.core.store.read<{ token_version: number }>`
      SELECT token_version FROM gateways WHERE id = ${gatewayId}`;
    return row?.token_version ?? -1;
  }

  test.each([
    ["it logs in otherwise", "UPDATE auth_methods SET method = 'aws'", 400],
    ["the right is gone", "UPDATE memberships SET role = 'no-access'", 403],
  ])("B6 no token is made once %s, however close the two were", async (_, change, status) => {
    const begun = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const changing = platform.core.store.migrate(async (run) => {
      await run(change);
      begun.resolve();
      await asked.promise;
    });
    await begun.promise;
    const path = `/v3/gateways/${gatewayId}/token-auth/generate-enrollment-token`;
    const answer = platform.call("POST", path, { token: acme.token });
    // What it asks before its own transaction still shows it the old state.
    await Bun.sleep(100);
    asked.resolve();
    await changing;
    expect((await answer).status).toBe(status);
    const rows = await platform.core.store.read`SELECT id FROM enrollment_tokens`;
    expect(rows).toEqual([]);
  });

  test("B6 a token is worth one login", async () => {
    const token = await mint();
    expect(token).toMatch(/^gwe_[A-Za-z0-9_-]{43}$/);
    const first = await login(token);
    expect(first.status).toBe(200);
    expect(first.body).toEqual({ accessToken: expect.any(String), gatewayId, tokenType: "Bearer" });
    const second = await login(token);
    expect(second.status).toBe(400);
    expect(second.body).toMatchObject({ code: "ENROLLMENT_TOKEN_INVALID", error: "BadRequest" });
    expect(await version()).toBe(1);
  });

  test("B6 of 100 logins at once with one token exactly one wins", async () => {
    const token = await mint();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => login(token, `198.51.100.${i}`)));
    const winners = answers.filter((answer) => answer.status === 200);
    expect(winners).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 400)).toHaveLength(99);
    expect(await version()).toBe(1);
    const use = await platform.call("GET", "/v1/relays", { token: winners[0]?.body.accessToken });
    expect(use.status).toBe(200);
  });

  test("B6 a token is good for an hour, and not for a second more", async () => {
    const late = await mint();
    platform.pass(HOUR);
    const answer = await login(late);
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain("Enrollment token has expired");
    expect(await version()).toBe(0);
    const inTime = await mint();
    platform.pass(HOUR - 1000);
    expect((await login(inTime)).status).toBe(200);
  });

  test("B6 a token of another kind is refused and stays unspent", async () => {
    const token = await mint();
    const wrong = await platform.call("POST", "/v2/relays/login", { body: { method: "token", token } });
    expect(wrong.status).toBe(400);
    expect(wrong.body.message).toContain("Enrollment token belongs to a gateway, not a relay");
    expect((await login(token)).status).toBe(200);
  });

  test("B6 a token enrols the gateway it was made for, in its own organisation only", async () => {
    const other = await platform.tenant("other");
    const token = await mint();
    const { accessToken } = (await login(token)).body;
    const own = await platform.call("GET", "/v2/gateways", { token: acme.token });
    const theirs = await platform.call("GET", "/v2/gateways", { token: other.token });
    expect(own.body).toHaveLength(1);
    expect(theirs.body).toEqual([]);
    const path = `/v3/gateways/${gatewayId}/token-auth/generate-enrollment-token`;
    expect((await platform.call("POST", path, { token: other.token })).status).toBe(404);
    expect((await platform.call("POST", path, { token: accessToken })).status).toBe(403);
  });

  test("B6 only the hash of a token is stored", async () => {
    const token = await mint();
    const [row] = await platform.core.store.read<{ token_hash: string }>`SELECT * FROM enrollment_tokens`;
    expect(row?.token_hash).toBe(new Bun.CryptoHasher("sha256").update(token).digest("hex"));
    expect(JSON.stringify(row)).not.toContain(token);
  });

  test("a new token makes the one before worthless, and leaves a running gateway alone", async () => {
    const { accessToken } = (await login(await mint())).body;
    const replaced = await mint();
    const newest = await mint();
    expect((await login(replaced)).status).toBe(400);
    expect((await platform.call("GET", "/v1/relays", { token: accessToken })).status).toBe(200);
    expect((await login(newest)).status).toBe(200);
    expect((await platform.call("GET", "/v1/relays", { token: accessToken })).status).toBe(401);
  });

  test("many mints at once leave one live token", async () => {
    const tokens = await Promise.all(Array.from({ length: 10 }, mint));
    const answers = await Promise.all(tokens.map((token, i) => login(token, `198.51.100.${i}`)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  });

  test("a login clears the health of the one before", async () => {
    await login(await mint());
    await platform.core.store.transaction(
      (sql) => sql`
      UPDATE gateways SET heartbeat = ${"2026-01-01T00:00:00.000Z"}, heartbeat_ttl = ${180}`,
    );
    await login(await mint());
    const { body } = await platform.call("GET", `/v3/gateways/${gatewayId}`, { token: acme.token });
    expect(body).toMatchObject({ heartbeat: null, heartbeatTTL: null });
  });

  test("the older spelling of login answers without token type", async () => {
    const answer = await platform.call("POST", "/v3/gateways/token-auth/enroll", {
      body: { token: await mint() },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ accessToken: expect.any(String), gatewayId });
  });

  test("an unknown gateway with another method learns nothing", async () => {
    const body = { method: "kubernetes", jwt: "x", gatewayId: crypto.randomUUID() };
    const unknown = await platform.call("POST", "/v3/gateways/login", { body });
    const known = await platform.call("POST", "/v3/gateways/login", { body: { ...body, gatewayId } });
    expect(unknown.status).toBe(401);
    expect({ ...unknown.body, reqId: "" }).toEqual({ ...known.body, reqId: "" });
    expect(unknown.body.message).toBe("Invalid gateway credentials");
  });

  test("ten failures a minute, then 429; a good token still passes and neighbours are not concerned", async () => {
    const good = await mint();
    for (let i = 0; i < 10; i++) expect((await login(`gwe_guess-${i}`)).status).toBe(400);
    const limited = await login("gwe_guess-10");
    expect(limited.status).toBe(429);
    expect(limited.body).toMatchObject({ code: "RATE_LIMITED", error: "RateLimitExceeded" });
    expect(limited.headers.get("retry-after")).toBe("60");
    expect((await login("gwe_guess", "198.51.100.9")).status).toBe(400);
    expect((await login(good)).status).toBe(200);
    platform.pass(61_000);
    expect((await login("gwe_guess-11")).status).toBe(400);
  });
});
