import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFile, rename } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { connect } from "node:tls";
import { bootstrapPlatform } from "../../../src/platform/bootstrap-platform.ts";
import { type Platform, type PlatformOptions, startPlatform } from "../../../src/platform/platform.ts";
import { PlatformClient } from "../../../src/platform-client/client.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { FakeProber } from "../../support/platform.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { makeServerCertificate } from "../../support/server-certificate.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let log: RecordingLog;
beforeEach(async () => {
  workspace = await Workspace.open("listen");
  log = new RecordingLog();
});
afterEach(() => workspace.close());

async function start(more: Partial<PlatformOptions> = {}): Promise<Platform> {
  const platform = await startPlatform({
    ...{ dataDir: workspace.join("data"), env: {}, log, prober: new FakeProber() },
    listen: { hostname: "127.0.0.1", port: 0 },
    ...more,
  });
  workspace.defer(() => platform.close(1000));
  return platform;
}

/** A platform whose files are `live.crt` and `live.key`; `put` replaces them as a renewal does. */
async function withTls() {
  const first = await makeServerCertificate(workspace, "first");
  const files = { cert: workspace.join("live.crt"), key: workspace.join("live.key") };
  const put = async (cert: string, key: string) => {
    for (const [from, to] of [
      [cert, files.cert],
      [key, files.key],
    ] as const) {
      await copyFile(from, `${to}.new`);
      await rename(`${to}.new`, to);
    }
  };
  await put(first.certFile, first.keyFile);
  return { first, put, platform: await start({ tls: files }) };
}

/** Common name of the certificate that new connections see, or why there is none. */
function presented(port: number, maxVersion: "TLSv1.1" | "TLSv1.2" | "TLSv1.3" = "TLSv1.3"): Promise<string> {
  return new Promise((resolve) => {
    const versions = { maxVersion, ...(maxVersion === "TLSv1.1" && { minVersion: "TLSv1" as const }) };
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...versions }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", (error: Error) => resolve(error.message));
  });
}

const insecure = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers, tls: { rejectUnauthorized: false } });

