import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Server } from "node:https";
import { createServer } from "node:https";
import { parseOrigin } from "../../../src/gateway/http/origin.ts";
import { podServiceAccount } from "../../../src/gateway/http/service-account.ts";
import { parsePolicy } from "../../../src/gateway/target-policy.ts";
import { HttpTunnel } from "../../support/http-tunnel.ts";
import { RawTarget } from "../../support/raw-target.ts";
import { testPki } from "../../support/test-pki.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let server: Server;
let port: number;
let authority: string;
let otherAuthority: string;

/** A TLS target for localhost and 127.0.0.1 that answers with the headers it saw. */
beforeAll(async () => {
  workspace = await Workspace.open("http-target");
  const pki = await testPki();
  const { tls } = await pki.gateway();
  authority = pki.organisation.gatewayServer.chainPem;
  otherAuthority = pki.organisation.relayServer.chainPem;
  server = createServer({ key: tls.privateKey, cert: tls.certificate }, (incoming, outgoing) => {
    outgoing.end(JSON.stringify({ path: incoming.url, ...incoming.headers }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => server.closeAllConnections());
  workspace.defer(() => server.close());
  const address = server.address();
  port = typeof address === "object" && address ? address.port : 0;
});
afterAll(() => workspace.close());

type Options = Partial<ConstructorParameters<typeof HttpTunnel>[0]>;

async function call(config: string, headers: Record<string, string> = {}, options: Options = {}) {
  const tunnel = new HttpTunnel({ target: { host: "https://localhost", port }, ...options }).config(config);
  try {
    const answer = await tunnel.call("/version", { headers });
    return { status: answer.status, ...JSON.parse(answer.body) };
  } finally {
    tunnel.close();
  }
}

const ca = (pem: string) => `ca=${Buffer.from(pem).toString("base64")}`;

describe("an https target", () => {
  test("is reached without any check unless verify=true", async () => {
    expect(await call("CONFIG")).toMatchObject({ status: 200, host: `localhost:${port}`, path: "/version" });
    expect(await call(`CONFIG ${ca(otherAuthority)}`)).toMatchObject({ status: 200 });
    expect(await call("CONFIG verify=false")).toMatchObject({ status: 200 });
  });

  test("with verify=true must chain to ca=, by name or by address", async () => {
    expect(await call(`CONFIG ${ca(authority)} verify=true`)).toMatchObject({ status: 200 });
    const byAddress = { target: { host: "https://127.0.0.1", port } };
    expect(await call(`CONFIG ${ca(authority)} verify=true`, {}, byAddress)).toMatchObject({ status: 200 });
  });

  test.each<[string, () => string]>([
    ["no ca=", () => "CONFIG verify=true"],
    ["another authority", () => `CONFIG ${ca(otherAuthority)} verify=true`],
  ])("with verify=true and %s is refused", async (_name, config) => {
    const answer = await call(config());
    expect(answer).toMatchObject({
      status: 500,
      message: expect.stringContaining("gateway: The TLS handshake with"),
    });
  });

  test("with verify=true must carry the name that was asked for", async () => {
    const elsewhere: Options = {
      target: { host: "https://db.example", port },
      resolve: () => Promise.resolve(["127.0.0.1"]),
    };
    expect(await call(`CONFIG ${ca(authority)}`, {}, elsewhere)).toMatchObject({
      status: 200,
      host: `db.example:${port}`,
    });
    expect(await call(`CONFIG ${ca(authority)} verify=true`, {}, elsewhere)).toMatchObject({ status: 500 });
  });

  test("that speaks no TLS fails with a reason", async () => {
    const plain = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("plain") });
    workspace.defer(() => void plain.stop(true));
    const answer = await call("CONFIG", {}, { target: { host: "https://127.0.0.1", port: plain.port ?? 0 } });
    expect(answer).toMatchObject({ status: 500, message: expect.stringContaining("TLS handshake") });
  });
});

describe("x-infisical-action", () => {
  const token = "eyJ.token";
  let options: Options;

  beforeAll(async () => {
    await Bun.write(workspace.join("token"), `${token}\n`);
    await Bun.write(workspace.join("ca.crt"), authority);
    const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT_HTTPS: String(port) };
    options = { actor: { type: "platform" }, serviceAccount: podServiceAccount(env, workspace.path) };
  });

  test("inject-k8s-sa-auth-token replaces the authorization, for the platform", async () => {
    const headers = { "X-Infisical-Action": "inject-k8s-sa-auth-token", Authorization: "Bearer mine" };
    const answer = await call("CONFIG", headers, options);
    expect(answer.authorization).toBe(`Bearer ${token}`);
    expect(answer["x-infisical-action"]).toBeUndefined();
  });

  test("use-k8s-sa goes to the pod's own API server, whatever the target, verified", async () => {
    const headers = { "x-infisical-action": "use-k8s-sa" };
    const answer = await call("CONFIG", headers, {
      ...options,
      target: { host: "nowhere.invalid", port: 1 },
    });
    expect(answer).toMatchObject({
      status: 200,
      authorization: `Bearer ${token}`,
      host: `127.0.0.1:${port}`,
    });
    await Bun.write(workspace.join("other", "token"), token);
    await Bun.write(workspace.join("other", "ca.crt"), otherAuthority);
    const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT_HTTPS: String(port) };
    const serviceAccount = podServiceAccount(env, workspace.join("other"));
    expect(await call("CONFIG", headers, { ...options, serviceAccount })).toMatchObject({ status: 500 });
  });

  test("a rotated token and a rotated authority count from the next request on, on an open tunnel", async () => {
    const pod = workspace.join("rotating");
    const put = async (bearer: string, pem: string) => {
      await Bun.write(`${pod}/token`, bearer);
      await Bun.write(`${pod}/ca.crt`, pem);
    };
    const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT_HTTPS: String(port) };
    const serviceAccount = podServiceAccount(env, pod);
    const tunnel = new HttpTunnel({
      ...options,
      serviceAccount,
      target: { host: "nowhere.invalid", port: 1 },
    }).config();
    const ask = async () => {
      const answer = await tunnel.call("/", { headers: { "x-infisical-action": "use-k8s-sa" } });
      return { status: answer.status, ...JSON.parse(answer.body) };
    };
    await put("first", authority);
    expect(await ask()).toMatchObject({ status: 200, authorization: "Bearer first" });
    await put("second", authority);
    expect(await ask()).toMatchObject({ status: 200, authorization: "Bearer second" });
    await put("third", otherAuthority);
    expect(await ask()).toMatchObject({ status: 500, code: "TLS_UNTRUSTED" });
    await put("fourth", authority);
    expect(await ask()).toMatchObject({ status: 200, authorization: "Bearer fourth" });
    tunnel.close();
  });

  test("the pod's token stays with the request that asked for it, and with its host", async () => {
    const plain = await RawTarget.answering(
      "HTTP/1.1 307 Go\r\nLocation: https://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n",
    );
    workspace.defer(() => plain.close());
    const tunnel = new HttpTunnel({ ...options, target: { host: "127.0.0.1", port: plain.port } }).config();
    const pod = await tunnel.call("/", { headers: { "x-infisical-action": "use-k8s-sa" } });
    expect(pod.status).toBe(200);
    for (let count = 0; count < 2; count++) expect((await tunnel.call("/")).status).toBe(307);
    expect(plain.heard).not.toContain(token);
    const moved = await tunnel.call("/", { headers: { "x-infisical-action": "inject-k8s-sa-auth-token" } });
    expect(moved).toMatchObject({ status: 307, headers: { location: "https://elsewhere.invalid/" } });
    expect(plain.heard.match(/Bearer /g)?.length).toBe(1);
    expect((await tunnel.call("/")).status).toBe(307);
    expect(plain.heard.match(/Bearer /g)?.length).toBe(1);
    tunnel.close();
  });

  test("B9 use-k8s-sa is subject to the target policy", async () => {
    const policy = parsePolicy({ allow: ["10.9.9.9"], deny: [] });
    const answer = await call("CONFIG", { "x-infisical-action": "use-k8s-sa" }, { ...options, policy });
    expect(answer).toMatchObject({ status: 500, message: expect.stringContaining("--allow") });
  });

  test.each(["user", "Platform", "platform:x", "identity"])("counts for nothing from a %s", async (type) => {
    for (const action of ["inject-k8s-sa-auth-token", "use-k8s-sa"]) {
      const headers = { "x-infisical-action": action, Authorization: "Bearer mine" };
      const answer = await call("CONFIG", headers, { ...options, actor: { type } });
      expect(answer).toMatchObject({ status: 200, authorization: "Bearer mine" });
      expect(answer["x-infisical-action"]).toBeUndefined();
    }
  });

  test("an unknown action is dropped", async () => {
    const answer = await call("CONFIG", { "x-infisical-action": "become-root" }, options);
    expect(answer.status).toBe(200);
    expect(answer.authorization).toBeUndefined();
    expect(answer["x-infisical-action"]).toBeUndefined();
  });

  test("outside a pod it is a 500 that says so", async () => {
    const serviceAccount = podServiceAccount({}, workspace.join("nowhere"));
    const outside = { ...options, serviceAccount };
    const inject = await call("CONFIG", { "x-infisical-action": "inject-k8s-sa-auth-token" }, outside);
    expect(inject).toMatchObject({
      status: 500,
      message: expect.stringContaining("Cannot read the pod's token"),
    });
    const use = await call("CONFIG", { "x-infisical-action": "use-k8s-sa" }, outside);
    expect(use).toMatchObject({ status: 500, message: expect.stringContaining("no Kubernetes pod") });
  });
});

test.each<[string, { scheme: "http" | "https"; host: string }]>([
  ["db.internal", { scheme: "http", host: "db.internal" }],
  ["http://db.internal", { scheme: "http", host: "db.internal" }],
  ["HTTPS://Kubernetes.Default.svc/", { scheme: "https", host: "kubernetes.default.svc" }],
  ["https://[::1]", { scheme: "https", host: "::1" }],
  ["https://2130706433", { scheme: "https", host: "127.0.0.1" }],
])("the target host %p", (text, origin) => {
  expect(parseOrigin(text)).toEqual(origin);
});
