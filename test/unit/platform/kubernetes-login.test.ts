import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { StandInKubernetes } from "../../support/kubernetes-api.ts";
import { DATABASES, DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";
import { Workspace } from "../../support/workspace.ts";

let host: DatabaseHost;
let workspace: Workspace;
let cluster: StandInKubernetes;
beforeAll(async () => {
  host = await DatabaseHost.open();
  workspace = await Workspace.open("kubernetes");
  cluster = await StandInKubernetes.open(workspace);
});
afterAll(async () => {
  await workspace.close();
  await host.close();
});

describe.each(DATABASES)("Kubernetes logins on %s", (database) => {
  let platform: TestPlatform;
  let acme: Tenant;
  let reviewer = "";

  beforeEach(async () => {
    platform = await TestPlatform.reopen(await host.prepared(database), { onLoopback: true });
    acme = await platform.tenant("acme");
    cluster.answer = undefined;
    cluster.tokens.clear();
    cluster.calls.length = 0;
    reviewer = cluster.issue("kube-system", "reviewer", { mayReview: true });
  });
  afterEach(() => platform.close());

  const method = (more: object = {}) => ({
    method: "kubernetes",
    kubernetesHost: cluster.url,
    caCertificate: cluster.authority,
    tokenReviewerJwt: reviewer,
    allowedNamespaces: "office",
    ...more,
  });

  const save = (name: string, more: object = {}) =>
    platform.call("POST", "/v3/gateways", { token: acme.token, body: { name, authMethod: method(more) } });

  async function gateway(more: object = {}): Promise<string> {
    const made = await save("office", more);
    expect(made.body.message).toBeUndefined();
    cluster.calls.length = 0;
    return made.body.id;
  }

  const login = (gatewayId: string, jwt: string) =>
    platform.call("POST", "/v3/gateways/login", { body: { method: "kubernetes", gatewayId, jwt } });

  async function audited(event: string) {
    const { body } = await platform.call("GET", `/v1/audit?event=${event}`, { token: acme.token });
    return body.entries[0];
  }

  const update = (id: string, authMethod: object) =>
    platform.call("PATCH", `/v3/gateways/${id}`, { token: acme.token, body: { authMethod } });

  test("a service account that is allowed logs in; its token goes to the cluster as the one in question only", async () => {
    const id = await gateway();
    const jwt = cluster.issue("office", "gateway");
    const answer = await login(id, jwt);
    expect(answer.body).toEqual({ accessToken: expect.any(String), gatewayId: id, tokenType: "Bearer" });
    expect(cluster.calls.map(({ bearer }) => bearer)).toEqual([reviewer]);
    expect(await audited("RESOURCE_AUTH_METHOD_LOGIN")).toMatchObject({
      detail: { method: "kubernetes", namespace: "office", serviceAccount: "gateway" },
    });
  });

  test("without a reviewer the presented token reviews itself", async () => {
    const id = await gateway({ tokenReviewerJwt: "" });
    expect((await login(id, cluster.issue("office", "gateway", { mayReview: true }))).status).toBe(200);
    const poor = await login(id, cluster.issue("office", "gateway"));
    expect(poor.body.message).toEndWith("(token_review_forbidden).");
  });

  test.each<[string, object, string, string, string]>([
    ["another namespace", {}, "home", "gateway", "namespace_not_allowed"],
    ["a namespace that only begins alike", {}, "office-2", "gateway", "namespace_not_allowed"],
    ["another name", { allowedNames: "gateway-*" }, "office", "relay", "name_not_allowed"],
  ])("%s is refused", async (_what, more, namespace, name, reason) => {
    const id = await gateway(more);
    const answer = await login(id, cluster.issue(namespace, name));
    expect(answer.status).toBe(401);
    expect(answer.body.message).toEndWith(`(${reason}).`);
    expect(await audited("RESOURCE_AUTH_METHOD_LOGIN_FAILED")).toMatchObject({
      detail: { reasonCode: reason, namespace, serviceAccount: name },
    });
  });

  test("namespaces and names with wildcards are allowed", async () => {
    const id = await gateway({ allowedNamespaces: "home, off*", allowedNames: "gateway-*" });
    expect((await login(id, cluster.issue("office", "gateway-7"))).status).toBe(200);
  });

  test("the audience is demanded of the cluster and of the token", async () => {
    const id = await gateway({ allowedAudience: "sallyport" });
    const fit = cluster.issue("office", "gateway", { audiences: ["sallyport", "vault"] });
    expect((await login(id, fit)).status).toBe(200);
    const unfit = await login(id, cluster.issue("office", "gateway"));
    expect(unfit.body.message).toEndWith("(token_review_error).");
    // A cluster too old to know audiences answers without any.
    cluster.answer = (path) =>
      path.endsWith("tokenreviews") ? reviewed({ authenticated: true, user: service("office") }) : undefined;
    expect((await login(id, fit)).body.message).toEndWith("(audience_not_allowed).");
  });

  function reviewed(status: object): Response {
    return Response.json({ kind: "TokenReview", status }, { status: 201 });
  }

  function service(namespace: string) {
    return { username: `system:serviceaccount:${namespace}:gateway` };
  }

  test.each<[string, () => Response, string]>([
    [
      "a person's token",
      () => reviewed({ authenticated: true, user: { username: "alice" } }),
      "not_a_service_account",
    ],
    ["a token of nobody", () => reviewed({ authenticated: false }), "token_not_authenticated"],
    ["a cluster in trouble", () => new Response("", { status: 500 }), "token_review_request_failed"],
    ["something that is no cluster", () => Response.json({ hello: 1 }), "token_review_malformed_response"],
    ["no JSON", () => new Response("<html>"), "token_review_malformed_response"],
    [
      "an answer of 1 MB",
      () => new Response(`${GOOD}${" ".repeat(1 << 20)}`),
      "token_review_malformed_response",
    ],
    ["a redirect", () => Response.redirect("https://203.0.113.7/", 307), "token_review_request_failed"],
  ])("%s is refused", async (_what, answer, reason) => {
    const id = await gateway();
    cluster.answer = answer;
    const { status, body } = await login(id, cluster.issue("office", "gateway"));
    expect(status).toBe(401);
    expect(body.message).toEndWith(`(${reason}).`);
  });

  test("the reviewer's token is sealed, never shown, and kept while the destination stays", async () => {
    const id = await gateway();
    const shown = await platform.call("GET", `/v3/gateways/${id}`, { token: acme.token });
    expect(shown.body.authMethod).toMatchObject({
      method: "kubernetes",
      kubernetesHost: cluster.url,
      hasTokenReviewerJwt: true,
      tokenReviewMode: "api",
      allowedNamespaces: "office",
    });
    const rows = await platform.core.store.read`SELECT * FROM auth_method_settings`;
    expect(JSON.stringify([rows, shown.body])).not.toContain(reviewer);
    const { tokenReviewerJwt: _gone, ...rest } = method({ allowedNamespaces: "home" });
    expect((await update(id, rest)).body.authMethod).toMatchObject({ hasTokenReviewerJwt: true });
    expect((await login(id, cluster.issue("home", "gateway"))).status).toBe(200);
  });

  test("the stored reviewer is dropped when the destination changes, and sent nowhere else", async () => {
    const id = await gateway();
    const other = await StandInKubernetes.open(workspace);
    const { tokenReviewerJwt: _gone, ...rest } = method({
      kubernetesHost: other.url,
      caCertificate: other.authority,
    });
    expect((await update(id, rest)).body.authMethod).toMatchObject({ hasTokenReviewerJwt: false });
    await login(id, cluster.issue("office", "gateway"));
    expect(other.calls.map(({ bearer }) => bearer)).not.toContain(reviewer);
    const back = await update(id, { ...rest, kubernetesHost: cluster.url, caCertificate: cluster.authority });
    expect(back.body.authMethod).toMatchObject({ hasTokenReviewerJwt: false });
  });

  test.each<[string, () => object, string]>([
    [
      "an authority that did not sign the cluster's certificate",
      () => ({ caCertificate: OTHER_CA }),
      "can't be reached",
    ],
    ["a CA that is no PEM", () => ({ caCertificate: "nope" }), "no PEM certificate"],
    [
      "a reviewer that may not review",
      () => ({ tokenReviewerJwt: cluster.issue("a", "b") }),
      "system:auth-delegator",
    ],
    ["a reviewer that nobody knows", () => ({ tokenReviewerJwt: "jwt-unknown" }), "system:auth-delegator"],
    ["no host", () => ({ kubernetesHost: "" }), "https://host"],
    ["a host with plain http", () => ({ kubernetesHost: "http://127.0.0.1" }), "https://host"],
    ["a host with a user", () => ({ kubernetesHost: "https://a:b@127.0.0.1" }), "https://host"],
    ["a metadata address", () => ({ kubernetesHost: "https://169.254.169.254" }), "can't be at"],
    ["a way through a gateway", () => ({ gatewayId: crypto.randomUUID() }), "not supported"],
    ["a way through a pool", () => ({ gatewayPoolId: crypto.randomUUID() }), "not supported"],
    ["the mode gateway", () => ({ tokenReviewMode: "gateway" }), "not supported"],
  ])("%s can't be saved", async (_what, more, words) => {
    const answer = await save("office", more());
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain(words);
    expect((await platform.call("GET", "/v2/gateways", { token: acme.token })).body).toEqual([]);
  });

  test("neither a namespace nor a name can't be saved", async () => {
    expect((await save("office", { allowedNamespaces: "" })).status).toBe(422);
  });

  test("a cluster on this machine is refused where the platform does not allow it, at save and at login", async () => {
    const strict = await TestPlatform.open(host, database);
    try {
      const tenant = await strict.tenant("other");
      for (const kubernetesHost of [cluster.url, `https://localhost:${cluster.port}`, "https://10.0.0.1"]) {
        const body = { name: "office", authMethod: method({ kubernetesHost }) };
        const answer = await strict.call("POST", "/v3/gateways", { token: tenant.token, body });
        expect(answer.status).toBe(400);
        expect(answer.body.message).toContain("--allow-private-hosts");
      }
      expect(cluster.calls).toEqual([]);
    } finally {
      await strict.close();
    }
  });

  test("a cluster by name is dialled at the address that was judged, and its certificate is the name's", async () => {
    const id = await gateway({ kubernetesHost: `https://localhost:${cluster.port}` });
    expect((await login(id, cluster.issue("office", "gateway"))).status).toBe(200);
    expect(cluster.calls[0]?.host).toBe(`localhost:${cluster.port}`);
  });

  test("a certificate of another name is refused unless the certificate is not to be checked", async () => {
    const authMethod = { caCertificate: OTHER_CA, verifyTlsCertificate: false };
    expect((await save("office", authMethod)).status).toBe(200);
  });
});

/** What a cluster would say of a token that is allowed. */
const GOOD = JSON.stringify({
  status: { authenticated: true, user: { username: "system:serviceaccount:office:gateway" } },
});

/** An authority that signed nothing here. */
const OTHER_CA = `-----BEGIN CERTIFICATE-----
MIIBejCCAR+gAwIBAgIUY69zCHHM9XNrnyVwGcgnA9Y9VMowCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyMTIyMTQ1NVoYDzIxMjYxMDI4MjIx
NDU1WjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQiL1FM3QiSnV2z1Vmj44lzZbaKDQwPmoMbKB7X7aUuTTXmEbmIlkzTXEgclFhb
WCorVNvCs1WxhpGERLMdFE6co1MwUTAdBgNVHQ4EFgQU0O+zxPQsclS5AUCYjZcV
PpS3YMEwHwYDVR0jBBgwFoAU0O+zxPQsclS5AUCYjZcVPpS3YMEwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAtv/wsGalvLtEy8n4j9PCgS59XhDz
aKCdGMxCH2uaRtICIQD44UoEd2dXickLpelPInVciZkExDx/wgLhT2K2TZ2djA==
-----END CERTIFICATE-----
`;
