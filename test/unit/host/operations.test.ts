import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { controlSocket } from "../../../src/host/control/address.ts";
import { askDaemon, reloadDaemon, setDaemonLogLevel } from "../../../src/host/control/client.ts";
import { parseMetricsAddress } from "../../../src/host/metrics-server.ts";
import { type Operable, type Operations, openOperations } from "../../../src/host/operations.ts";
import { createInstruments, type Instruments } from "../../../src/telemetry/instruments.ts";
import { createLogger } from "../../../src/telemetry/log.ts";
import { Workspace } from "../../support/workspace.ts";

const HOUR = 3_600_000;

let workspace: Workspace;
let instruments: Instruments;
let lines: string[];
let operations: Operations | undefined;

beforeEach(async () => {
  workspace = await Workspace.open("operations");
  instruments = createInstruments();
  lines = [];
});
afterEach(async () => {
  operations?.close();
  operations = undefined;
  await workspace.close();
});

const directory = () => workspace.join("run");
const socket = () => controlSocket(directory());

async function open(metrics?: { host: string; port: number }): Promise<Operations> {
  const log = createLogger({ write: (line) => lines.push(line) });
  const runtimeDirectory = directory();
  operations = await openOperations({
    role: "gateway",
    name: "edge",
    runtimeDirectory,
    metrics,
    instruments,
    log,
  });
  return operations;
}

/** A daemon whose TLS certificate ends after that share of a day. */
function daemon(lifeLeft = 0.9) {
  const now = Date.now();
  let reloads = 0;
  const operable: Operable = {
    status: () => ({
      id: "id-1",
      certificates: [
        {
          name: "tls",
          from: new Date(now - 24 * HOUR * (1 - lifeLeft)),
          until: new Date(now + 24 * HOUR * lifeLeft),
        },
      ],
      windowBudget: { used: 1, limit: 100 },
      tunnels: [{ relay: "r1", state: "up" }],
    }),
    reload: () => reloads++,
  };
  return { operable, reloads: () => reloads };
}

describe("a daemon's control socket", () => {
  test("answers from the start, and says more once the daemon is up", async () => {
    const operations = await open();
    expect(await askDaemon(socket())).toMatchObject({
      role: "gateway",
      name: "edge",
      id: null,
      state: "starting",
      pid: process.pid,
    });
    operations.running(daemon().operable);
    expect(await askDaemon(socket())).toMatchObject({
      id: "id-1",
      state: "running",
      tunnels: [{ relay: "r1", state: "up" }],
      conditions: [],
    });
    operations.draining();
    expect(await askDaemon(socket())).toMatchObject({
      state: "draining",
      conditions: [{ code: "DRAINING", severity: "info" }],
    });
  });

  test("belongs to its user alone, and is gone with the daemon", async () => {
    const operations = await open();
    expect(statSync(socket()).mode & 0o777).toBe(0o600);
    expect(statSync(directory()).mode & 0o777).toBe(0o700);
    operations.close();
    operations.close();
    expect(existsSync(socket())).toBe(false);
    await expect(askDaemon(socket())).rejects.toMatchObject({ code: "DAEMON_NOT_RUNNING", exitCode: 4 });
  });

  test("replaces a socket that a killed process left", async () => {
    await open();
    operations?.close();
    const killed = Bun.spawnSync([
      process.execPath,
      "-e",
      `Bun.listen({ unix: ${JSON.stringify(socket())}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL");`,
    ]);
    expect(killed.signalCode).toBe("SIGKILL");
    expect(existsSync(socket())).toBe(true);
    await expect(askDaemon(socket())).rejects.toMatchObject({ code: "DAEMON_NOT_RUNNING" });
    await open();
    expect(await askDaemon(socket())).toMatchObject({ name: "edge" });
  });

  test("a second daemon of the same name does not start beside the first, nor harm it", async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    expect(await askDaemon(socket())).toMatchObject({ state: "starting" });
    first.close();
  });

  test("changes the log level, and reloads as SIGHUP does", async () => {
    const operations = await open();
    const { operable, reloads } = daemon();
    operations.running(operable);
    await setDaemonLogLevel(socket(), "debug");
    expect(await askDaemon(socket())).toMatchObject({ logLevel: "debug" });
    await reloadDaemon(socket());
    expect(reloads()).toBe(1);
    process.emit("SIGHUP", "SIGHUP");
    expect(reloads()).toBe(2);
  });

  test("refuses a log level that there is not, unknown calls and long bodies", async () => {
    await open();
    const ask = (path: string, method: string, body = "") =>
      fetch(`http://control${path}`, { unix: socket(), method, ...(body ? { body } : {}) });
    expect((await ask("/log-level", "PUT", "loud")).status).toBe(400);
    expect((await ask("/log-level", "PUT", "x".repeat(10_000))).status).toBe(413);
    expect((await ask("/shutdown", "POST")).status).toBe(404);
  });
});

describe("conditions that come with time", () => {
  test("a certificate that should long have been renewed is told, with its end", async () => {
    const operations = await open();
    operations.running(daemon(0.2).operable);
    const { conditions } = await askDaemon(socket());
    expect(conditions).toMatchObject([{ code: "CERTIFICATE_EXPIRES", severity: "warning" }]);
    operations.running(daemon(-0.1).operable);
    expect((await askDaemon(socket())).conditions).toMatchObject([{ code: "CERTIFICATE_EXPIRED" }]);
    operations.running(daemon(0.9).operable);
    expect((await askDaemon(socket())).conditions).toEqual([]);
  });
});

describe("the metrics port", () => {
  test("serves metrics, nothing else, and is one of the daemon's own", async () => {
    const operations = await open({ host: "127.0.0.1", port: 0 });
    operations.running(daemon().operable);
    const { metrics } = await askDaemon(socket());
    const [port = 0] = instruments.ports;
    expect(metrics).toBe(`127.0.0.1:${port}`);
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    expect(text).toContain('sallyport_info{version="');
    expect(text).toContain('role="gateway",name="edge"} 1');
    expect(text).toMatch(/sallyport_certificate_expiry_timestamp_seconds\{certificate="tls"\} \d{10}/);
    expect(text).toContain("sallyport_window_budget_limit_bytes 100");
    expect((await fetch(`http://${metrics}/`)).status).toBe(404);
    expect((await fetch(`http://${metrics}/metrics`, { method: "POST", body: "x" })).status).not.toBe(200);
  });

  test("that is taken ends the start with the port in the message", async () => {
    const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      await expect(open({ host: "127.0.0.1", port: taken.port })).rejects.toMatchObject({
        code: "PORT_IN_USE",
        message: expect.stringContaining(String(taken.port)),
      });
      expect(existsSync(socket())).toBe(false);
    } finally {
      taken.stop(true);
    }
  });

  test.each([
    ["9464", "127.0.0.1", 9464],
    ["127.0.0.1:9464", "127.0.0.1", 9464],
    ["[::1]:9464", "::1", 9464],
    ["0.0.0.0:0", "0.0.0.0", 0],
  ])("%s means %s port %d", (text, host, port) => {
    expect(parseMetricsAddress(text)).toEqual({ host, port });
  });

  test.each(["", "localhost", "99999", "1.2.3.4:", "a b:1", "::1:9464"])("%p is refused", (text) => {
    expect(() => parseMetricsAddress(text)).toThrow("--metrics");
  });
});
