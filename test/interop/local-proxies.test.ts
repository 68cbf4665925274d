import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { createServer as createHttps } from "node:https";
import type { LocalPort } from "../../src/client/local-server.ts";
import { listenHttpProxy } from "../../src/client/proxy/http-port.ts";
import { Openers } from "../../src/client/proxy/openers.ts";
import type { ProxyPortOptions } from "../../src/client/proxy/port.ts";
import { throughGateway, throughResources } from "../../src/client/proxy/reach.ts";
import { listenSocks5 } from "../../src/client/proxy/socks5-port.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { LiveSystem } from "../support/live-system.ts";
import { makeKey, runSsh } from "../support/openssh.ts";
import { runProcess } from "../support/processes.ts";
import { startSshd } from "../support/sshd.ts";
import { testPki } from "../support/test-pki.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

const payload = randomBytes(8 << 20);
const digest = createHash("sha256").update(payload).digest("hex");

let workspace: Workspace;
let live: LiveSystem;
/** A target with TLS, and one without. */
let ports: { https: number; http: number };
let authority: string;
let local: { socks5: number; http: number; resources: number };
const errors: string[] = [];

beforeAll(async () => {
  workspace = await Workspace.open("proxies");
  live = await LiveSystem.open();
  workspace.defer(() => live.close());
  await live.relay("edge");
  await live.gateway("office");
  const { tls, organisation } = await testPki().then(async (pki) => ({
    ...(await pki.gateway()),
    organisation: pki.organisation,
  }));
  authority = await workspace.file("ca.pem", organisation.gatewayServer.chainPem);
  const https = createHttps({ key: tls.privateKey, cert: tls.certificate }, (_incoming, outgoing) =>
    outgoing.end("over tls"),
  );
  await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => https.closeAllConnections());
  workspace.defer(() => https.close());
  const address = https.address();
  const http = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (request.method === "POST") {
        const sum = createHash("sha256").update(Buffer.from(await request.arrayBuffer()));
        return new Response(sum.digest("hex"));
      }
      return new Response(new Uint8Array(payload));
    },
  });
  workspace.defer(() => void http.stop(true));
  ports = { https: typeof address === "object" && address ? address.port : 0, http: http.port ?? 0 };
  await live.admin.resources.create({
    name: "shop",
    gatewayId: (await live.admin.gateways.list())[0]?.id ?? "",
    host: "127.0.0.1",
    port: ports.http,
    kind: "tcp",
  });

  const start = (listen: (options: ProxyPortOptions) => LocalPort, openers: Openers) => {
    const port = listen({
      hostname: "127.0.0.1",
      port: 0,
      open: (target) => openers.open(target),
      log: silentLogger,
      onError: ({ code }) => errors.push(code),
    });
    workspace.defer(() => port.close());
    return port.port;
  };
  const everything = new Openers(throughGateway(live.admin, "office"), Buffer.alloc(0));
  const resources = new Openers(throughResources(live.admin), Buffer.alloc(0));
  local = {
    socks5: start(listenSocks5, everything),
    http: start(listenHttpProxy, everything),
    resources: start(listenSocks5, resources),
  };
});
afterAll(() => workspace.close());

const curl = (...args: string[]) => runProcess(["curl", "-sS", "--max-time", "20", ...args]);

describe("curl", () => {
  test("downloads through SOCKS5, the name resolved by the gateway", async () => {
    const { stdout } = await runProcess([
      ...["sh", "-c", 'curl -sS --socks5-hostname "$1" "$2" | sha256sum', "sh"],
      ...[`127.0.0.1:${local.socks5}`, `http://127.0.0.1:${ports.http}/`],
    ]);
    expect(stdout).toStartWith(digest);
  });

  test("speaks TLS with the target itself, through SOCKS5 and through CONNECT", async () => {
    const url = `https://127.0.0.1:${ports.https}/`;
    for (const way of [`socks5h://127.0.0.1:${local.socks5}`, `http://127.0.0.1:${local.http}`]) {
      const { stdout, stderr } = await curl("--proxy", way, "--cacert", authority, url);
      expect(stdout + stderr).toBe("over tls");
    }
  });

  test("uploads with Expect, and downloads twice, through the HTTP proxy", async () => {
    const file = workspace.join("payload");
    await Bun.write(file, payload);
    const url = `http://127.0.0.1:${ports.http}/`;
    const proxied = ["-x", `http://127.0.0.1:${local.http}`];
    const expectation = ["-H", "Expect: 100-continue"];
    expect((await curl(...proxied, ...expectation, "--data-binary", `@${file}`, url)).stdout).toBe(digest);
    const { stdout } = await curl(
      ...proxied,
      "-o",
      "/dev/null",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code} %{size_download};",
      url,
      url,
    );
    expect(stdout).toBe(`200 ${payload.length};200 ${payload.length};`);
  });

  test("B9 is told that the gateway's owner denies a target", async () => {
    const url = "http://169.254.169.254/latest/meta-data";
    const socks = await curl("--socks5-hostname", `127.0.0.1:${local.socks5}`, url);
    expect(socks.exitCode).toBe(97);
    expect(socks.stderr).toMatch(/\(2\)|not allowed|Can't complete SOCKS5/);
    const http = await curl("-x", `http://127.0.0.1:${local.http}`, "-w", "%{http_code}", url);
    expect(http.stdout).toContain("The gateway's owner does not allow 169.254.169.254:80");
    expect(http.stdout).toEndWith("403");
    expect(errors.slice(-2)).toEqual(["TARGET_DENIED", "TARGET_DENIED"]);
  });

  test("reaches a resource by its name, and nothing that is none", async () => {
    const way = [
      "--socks5-hostname",
      `127.0.0.1:${local.resources}`,
      "-o",
      "/dev/null",
      "-w",
      "%{size_download}",
    ];
    expect((await curl(...way, `http://shop:${ports.http}/`)).stdout).toBe(String(payload.length));
    expect((await curl(...way, `http://127.0.0.1:${ports.http}/`)).stdout).toBe(String(payload.length));
    expect((await curl(...way, `https://127.0.0.1:${ports.https}/`)).exitCode).toBe(97);
    expect(errors.at(-1)).toBe("NOT_FOUND");
  });
});

test("ssh logs in with nc as ProxyCommand", async () => {
  const hostKey = await makeKey(workspace, "host");
  const key = await makeKey(workspace, "user");
  const sshd = await startSshd(workspace, { hostKey, authorizedKeys: [key.publicLine] });
  const { stdout } = await runSsh(workspace, {
    host: "127.0.0.1",
    port: sshd.port,
    key,
    knownHosts: `[127.0.0.1]:${sshd.port} ${hostKey.publicLine}`,
    settings: [`ProxyCommand=nc.openbsd -X 5 -x 127.0.0.1:${local.socks5} %h %p`],
    command: ["sha256sum"],
    input: payload,
  });
  expect(stdout).toStartWith(digest);
});
