import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SignJWT, UnsecuredJWT } from "jose";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";

let host: DatabaseHost;
beforeAll(async () => {
  host = await DatabaseHost.open();
});
afterAll(() => host.close());

describe.each(DATABASES)("access tokens on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let gateway: { id: string; token: string };
  beforeAll(async () => {
    platform = await TestPlatform.open(host, database);
    acme = await platform.tenant("acme");
    gateway = await platform.gateway(acme, "office");
  });
  afterAll(() => platform.close());

  const claims = () => ({
    authTokenType: "gatewayAccessToken",
    gatewayId: gateway.id,
    orgId: acme.orgId,
    tokenVersion: 1,
  });
  const secret = () => platform.core.keyring.jwtSecret;
  const sign = (payload: Record<string, unknown>, alg = "HS256") =>
    new SignJWT(payload).setProtectedHeader({ alg }).setIssuedAt().sign(secret());
  const use = async (token: string) => (await platform.call("GET", "/v1/relays", { token })).status;

  test("B7 the token of a login is accepted, with the claims of PROTOCOL B and no expiry", async () => {
    expect(await use(gateway.token)).toBe(200);
    const payload: unknown = JSON.parse(
      Buffer.from(gateway.token.split(".")[1] ?? "", "base64url").toString(),
    );
    expect(payload).toEqual({ ...claims(), iat: expect.any(Number) });
    // The forgeries below are refused for what is wrong with them: this one, alike in all else, is not.
    expect(await use(await sign(claims()))).toBe(200);
  });

  test("B7 alg none is refused", async () => {
    expect(await use(new UnsecuredJWT(claims()).setIssuedAt().encode())).toBe(401);
    const [, body, signature] = gateway.token.split(".");
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    expect(await use(`${none}.${body}.${signature}`)).toBe(401);
    expect(await use(`${none}.${body}.`)).toBe(401);
  });

  test.each(["HS384", "HS512"])(
    "B7 another algorithm (%s) is refused although the key is right",
    async (alg) => {
      expect(await use(await sign(claims(), alg))).toBe(401);
    },
  );

  test("B7 another key is refused", async () => {
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: "HS256" })
      .setIssuedAt()
      .sign(new Uint8Array(64));
    expect(await use(token)).toBe(401);
  });

  test("B7 another audience or type is refused", async () => {
    expect(await use(await sign({ ...claims(), aud: "somebody-else" }))).toBe(401);
    expect(await use(await sign({ ...claims(), authTokenType: "accessToken" }))).toBe(401);
    expect(await use(await sign({ ...claims(), authTokenType: "relayAccessToken" }))).toBe(401);
    const asRelay = {
      authTokenType: "relayAccessToken",
      relayId: gateway.id,
      orgId: acme.orgId,
      tokenVersion: 1,
    };
    expect(await use(await sign(asRelay))).toBe(401);
  });

  test("B7 another organisation's claim, another version and a missing claim are refused", async () => {
    expect(await use(await sign({ ...claims(), orgId: crypto.randomUUID() }))).toBe(401);
    expect(await use(await sign({ ...claims(), tokenVersion: 0 }))).toBe(401);
    expect(await use(await sign({ ...claims(), tokenVersion: 2 }))).toBe(401);
    expect(await use(await sign({ ...claims(), tokenVersion: "1" }))).toBe(401);
    const { tokenVersion: _, ...incomplete } = claims();
    expect(await use(await sign(incomplete))).toBe(401);
  });

  test.each(["", "x", "a.b.c", "..", `${"a".repeat(5000)}.b.c`, "spt_", `spt_${"a".repeat(43)}`, "gwe_x"])(
    "B7 rubbish (%#) is refused",
    async (token) => {
      expect(await use(token)).toBe(401);
    },
  );

  test("B7 after a new login the old token is refused", async () => {
    const again = await platform.gateway(acme, "second");
    const path = `/v3/gateways/${again.id}/token-auth/generate-enrollment-token`;
    const { token } = (await platform.call("POST", path, { token: acme.token })).body;
    const login = await platform.call("POST", "/v3/gateways/login", { body: { method: "token", token } });
    expect(await use(again.token)).toBe(401);
    expect(await use(login.body.accessToken)).toBe(200);
  });

  test("B7 after revoke every token of the gateway is refused, the pending enrollment token too", async () => {
    const victim = await platform.gateway(acme, "third");
    const path = `/v3/gateways/${victim.id}`;
    const generate = `${path}/token-auth/generate-enrollment-token`;
    const { token } = (await platform.call("POST", generate, { token: acme.token })).body;
    const revoked = await platform.call("POST", `${path}/revoke`, { token: acme.token });
    expect(revoked.body).toEqual({ method: "token" });
    expect(await use(victim.token)).toBe(401);
    const login = await platform.call("POST", "/v3/gateways/login", { body: { method: "token", token } });
    expect(login.status).toBe(400);
  });

  test("B7 a deleted gateway's token is refused", async () => {
    const victim = await platform.gateway(acme, "fourth");
    await platform.call("DELETE", `/v2/gateways/${victim.id}`, { token: acme.token });
    expect(await use(victim.token)).toBe(401);
  });

  test("each kind of token opens its own routes only", async () => {
    const relay = await platform.relay(acme, "eu-1");
    const status = async (method: string, path: string, token: string) =>
      (await platform.call(method, path, { token, body: method === "GET" ? undefined : {} })).status;
    expect(await status("GET", "/v2/gateways", gateway.token)).toBe(403);
    expect(await status("POST", "/v2/relays/connect", gateway.token)).toBe(403);
    expect(await status("POST", "/v2/gateways/heartbeat", relay.token)).toBe(403);
    expect(await status("POST", "/v2/gateways/heartbeat", acme.token)).toBe(403);
    expect(await status("GET", "/v1/relays", relay.token)).toBe(403);
    const connect = await platform.call("POST", "/v3/gateways/connect", { token: acme.token, body: {} });
    expect(connect.status).toBe(400);
    expect(connect.body.message).toBe("Invalid actor type for gateway connect");
  });
});
