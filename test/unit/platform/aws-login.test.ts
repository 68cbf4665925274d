import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { encodeProof, PROOF_BODY, type ProofWish, proofHeaders, signProof } from "../../support/aws-proof.ts";
import {
  DATABASES,
  DatabaseHost,
  type DatabasePlace,
  type Tenant,
  TestPlatform,
} from "../../support/platform.ts";
import { type AwsKey, ROLE_KEY, StandInSts } from "../../support/sts.ts";

let host: DatabaseHost;
let sts: StandInSts;
let time = () => new Date();
beforeAll(async () => {
  host = await DatabaseHost.open();
  sts = new StandInSts(() => time());
});
afterAll(async () => {
  await sts.close();
  await host.close();
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ROLE_ARN = "arn:aws:iam::123456789012:role/gateway-office";
const ROOT: AwsKey = {
  accessKeyId: "AKIAEXAMPLEROOT00001",
  secretAccessKey: "an invented secret of a root",
  arn: "arn:aws:iam::123456789012:root",
};
const STRANGER: AwsKey = {
  accessKeyId: "AKIAEXAMPLEOTHER0001",
  secretAccessKey: "an invented secret of somebody",
  arn: "arn:aws:iam::999999999999:user/stranger",
};

describe.each(DATABASES)("AWS logins on %s", (database) => {
  let where: DatabasePlace;
  let platform: TestPlatform;
  let acme: Tenant;
  let gatewayId = "";

  beforeEach(async () => {
    where = await host.prepared(database);
    platform = await TestPlatform.reopen(where, { stsEndpoint: sts.url });
    time = () => platform.time;
    acme = await platform.tenant("acme");
    gatewayId = await create("office", { allowedPrincipalArns: ROLE_ARN });
    sts.calls.length = 0;
    sts.answer = undefined;
    sts.keys.splice(0, sts.keys.length, ROLE_KEY, ROOT, STRANGER);
  });
  afterEach(() => platform.close());

  async function create(name: string, settings: object): Promise<string> {
    const body = { name, authMethod: { method: "aws", ...settings } };
    const made = await platform.call("POST", "/v3/gateways", { token: acme.token, body });
    expect(made.status).toBe(200);
    return made.body.id;
  }

  const send = (proof: object, more: { id?: string; address?: string; on?: TestPlatform } = {}) =>
    (more.on ?? platform).call("POST", "/v3/gateways/login", {
      body: { ...proof, gatewayId: more.id ?? gatewayId },
      ...(more.address !== undefined && { address: more.address }),
    });

  const login = (wish: ProofWish = {}, id = gatewayId) =>
    send(signProof({ at: platform.time, ...wish }), { id });

  const audience = (id = gatewayId, platformId = platform.core.keyring.instanceId) => ({
    "x-sallyport-server-id": `${platformId}/${id}/${crypto.randomUUID()}`,
  });

  /** The newest login in the audit log. */
  async function audited(): Promise<{ event: string; detail: Record<string, unknown> }> {
    const { body } = await platform.call("GET", "/v1/audit", { token: acme.token });
    return body.entries.find(({ event }: { event: string }) =>
      event.startsWith("RESOURCE_AUTH_METHOD_LOGIN"),
    );
  }

  async function refused(answer: Awaited<ReturnType<typeof send>>, reason: string): Promise<void> {
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ error: "Unauthorized", code: "UNAUTHENTICATED" });
    expect(answer.body.message).toEndWith(`(${reason}).`);
    expect(await audited()).toMatchObject({
      event: "RESOURCE_AUTH_METHOD_LOGIN_FAILED",
      detail: { resourceType: "gateway", resourceId: gatewayId, method: "aws", reasonCode: reason },
    });
    expect(await version()).toBe(0);
  }

  /** The same, and AWS was not even asked. */
  async function refusedUnasked(answer: Awaited<ReturnType<typeof send>>, reason: string): Promise<void> {
    await refused(answer, reason);
    expect(sts.calls).toEqual([]);
  }

  async function version(): Promise<number> {
    const [row] = await platform.core.store.read<{ token_version: number }>`
      SELECT token_version FROM gateways WHERE id = ${gatewayId}`;
    return row?.token_version ?? -1;
  }

  test("B8 a login signed as Infisical's CLI signs it gives an access token that works", async () => {
    const answer = await login();
    expect(answer.body).toEqual({ accessToken: expect.any(String), gatewayId, tokenType: "Bearer" });
    expect((await platform.call("GET", "/v1/relays", { token: answer.body.accessToken })).status).toBe(200);
    expect(await audited()).toMatchObject({
      event: "RESOURCE_AUTH_METHOD_LOGIN",
      detail: { method: "aws", principalArn: ROLE_KEY.arn, accountId: "123456789012" },
    });
    expect(await version()).toBe(1);
  });

  test("B8 the platform builds the request: of the caller's there is the signature and what it covers", async () => {
    const proof = signProof({ at: platform.time, headers: audience() });
    const headers: Record<string, string> = {
      ...proofHeaders(proof),
      "X-Forwarded-Host": "evil.example",
      "User-Agent": "evil",
      Cookie: "a=b",
    };
    expect((await send(encodeProof("POST", PROOF_BODY, headers))).status).toBe(200);
    const [call] = sts.calls;
    expect(call).toMatchObject({ method: "POST", path: "/", body: PROOF_BODY });
    const { connection: _connection, "accept-encoding": _encoding, ...sent } = call?.headers ?? {};
    expect(sent).toEqual({
      accept: "application/json",
      authorization: headers.Authorization ?? "",
      "content-length": "43",
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      host: "sts.eu-west-1.amazonaws.com",
      "user-agent": expect.stringMatching(/^sallyport\//),
      "x-amz-date": headers["X-Amz-Date"] ?? "",
      "x-amz-security-token": ROLE_KEY.sessionToken ?? "",
      "x-sallyport-server-id": headers["x-sallyport-server-id"] ?? "",
    });
  });

  test.each([
    ["us-east-1", ROLE_KEY.arn, ROLE_ARN],
    ["us-gov-west-1", ROLE_KEY.arn.replace("aws", "aws-us-gov"), ROLE_ARN.replace("aws", "aws-us-gov")],
    ["cn-north-1", ROLE_KEY.arn.replace("aws", "aws-cn"), ROLE_ARN.replace("aws", "aws-cn")],
  ])("B8 a login in %s passes, in its partition's host", async (region, arn, allowed) => {
    const id = await create("there", { allowedPrincipalArns: allowed });
    sts.keys.splice(0, 1, { ...ROLE_KEY, arn });
    const answer = await login({ region }, id);
    expect(answer.status).toBe(200);
    expect(sts.calls[0]?.headers.host).toBe(
      `sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`,
    );
  });

  test("B8 a principal of another partition than the region's is refused", async () => {
    await refused(await login({ region: "cn-north-1" }), "sts_request_failed");
  });

  test.each<[string, ProofWish]>([
    ["another action", { body: "Action=GetSessionToken&Version=2011-06-15" }],
    ["an action twice", { body: `${PROOF_BODY}&Action=GetSessionToken` }],
    ["another version", { body: "Action=GetCallerIdentity&Version=2011-06-16" }],
    ["an empty body", { body: "" }],
    ["GET", { method: "GET" }],
    ["another host", { host: "sts.evil.example" }],
    ["another region's host", { host: "sts.us-east-1.amazonaws.com" }],
    ["a host with a port", { host: "sts.eu-west-1.amazonaws.com:8443" }],
    ["another service", { service: "s3" }],
    ["a signed header that is not known", { headers: { "x-forwarded-host": "evil.example" } }],
    ["a signed target header", { headers: { "x-amz-target": "GetSessionToken" } }],
    ["another content type", { headers: { "content-type": "application/x-amz-json-1.1" } }],
    ["a host that is not signed", { without: ["host"] }],
    ["a date that is not signed", { without: ["x-amz-date"] }],
    ["a session token that is not signed", { without: ["x-amz-security-token"] }],
    [
      "an audience that is not signed",
      { headers: { "x-sallyport-server-id": "a/b/c" }, without: ["x-sallyport-server-id"] },
    ],
  ])("B8 %s is refused", async (_what, wish) => {
    await refusedUnasked(await login(wish), "malformed_request");
  });

  test.each(["mars-north-1", "us-east-1.evil.example", "eu-west-1@evil.example", "EU-WEST-1", "aws-global"])(
    "B8 the odd region %s is refused",
    async (region) => {
      await refusedUnasked(await login({ region, host: "sts.eu-west-1.amazonaws.com" }), "invalid_region");
    },
  );

  test("B8 a region with a slash, a query or a fragment is refused", async () => {
    for (const region of ["eu-west-1/x", "eu-west-1?x", "eu-west-1#x"]) {
      const { status } = await login({ region, host: "sts.eu-west-1.amazonaws.com" });
      expect(status).toBe(401);
    }
    expect(sts.calls).toEqual([]);
  });

  test.each([
    ["older than 5 minutes", -5 * MINUTE - 1000],
    ["of 6 minutes ahead", 6 * MINUTE],
    ["of last year", -365 * 24 * 60 * MINUTE],
  ])("B8 a date %s is refused", async (_what, offset) => {
    const at = new Date(platform.time.getTime() + offset);
    await refusedUnasked(await login({ at }), "malformed_request");
  });

  test("B8 a date of 4 minutes ago and one of 4 minutes ahead pass", async () => {
    for (const offset of [-4, 4]) {
      expect((await login({ at: new Date(platform.time.getTime() + offset * MINUTE) })).status).toBe(200);
    }
  });

  test("B8 a date that is not the signed one is refused", async () => {
    // Both on one day, which the credential names: the signature alone tells them apart.
    platform.pass(HOUR - (platform.time.getTime() % HOUR) + 30 * MINUTE);
    const old = signProof({ at: new Date(platform.time.getTime() - 20 * MINUTE) });
    const fresh = proofHeaders(signProof({ at: platform.time }));
    const mixed = { ...proofHeaders(old), "X-Amz-Date": fresh["X-Amz-Date"] };
    await refused(await send(encodeProof("POST", PROOF_BODY, mixed)), "sts_request_failed");
  });

  test("B8 a day in the credential that is not the date's is refused", async () => {
    const headers = proofHeaders(signProof({ at: platform.time }));
    const Authorization = headers.Authorization?.replace(/\/20\d{6}\//, "/20200101/");
    const proof = encodeProof("POST", PROOF_BODY, { ...headers, Authorization });
    await refusedUnasked(await send(proof), "malformed_request");
  });

  test("B8 the same signature twice is refused, also by another replica and after the first 5 minutes", async () => {
    const proof = signProof({ at: new Date(platform.time.getTime() + 4 * MINUTE) });
    expect((await send(proof)).status).toBe(200);
    const replica = await TestPlatform.reopen(where, { stsEndpoint: sts.url });
    try {
      for (const on of [platform, replica]) {
        const again = await send(proof, { on });
        expect(again.status).toBe(401);
        expect(again.body.message).toContain("used before");
      }
    } finally {
      await replica.close();
    }
    expect(sts.calls).toHaveLength(1);
    platform.pass(8 * MINUTE);
    // Another login forgets what is over.
    expect((await login()).status).toBe(200);
    expect((await send(proof)).body.message).toContain("used before");
    expect(await version()).toBe(2);
  });

  test("B8 of 20 at once with one signature exactly one wins", async () => {
    const proof = signProof({ at: platform.time });
    const tries = Array.from({ length: 20 }, (_, i) => send(proof, { address: `198.51.100.${i}` }));
    const answers = await Promise.all(tries);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
    expect(await version()).toBe(1);
  });

  test("B8 signatures are forgotten once nobody could use them", async () => {
    await login();
    platform.pass(16 * MINUTE);
    await login();
    const rows = await platform.core.store.read`SELECT * FROM spent_signatures`;
    expect(rows).toHaveLength(1);
  });

  test("B8 one signature may serve a gateway and another gateway of one host, in the same second", async () => {
    const other = await create("other", { allowedPrincipalArns: ROLE_ARN });
    const proof = signProof({ at: platform.time });
    expect((await send(proof)).status).toBe(200);
    expect((await send(proof, { id: other })).status).toBe(200);
  });

  test("B8 a redirect of AWS is not followed", async () => {
    const elsewhere = new StandInSts(() => platform.time);
    sts.answer = () => Response.redirect(`${elsewhere.url}/`, 307);
    try {
      await refused(await login(), "sts_request_failed");
      expect(elsewhere.calls).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  test.each<[string, () => Response]>([
    ["XML", () => new Response("<GetCallerIdentityResponse/>", { headers: { "Content-Type": "text/xml" } })],
    ["another shape", () => Response.json({ GetCallerIdentityResponse: { Arn: ROLE_KEY.arn } })],
    ["another account than the ARN's", () => identity("111111111111", ROLE_KEY.arn)],
    ["an ARN that is none", () => identity("123456789012", "gateway-office")],
    ["an answer of 1 MB", () => identity("123456789012", ROLE_KEY.arn, " ".repeat(1024 * 1024))],
    ["an error", () => Response.json({ Error: { Code: "Throttling" } }, { status: 400 })],
    ["200 to a request of nobody", () => Response.json({})],
  ])("B8 %s from AWS lets nobody in", async (_what, answer) => {
    sts.answer = answer;
    const { status } = await login();
    expect(status).toBe(401);
    expect(await version()).toBe(0);
  });

  function identity(Account: string, Arn: string, padding = ""): Response {
    const result = { GetCallerIdentityResult: { Account, Arn, UserId: "u" } };
    return new Response(`${JSON.stringify({ GetCallerIdentityResponse: result })}${padding}`);
  }

  test("B8 a signature by a wrong secret is refused by AWS, whose code is passed on", async () => {
    const answer = await login({ key: { ...ROLE_KEY, secretAccessKey: "wrong" } });
    await refused(answer, "sts_request_failed");
    expect(answer.body.message).toContain("403 SignatureDoesNotMatch");
  });

  test("B8 the account's root is refused, even where the account is allowed", async () => {
    gatewayId = await create("any", { allowedAccountIds: "123456789012" });
    await refused(await login({ key: ROOT }), "principal_arn_not_allowed");
  });

  test("B8 who is not on the list of ARNs is refused, and named in the audit log", async () => {
    await refused(await login({ key: STRANGER }), "principal_arn_not_allowed");
    expect((await audited()).detail).toMatchObject({ principalArn: STRANGER.arn, accountId: "999999999999" });
  });

  test("B8 who is not of an allowed account is refused; both lists have to pass", async () => {
    gatewayId = await create("both", {
      allowedPrincipalArns: `${ROLE_ARN},${STRANGER.arn}`,
      allowedAccountIds: "123456789012, 210987654321",
    });
    await refused(await login({ key: STRANGER }), "account_id_not_allowed");
    expect((await login()).status).toBe(200);
  });

  test("B8 an empty allow-list can't be saved, and lets nobody in where it is in the database", async () => {
    const body = {
      name: "open",
      authMethod: { method: "aws", allowedPrincipalArns: " , ", allowedAccountIds: "" },
    };
    expect((await platform.call("POST", "/v3/gateways", { token: acme.token, body })).status).toBe(422);
    const open = { stsEndpoint: "", allowedPrincipalArns: "", allowedAccountIds: "", requireAudience: false };
    await platform.core.store.transaction(
      (sql) => sql`UPDATE auth_method_settings SET settings = ${JSON.stringify(open)}`,
    );
    await refusedUnasked(await login(), "no_allowlist_configured");
  });

  test("B8 a signature for this platform and gateway passes, one for others is refused", async () => {
    expect((await login({ headers: audience() })).status).toBe(200);
    for (const headers of [
      audience(crypto.randomUUID()),
      audience(gatewayId, crypto.randomUUID()),
      { "x-sallyport-server-id": `${platform.core.keyring.instanceId}/${gatewayId}/` },
      { "x-sallyport-server-id": `${platform.core.keyring.instanceId}/${gatewayId}` },
      { "x-sallyport-server-id": `${platform.core.keyring.instanceId}/${gatewayId}/${"n".repeat(32)}/x` },
    ]) {
      const answer = await login({ headers });
      expect(answer.status).toBe(401);
      expect(answer.body.message).toEndWith("(audience_not_allowed).");
    }
    expect(sts.calls).toHaveLength(1);
  });

  test("B8 a gateway that demands its audience refuses what Infisical's CLI signs", async () => {
    gatewayId = await create("strict", { allowedPrincipalArns: ROLE_ARN, requireAudience: true });
    await refusedUnasked(await login(), "audience_not_allowed");
    expect((await login({ headers: audience() })).status).toBe(200);
  });

  test.each<[string, object]>([
    ["no base64", { iamRequestHeaders: "{}", iamRequestBody: "%%%" }],
    ["no JSON", { iamRequestHeaders: Buffer.from("nope").toString("base64") }],
    ["a list", { iamRequestHeaders: Buffer.from("[]").toString("base64") }],
    ["a header twice", { iamRequestHeaders: Buffer.from('{"Host":"a","host":"b"}').toString("base64") }],
    [
      "a line break in a header",
      { iamRequestHeaders: Buffer.from('{"Host":"a\\r\\nX: y"}').toString("base64") },
    ],
    ["no headers", { iamRequestHeaders: Buffer.from("{}").toString("base64") }],
  ])("B8 %s is refused", async (_what, change) => {
    await refusedUnasked(await send({ ...signProof({ at: platform.time }), ...change }), "malformed_request");
  });

  test("headers as lists of one, as Go has them, pass", async () => {
    const lists = Object.entries(proofHeaders(signProof({ at: platform.time }))).map(([k, v]) => [k, [v]]);
    expect((await send(encodeProof("POST", PROOF_BODY, Object.fromEntries(lists)))).status).toBe(200);
  });

  test("an unknown gateway and one that logs in by token answer alike, well-formed or not", async () => {
    const made = await platform.call("POST", "/v3/gateways", {
      token: acme.token,
      body: { name: "by-token" },
    });
    for (const proof of [signProof({ at: platform.time }), signProof({ at: platform.time, method: "GET" })]) {
      const known = await send(proof, { id: made.body.id });
      const unknown = await send(proof, { id: crypto.randomUUID() });
      expect(known.status).toBe(401);
      expect({ ...known.body, reqId: "" }).toEqual({ ...unknown.body, reqId: "" });
    }
    expect(sts.calls).toEqual([]);
    const { body } = await platform.call("GET", "/v1/audit", { token: acme.token });
    const reasons = body.entries.map((entry: { detail: { reasonCode?: string } }) => entry.detail.reasonCode);
    expect(reasons).toContain("method_mismatch");
  });

  test("ten logins a minute that fail, then 429 without asking AWS; a good one resets the count", async () => {
    for (let i = 0; i < 9; i++)
      expect((await login({ key: STRANGER, headers: audience() })).status).toBe(401);
    expect((await login()).status).toBe(200);
    for (let i = 0; i < 10; i++)
      expect((await login({ key: STRANGER, headers: audience() })).status).toBe(401);
    const asked = sts.calls.length;
    expect((await login()).status).toBe(429);
    expect(sts.calls).toHaveLength(asked);
    platform.pass(MINUTE + 1000);
    expect((await login()).status).toBe(200);
  });

  test("the newest login rotates: the access token of the one before is worthless", async () => {
    const first = (await login({ headers: audience() })).body.accessToken;
    const second = (await login({ headers: audience() })).body.accessToken;
    expect((await platform.call("GET", "/v1/relays", { token: first })).status).toBe(401);
    expect((await platform.call("GET", "/v1/relays", { token: second })).status).toBe(200);
  });

  test("a login that was judged by settings of before is refused", async () => {
    const allowed = { method: "aws", allowedPrincipalArns: STRANGER.arn };
    const path = `/v3/gateways/${gatewayId}`;
    sts.answer = async () => {
      await platform.call("PATCH", path, { token: acme.token, body: { authMethod: allowed } });
      return undefined;
    };
    expect((await login()).status).toBe(401);
    expect(await version()).toBe(0);
  });

  test("a relay logs in by AWS alike", async () => {
    const authMethod = { method: "aws", allowedAccountIds: "123456789012" };
    const made = await platform.call("POST", "/v2/relays", {
      token: acme.token,
      body: { name: "edge", host: "203.0.113.7", authMethod },
    });
    expect(made.body.authMethod).toMatchObject(authMethod);
    const relayId = made.body.id;
    const body = { ...signProof({ at: platform.time, headers: audience(relayId) }), relayId };
    const answer = await platform.call("POST", "/v2/relays/login", { body });
    expect(answer.body).toEqual({ accessToken: expect.any(String), relayId, tokenType: "Bearer" });
    const shown = await platform.call("POST", "/v2/relays/connect", { token: answer.body.accessToken });
    expect(shown.status).toBe(200);
  });
});