describe("with a certificate of its own", () => {
  test("the platform speaks TLS 1.2 and 1.3, says https, and browsers are told to stay with it", async () => {
    const { platform } = await withTls();
    expect(platform.url).toBe(`https://127.0.0.1:${platform.port}`);
    expect(await presented(platform.port)).toBe("first");
    expect(await presented(platform.port, "TLSv1.2")).toBe("first");
    expect(await presented(platform.port, "TLSv1.1")).toContain("PROTOCOL_VERSION");
    const answer = await insecure(`${platform.url}/api/status`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("strict-transport-security")).toStartWith("max-age=");
  });

  test("a renewed certificate is taken, and what is open goes on", async () => {
    const { platform, put } = await withTls();
    const made = await bootstrapPlatform({
      ...{ dataDir: workspace.join("data"), env: {}, log: silentLogger },
      ...{ email: "root@example.com", organisation: "Acme" },
    });
    const events = await insecure(`${platform.url}/api/v1/events`, { authorization: `Bearer ${made.token}` });
    const reader = events.body?.getReader();
    let heard = "";
    const hear = async (words: string) => {
      while (!heard.includes(words)) heard += new TextDecoder().decode((await reader?.read())?.value);
    };
    await hear("event: snapshot");
    const second = await makeServerCertificate(workspace, "second");
    await put(second.certFile, second.keyFile);
    process.emit("SIGHUP", "SIGHUP");
    await log.next("Took a new TLS certificate");
    expect(await Promise.all([1, 2, 3, 4, 5, 6].map(() => presented(platform.port)))).toEqual(
      Array(6).fill("second"),
    );
    const order = (path: string, body: object) => {
      const headers = { authorization: `Bearer ${made.token}`, "content-type": "application/json" };
      const tls = { rejectUnauthorized: false };
      return fetch(`${platform.url}/api${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        tls,
      });
    };
    const { id } = Object(await (await order("/v3/gateways", { name: "office" })).json());
    await order(`/v3/gateways/${id}/revoke`, {});
    await hear("event: gateway.revoked");
    await reader?.cancel();
  });

  test("without SIGHUP the files are noticed as well", async () => {
    const { platform, put } = await withTls();
    const second = await makeServerCertificate(workspace, "second");
    await put(second.certFile, second.keyFile);
    await log.next("Took a new TLS certificate");
    expect(await presented(platform.port)).toBe("second");
  }, 20_000);

  test("bad files change nothing and are logged, at the start they are refused", async () => {
    const { platform, put, first } = await withTls();
    const other = await makeServerCertificate(workspace, "other");
    const rubbish = await workspace.file("rubbish", "-----BEGIN CERTIFICATE-----\nno\n");
    const pairs = [
      [rubbish, first.keyFile],
      [first.certFile, rubbish],
      [first.certFile, other.keyFile],
    ] as const;
    for (const [i, [cert, key]] of pairs.entries()) {
      await put(cert, key);
      process.emit("SIGHUP", "SIGHUP");
      await log.next("The new TLS files cannot be used; the old certificate stays", i);
      expect(await presented(platform.port)).toBe("first");
    }
    for (const [cert, key] of [...pairs, [workspace.join("none"), first.keyFile]] as const) {
      await expect(start({ dataDir: workspace.join("two"), tls: { cert, key } })).rejects.toMatchObject({
        code: expect.stringMatching(/^(CONFIG_INVALID|FILE_UNREADABLE)$/),
        message: expect.not.stringContaining("BEGIN"),
      });
    }
  });

  test("a port that another platform has is not shared with it", async () => {
    const { platform, first } = await withTls();
    const tls = { cert: first.certFile, key: first.keyFile };
    const listen = { hostname: "127.0.0.1", port: platform.port };
    await expect(start({ dataDir: workspace.join("two"), listen, tls })).rejects.toMatchObject({
      code: "PORT_IN_USE",
    });
    expect(await presented(platform.port)).toBe("first");
  });
});

describe("behind a proxy", () => {
  const forwarded = { "x-forwarded-for": "192.0.2.66, 198.51.100.1", "x-forwarded-proto": "https" };
  const publicUrl = "https://sallyport.example.com";

  test("HSTS goes out over https only, and only a trusted proxy's word makes it so", async () => {
    const platform = await start({ publicUrl, trustedProxies: ["127.0.0.0/8"] });
    const hsts = async (headers: Record<string, string>, port = platform.port) =>
      (await fetch(`http://127.0.0.1:${port}/api/status`, { headers })).headers.get(
        "strict-transport-security",
      );
    expect(await hsts(forwarded)).toStartWith("max-age=");
    expect(await hsts({ ...forwarded, "x-forwarded-proto": "http" })).toBeNull();
    expect(await hsts({})).toBeNull();
    const alone = await start({ dataDir: workspace.join("two"), publicUrl });
    expect(await hsts(forwarded, alone.port)).toBeNull();
  });

  test("limits and the audit log go by the address that the trusted proxy saw", async () => {
    const made = await bootstrapPlatform({
      ...{ dataDir: workspace.join("data"), env: {}, log: silentLogger },
      ...{ email: "root@example.com", organisation: "Acme" },
    });
    const platform = await start({ publicUrl, trustedProxies: ["127.0.0.1"] });
    const attempt = (address: string) =>
      fetch(`http://127.0.0.1:${platform.port}/api/v3/gateways/login`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-forwarded-for": `192.0.2.66, ${address}` },
        body: JSON.stringify({ method: "token", token: "gwe_wrong" }),
      });
    for (let i = 0; i < 10; i++) expect((await attempt("198.51.100.1")).status).toBe(400);
    expect((await attempt("198.51.100.1")).status).toBe(429);
    expect((await attempt("198.51.100.2")).status).toBe(400);
    await fetch(`http://127.0.0.1:${platform.port}/api/v3/gateways`, {
      method: "POST",
      headers: { ...forwarded, authorization: `Bearer ${made.token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "office" }),
    });
    const audit = await fetch(`http://127.0.0.1:${platform.port}/api/v1/audit`, {
      headers: { authorization: `Bearer ${made.token}` },
    });
    expect(await audit.text()).toContain("198.51.100.1");
  });

  test("B11 on this machine, but for people elsewhere, nobody makes it dial this machine", async () => {
    const made = await bootstrapPlatform({
      ...{ dataDir: workspace.join("data"), env: {}, log: silentLogger },
      ...{ email: "root@example.com", organisation: "Acme" },
    });
    const relayOn = async (platform: Platform, name: string) =>
      (
        await fetch(`http://127.0.0.1:${platform.port}/api/v2/relays`, {
          method: "POST",
          headers: { authorization: `Bearer ${made.token}`, "content-type": "application/json" },
          body: JSON.stringify({ name, host: "127.0.0.1" }),
        })
      ).status;
    expect(await relayOn(await start({ publicUrl }), "one")).toBe(400);
    expect(await relayOn(await start({ trustedProxies: ["127.0.0.1"] }), "two")).toBe(400);
    expect(await relayOn(await start(), "three")).toBe(200);
  });
});

describe("O4 an orderly end", () => {
  test("event streams end, no connection is taken, and what is idle is closed", async () => {
    const made = await bootstrapPlatform({
      ...{ dataDir: workspace.join("data"), env: {}, log: silentLogger },
      ...{ email: "root@example.com", organisation: "Acme" },
    });
    const platform = await start();
    const idle = connectTcp(platform.port, "127.0.0.1");
    idle.write("GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise<void>((resolve) => idle.once("data", () => resolve()));
    const events = await fetch(`${platform.url}/api/v1/events`, {
      headers: { authorization: `Bearer ${made.token}` },
    });
    const whole = events.text();
    await platform.close();
    expect(await whole).toContain(": hello");
    await until(() => idle.closed);
    const client = new PlatformClient({ domain: platform.url, token: () => made.token, timeoutMs: 1000 });
    await expect(client.relays.list()).rejects.toMatchObject({ code: "PLATFORM_UNREACHABLE" });
  });
});
