import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { environmentFetch } from "../../../src/client/environment-fetch.ts";
import type { Environment } from "../../../src/host/environment.ts";
import { PlatformClient } from "../../../src/platform-client/client.ts";
import { mustRun } from "../../support/processes.ts";
import { StubProxy } from "../../support/proxy.ts";
import { Workspace } from "../../support/workspace.ts";

const NAME = "platform.test";
const DEAD_PROXY = "http://127.0.0.1:1";

let space: Workspace;
let caFile: string;
let proxies: { http: StubProxy; socks: StubProxy };
let answered: { authorization: string | null; host: string | null }[];
let answer: () => Response;

beforeEach(async () => {
  space = await Workspace.open("environment-fetch");
  answered = [];
  answer = () => Response.json([]);
  caFile = space.join("c.pem");
  await mustRun([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", space.join("k.pem"), "-out", caFile, "-days", "2", "-subj", `/CN=${NAME}`],
    ...["-addext", `subjectAltName=DNS:${NAME},DNS:localhost`],
  ]);
  const https = serve({
    key: await readFile(space.join("k.pem"), "utf8"),
    cert: await readFile(caFile, "utf8"),
  });
  const plain = serve();
  const routes = new Map([
    [`${NAME}:443`, https],
    [`${NAME}:80`, plain],
    ["other.test:443", https],
  ]);
  proxies = {
    http: space.own(await StubProxy.http({ routes })),
    socks: space.own(await StubProxy.socks({ routes, login: { username: "u", password: "secret" } })),
  };
});
afterEach(() => space.close());

function serve(tls?: { key: string; cert: string }): number {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...(tls ? { tls } : {}),
    fetch(request) {
      const { headers } = request;
      answered.push({ authorization: headers.get("authorization"), host: headers.get("host") });
      return answer();
    },
  });
  space.defer(() => server.stop(true));
  if (server.port === undefined) throw new Error("no port");
  return server.port;
}

function client(env: Environment, domain = `https://${NAME}`): PlatformClient {
  return new PlatformClient({
    domain,
    token: () => "token",
    insecureHttp: true,
    caFile,
    timeoutMs: 10_000,
    fetch: environmentFetch(env, caFile),
  });
}

describe("F11 the platform behind a proxy", () => {
  test("without a proxy variable Bun's own fetch is used", () => {
    expect(environmentFetch({ NO_PROXY: "x", PATH: "/bin" })).toBeUndefined();
  });

  test("an HTTP proxy is asked for a tunnel, in which TLS goes to the platform itself", async () => {
    const { http } = proxies;
    expect(await client({ HTTPS_PROXY: `http://127.0.0.1:${http.port}` }).relays.list()).toEqual([]);
    expect(http.asked).toEqual([`${NAME}:443`]);
    expect(answered).toEqual([{ authorization: "Bearer token", host: NAME }]);
  });

  test("no file is there while an answer is awaited: whoever is killed then leaves none", async () => {
    const before = process.env.TMPDIR;
    const temporary = await space.directory("temporary");
    let there: string[] | undefined;
    answer = () => {
      there = readdirSync(temporary);
      return Response.json([]);
    };
    process.env.TMPDIR = temporary;
    try {
      await client({ HTTPS_PROXY: `http://127.0.0.1:${proxies.http.port}` }).relays.list();
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
    expect(there).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("a SOCKS5 proxy with a login, for https and plain http", async () => {
    const { socks } = proxies;
    const env = { ALL_PROXY: `socks5h://u:secret@127.0.0.1:${socks.port}` };
    expect(await client(env).relays.list()).toEqual([]);
    expect(await client(env, `http://${NAME}`).relays.list()).toEqual([]);
    expect(socks.asked).toEqual([`${NAME}:443`, `${NAME}:80`]);
    expect(answered.map(({ host }) => host)).toEqual([NAME, NAME]);
  });

  test("a large answer comes through whole, and nothing stays open", async () => {
    const { http } = proxies;
    answer = () => Response.json([], { headers: { "x-filler": "x".repeat(2000) } });
    const relays = Array.from({ length: 3000 }, (_, i) => ({
      id: `r${i}`,
      name: `relay-${i}`,
      host: "h",
      orgId: null,
    }));
    answer = () => Response.json(relays);
    const rows = await client({ HTTPS_PROXY: `http://127.0.0.1:${http.port}` }).relays.list();
    expect(rows).toHaveLength(3000);
    for (let i = 0; i < 4000 && http.open > 0; i++) await Bun.sleep(5);
    expect(http.open).toBe(0);
  });

  test("the proxy cannot pass itself off as the platform", async () => {
    const { http } = proxies;
    const other = client({ HTTPS_PROXY: `http://127.0.0.1:${http.port}` }, "https://other.test");
    await expect(other.relays.list()).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
    expect(answered).toEqual([]);
  });

  test("a proxy that refuses is named with its reason, without its password", async () => {
    const { socks } = proxies;
    const refused = client({ ALL_PROXY: `socks5://u:wrong-secret@127.0.0.1:${socks.port}` }).relays.list();
    await expect(refused).rejects.toMatchObject({ code: "PROXY_REFUSED" });
    await expect(refused).rejects.toThrow(`socks5://127.0.0.1:${socks.port}`);
    await expect(refused).rejects.not.toThrow(/wrong-secret/);
    const away = client({ HTTPS_PROXY: DEAD_PROXY }).relays.list();
    await expect(away).rejects.toMatchObject({ code: "PROXY_UNREACHABLE" });
  });

  test("what goes direct by our rules does so, whatever Bun would do", async () => {
    const port = serve({
      key: await readFile(space.join("k.pem"), "utf8"),
      cert: await readFile(caFile, "utf8"),
    });
    process.env.HTTPS_PROXY = DEAD_PROXY;
    try {
      const env = { HTTPS_PROXY: DEAD_PROXY };
      expect(await client(env, `https://localhost:${port}`).relays.list()).toEqual([]);
    } finally {
      delete process.env.HTTPS_PROXY;
    }
  });

  test("a platform that is away is the platform's failure, not the proxy's", async () => {
    const env = { HTTPS_PROXY: DEAD_PROXY };
    const failure = client(env, "https://127.0.0.1:1").relays.list();
    await expect(failure).rejects.toMatchObject({ code: "PLATFORM_UNREACHABLE" });
  });

  test("a platform that does not answer ends in time, and closes the way there", async () => {
    const { http } = proxies;
    answer = () => new Response(new ReadableStream({ start() {} }));
    const waiting = new PlatformClient({
      domain: `https://${NAME}`,
      caFile,
      timeoutMs: 300,
      fetch: environmentFetch({ HTTPS_PROXY: `http://127.0.0.1:${http.port}` }),
    }).relays.list();
    await expect(waiting).rejects.toMatchObject({ code: "PLATFORM_UNREACHABLE" });
    for (let i = 0; i < 4000 && http.open > 0; i++) await Bun.sleep(5);
    expect(http.open).toBe(0);
  });
});
