import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { readClientDirectory, readGatewayDirectory } from "../../src/pki/directory.ts";
import { parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import type { SshConnection } from "../../src/tunnel/ssh/connection.ts";
import { dialSsh } from "../../src/tunnel/ssh/dial.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import { dialOuterTls } from "../../src/tunnel/tls/outer-client.ts";
import { echo, Inbox } from "../support/byte-stream.ts";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let relay: RunningProcess;
let ports: { sshPort: number; tlsPort: number };

beforeAll(async () => {
  workspace = await Workspace.open("relay-daemon");
  await ca("init", "--org", "acme");
  await ca("issue", "relay", "relay-1", "--host", "127.0.0.1", "--out", workspace.join("relay"));
  await ca("issue", "gateway", "gw-1", "--relay-host", "127.0.0.1", "--out", workspace.join("gateway"));
  await ca(
    "issue",
    "client",
    "--gateway",
    "gw-1",
    "--target",
    "127.0.0.1:1",
    "--out",
    workspace.join("client"),
  );
});

afterAll(() => workspace.close());

async function ca(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await runProduct(["ca", ...args, "--dir", workspace.join("ca")], {
    home: workspace.path,
  });
  if (exitCode !== 0) throw new Error(stderr);
}

function relayArguments(sshPort = 0, tlsPort = 0): string[] {
  const listen = ["--listen", "127.0.0.1", "--ssh-port", String(sshPort), "--tls-port", String(tlsPort)];
  return [
    "relay",
    "start",
    "--pki",
    workspace.join("relay"),
    ...listen,
    "--log-format",
    "json",
    "--limit",
    "advice-ms=100",
  ];
}

async function startRelay(): Promise<void> {
  relay = startProduct(relayArguments(), { home: workspace.path });
  ports = JSON.parse(await relay.waitForLog("Relay server started successfully"));
}

/** A gateway that echoes, from its directory of `ca issue gateway`. */
async function gateway(): Promise<SshConnection> {
  const { gatewayId, relays } = await readGatewayDirectory(workspace.join("gateway"));
  const [own] = relays;
  if (!own) throw new Error("no relay in the directory");
  const session = await dialSsh({
    host: own.host,
    port: ports.sshPort,
    username: gatewayId,
    identity: own.ssh,
    hostAuthorities: own.hostAuthorities.map(parseSshPublicKey),
    hostPrincipal: `${own.host}:${own.sshPort}`,
    onChannel: (request) => echo(request.accept()),
    budget: new WindowBudget(),
    log: silentLogger,
  });
  return session;
}

async function client(): Promise<Inbox> {
  const { relayHost, relay: identity } = await readClientDirectory(workspace.join("client"));
  const { stream } = await dialOuterTls({
    host: relayHost,
    port: ports.tlsPort,
    identity,
    timeoutMs: 20_000,
  });
  return new Inbox(stream);
}

describe("a relay process", () => {
  beforeEach(startRelay);
  afterEach(() => relay.close());

  test("O4 drains on SIGTERM and exits 0", async () => {
    const session = await gateway();
    const over = new Promise((resolve) => session.onClosed(resolve));
    const open = await client();
    open.write("before");
    expect(await open.until(9)).toBe("OK\nbefore");
    relay.signal("SIGTERM");
    await relay.waitForLog("Shutting down");
    open.write(" and after");
    expect(await open.until(19)).toBe("OK\nbefore and after");
    open.stream.end();
    expect(await open.closed).toBeNull();
    expect(String(await over)).toContain("draining");
    expect(await relay.exited).toBe(0);
  });

  test("O4 exits at once on a second signal", async () => {
    await gateway();
    const open = await client();
    await open.until(3);
    relay.signal("SIGTERM");
    await relay.waitForLog("Shutting down");
    await relay.signalAgain("SIGTERM");
    expect(await relay.exited).toBe(143);
  });

  test("a port in use is one sentence and exit code 1", async () => {
    const elsewhere = await workspace.directory("elsewhere");
    const second = await runProduct(relayArguments(ports.sshPort), { home: elsewhere });
    expect(second).toMatchObject({ exitCode: 1, stdout: "" });
    expect(second.stderr).toMatch(new RegExp(`^sallyport: Port ${ports.sshPort} .* \\[PORT_IN_USE\\]\n$`));
  });

  test("O5 neither its log nor its arguments hold a key", async () => {
    await gateway();
    const open = await client();
    await open.until(3);
    open.stream.destroy();
    const commandLine = await readFile(`/proc/${relay.pid}/cmdline`, "utf8");
    for (const text of [commandLine, relay.stderr.text, relay.stdout.text])
      expect(text).not.toContain("PRIVATE");
  });

  test("B11 its directory holds its own two keys and nothing of a gateway's", async () => {
    const keyOf = (pem: string) => pem.replaceAll(/-----[^-]+-----|\s/g, "");
    const keys = async (role: string) => {
      const names = (await readdir(workspace.join(role))).filter((name) => /key(\.pem)?$/.test(name));
      return Promise.all(names.sort().map((name) => readFile(workspace.join(role, name), "utf8")));
    };
    const own = (await keys("relay")).map(keyOf);
    const all = await Promise.all(
      (await readdir(workspace.join("relay"))).map((name) => readFile(workspace.join("relay", name), "utf8")),
    );
    expect(own).toHaveLength(2);
    expect(all.join("\n").match(/BEGIN [A-Z ]*PRIVATE KEY/g)).toHaveLength(2);
    for (const key of (await keys("gateway")).map(keyOf)) expect(own).not.toContain(key);
  });

  test("O2 `ca revoke` cuts the gateway of a running relay", async () => {
    const session = await gateway();
    const over = new Promise((resolve) => session.onClosed(resolve));
    await ca("revoke", "gateway", "gw-1");
    expect(String(await over)).toContain("revoked");
    await expect(gateway()).rejects.toMatchObject({ code: "SSH_AUTHENTICATION_FAILED" });
  });
});

describe("relay start", () => {
  test.each<[string[], RegExp]>([
    [[], /Name the relay/],
    [["../x"], /is no relay name/],
    [["relay-9"], /sallyport relay enroll relay-9/],
    [["relay-9", "--ssh-port", "99999", "--domain", "http://127.0.0.1:1"], /--ssh-port/],
    [["relay-9", "--limit", "channels=none"], /The limit channels/],
    [["relay-9", "--type", "instance", "--domain", "http://127.0.0.1:1"], /SALLYPORT_RELAY_AUTH_SECRET/],
    [["--pki", "nowhere", "--domain", "http://127.0.0.1:1"], /With --pki there is no platform/],
    [["relay-2", "--pki", "relay"], /is the directory of the relay relay-1, not of "relay-2"/],
    [["--pki", "relay", "--ssh-port", "8443"], /cannot both come in on port 8443/],
    [["--pki", "relay", "--limit", "dead-after-ms=5000"], /make dead-after-ms twice keepalive-ms/],
  ])("%p ends with exit code 2 and one sentence", async (args, message) => {
    const words = args.map((word) => (word === "relay" ? workspace.join(word) : word));
    const { exitCode, stderr } = await runProduct(["relay", "start", ...words], { home: workspace.path });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(exitCode).toBe(2);
  });
});
