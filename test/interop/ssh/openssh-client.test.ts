import { afterAll, expect, test } from "bun:test";
import { SshAuthority } from "../../../src/pki/ssh-authority.ts";
import { generateSshKey, type SshKeyAlgorithm } from "../../../src/pki/ssh-keys.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import type { SshConnection } from "../../../src/tunnel/ssh/connection.ts";
import { DEFAULT_LIMITS } from "../../../src/tunnel/ssh/limits.ts";
import { type ListenOptions, listenSsh, type SshListener } from "../../../src/tunnel/ssh/listen.ts";
import { WindowBudget } from "../../../src/tunnel/ssh/window.ts";
import { echo } from "../../support/byte-stream.ts";
import { importKey, type OpenSshKey, runSsh, type SshOptions, sshCommand } from "../../support/openssh.ts";
import { type Finished, startProcess } from "../../support/processes.ts";
import { GATEWAY_ID, issueIdentity, type TestIdentity } from "../../support/ssh-pair.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

const ALGORITHMS: SshKeyAlgorithm[] = ["ed25519", "ecdsa-p256", "rsa-2048"];
const HOST = "127.0.0.1";

const workspace = await Workspace.open("openssh-client");
const userAuthority = await SshAuthority.generate();
const hostAuthority = await SshAuthority.generate();
const host = await issueIdentity(hostAuthority, "host", { principals: [HOST] });
const user = await opensshKey("user", await issueIdentity(userAuthority, "user"));

afterAll(() => workspace.close());

/** An identity of ours as files of OpenSSH's. */
async function opensshKey(name: string, identity: TestIdentity): Promise<OpenSshKey> {
  const publicLine = identity.certificate;
  return importKey(workspace, name, { privateKey: identity.privateKey, publicLine, certificate: publicLine });
}

interface Server extends SshListener {
  opened: SshConnection[];
  ended: (SallyportError | null)[];
}

async function serve(o: Partial<ListenOptions> = {}): Promise<Server> {
  const opened: SshConnection[] = [];
  const ended: (SallyportError | null)[] = [];
  const listener = await listenSsh({
    hostname: HOST,
    port: 0,
    hostIdentities: () => [host],
    userAuthorities: () => [userAuthority.publicBlob],
    authorize() {},
    onSession(session) {
      opened.push(session);
      session.onClosed((error) => ended.push(error));
    },
    onChannel: (_, request) => echo(request.accept()),
    budget: new WindowBudget(),
    log: silentLogger,
    ...o,
  });
  workspace.own(listener);
  return { ...listener, opened, ended };
}

/** `ssh -W`: a direct-tcpip channel that carries stdin and stdout. */
function sshEcho(server: SshListener, o: Partial<SshOptions> & { key?: OpenSshKey } = {}): Promise<Finished> {
  return runSsh(workspace, {
    port: server.port,
    key: user,
    user: GATEWAY_ID,
    knownHosts: `@cert-authority * ${hostAuthority.publicLine}`,
    flags: ["-W", "target:1"],
    input: "hello",
    ...o,
  });
}

for (const authorityAlgorithm of ALGORITHMS) {
  for (const keyAlgorithm of ALGORITHMS) {
    test(`OpenSSH logs in: ${authorityAlgorithm} authorities, ${keyAlgorithm} user and host keys`, async () => {
      const [users, hosts] = await Promise.all([
        SshAuthority.generate(authorityAlgorithm),
        SshAuthority.generate(authorityAlgorithm),
      ]);
      const [userIdentity, hostIdentity] = await Promise.all([
        issueIdentity(users, "user", { algorithm: keyAlgorithm }),
        issueIdentity(hosts, "host", { algorithm: keyAlgorithm, principals: [HOST] }),
      ]);
      const server = await serve({
        hostIdentities: () => [hostIdentity],
        userAuthorities: () => [users.publicBlob],
      });
      const key = await opensshKey(`${authorityAlgorithm}-${keyAlgorithm}`, userIdentity);
      const knownHosts = `@cert-authority * ${hosts.publicLine}`;
      const result = await sshEcho(server, { key, knownHosts });
      expect(result).toMatchObject({ exitCode: 0, stdout: "hello" });
      expect(server.opened[0]?.username).toBe(GATEWAY_ID);
    });
  }
}

for (const settings of [
  ["KexAlgorithms=diffie-hellman-group14-sha256", "Ciphers=aes128-ctr", "MACs=hmac-sha2-256"],
  ["KexAlgorithms=ecdh-sha2-nistp256", "Ciphers=aes256-ctr", "MACs=hmac-sha2-512-etm@openssh.com"],
  ["KexAlgorithms=curve25519-sha256", "Ciphers=aes192-ctr", "MACs=hmac-sha2-256-etm@openssh.com"],
  ["KexAlgorithms=curve25519-sha256@libssh.org", "Ciphers=aes256-gcm@openssh.com"],
]) {
  test(`OpenSSH logs in and rekeys with ${settings.join(" ")}`, async () => {
    const server = await serve();
    expect(await throughOpenSsh(server, 6, [...settings, "RekeyLimit=1M"])).toBe("whole");
    await until(() => server.ended.length === 1);
  });
}

test("OpenSSH is neither told of data in clear nor sent any, whatever the channels carry", async () => {
  const server = await serve({ channelsAreTls: true });
  const input = Buffer.alloc(500_000, "a line of text\n");
  const result = await sshEcho(server, {
    input,
    settings: ["Ciphers=aes128-gcm@openssh.com"],
    flags: ["-vvv", "-W", "target:1"],
  });
  expect(result.exitCode).toBe(0);
  expect(result.stdout).toBe(input.toString());
  expect(result.stderr).toContain("receive packet: type 91");
  expect(result.stderr).not.toMatch(/clear-data|receive packet: type (80|192)/);
});

test("50 MB through OpenSSH's client with a rekey every 16 MB arrive whole", async () => {
  const server = await serve();
  expect(await throughOpenSsh(server, 50, ["RekeyLimit=16M"])).toBe("whole");
});

test("200 OpenSSH clients with Infisical's algorithms log in at once, within the grace", async () => {
  const server = await serve({ limits: { loginGraceMs: 60_000 } });
  const settings = [
    "KexAlgorithms=diffie-hellman-group14-sha256",
    "Ciphers=aes128-ctr",
    "MACs=hmac-sha2-256",
  ];
  const before = process.cpuUsage();
  const results = await Promise.all(
    Array.from({ length: 200 }, () => sshEcho(server, { settings, deadlineMs: 60_000 })),
  );
  expect(results.map(({ exitCode, stdout }) => `${exitCode} ${stdout}`)).toEqual(Array(200).fill("0 hello"));
  // What it takes of one core, of which others may have their share.
  const used = process.cpuUsage(before);
  expect((used.user + used.system) / 1000).toBeLessThan(DEFAULT_LIMITS.loginGraceMs);
});

test("OpenSSH does not trust a host certificate of another authority or for another name", async () => {
  const server = await serve();
  const other = await SshAuthority.generate();
  const foreign = await sshEcho(server, { knownHosts: `@cert-authority * ${other.publicLine}` });
  expect(foreign.exitCode).toBe(255);
  const elsewhere = await issueIdentity(hostAuthority, "host", { principals: ["elsewhere"] });
  const misnamed = await sshEcho(await serve({ hostIdentities: () => [elsewhere] }));
  expect(misnamed.exitCode).toBe(255);
  expect(misnamed.stderr).toContain("name is not a listed principal");
});

test("a raw host key is never offered", async () => {
  const server = await serve();
  const result = await sshEcho(server, { settings: ["HostKeyAlgorithms=ssh-ed25519,rsa-sha2-512"] });
  expect(result.exitCode).toBe(255);
  expect(result.stderr).toContain("no matching host key type found");
});

test("a raw user key is refused", async () => {
  const server = await serve();
  const { privateKey, publicLine } = await generateSshKey();
  const raw = await importKey(workspace, "raw", { privateKey, publicLine });
  const result = await sshEcho(server, { key: raw });
  expect(result.exitCode).toBe(255);
  expect(result.stderr).toContain("Permission denied (publickey)");
});

test("a login that the owner refuses fails, and another user's name is refused", async () => {
  const refusing = await serve({
    authorize() {
      throw new SallyportError("GATEWAY_REVOKED", "The gateway was revoked.");
    },
  });
  expect((await sshEcho(refusing)).exitCode).toBe(255);
  expect(refusing.opened).toEqual([]);
  expect((await sshEcho(await serve(), { user: "somebody-else" })).exitCode).toBe(255);
});

test("the newest host certificate is presented to the next connection", async () => {
  const expired = await issueIdentity(hostAuthority, "host", {
    principals: [HOST],
    validBefore: new Date(Date.now() - 1000),
  });
  let identities = [expired];
  const server = await serve({ hostIdentities: () => identities });
  const first = await sshEcho(server);
  expect(first.stderr).toContain("Certificate invalid: expired");
  identities = [expired, host];
  expect((await sshEcho(server)).exitCode).toBe(0);
});

test("global requests are refused but answered, and a session channel is refused", async () => {
  const server = await serve({ onChannel: (_, request) => request.reject(1, "no sessions here") });
  const forward = await sshEcho(server, {
    flags: ["-N", "-R", "0:127.0.0.1:1"],
    settings: ["ExitOnForwardFailure=yes"],
  });
  expect(forward.stderr).toContain("remote port forwarding failed");
  const session = await sshEcho(server, { flags: [], command: ["true"] });
  expect(session.exitCode).toBe(255);
  expect(session.stderr).toContain("no sessions here");
});

test("OpenSSH's keepalives are answered", async () => {
  const server = await serve();
  const words = await sshWords(server, ["ServerAliveInterval=1", "ServerAliveCountMax=1"], ["-N"]);
  const running = startProcess(words, { env: { HOME: workspace.path } });
  await until(() => server.opened.length === 1);
  // Three of its keepalives: without an answer to the first it gives up after two seconds.
  await Bun.sleep(3200);
  expect(server.ended).toEqual([]);
  running.signal("SIGTERM");
  await running.exited;
  await until(() => server.ended.length === 1);
});

function sshWords(server: SshListener, settings: string[], flags: string[]): Promise<string[]> {
  const knownHosts = `@cert-authority * ${hostAuthority.publicLine}`;
  return sshCommand(workspace, {
    port: server.port,
    key: user,
    user: GATEWAY_ID,
    knownHosts,
    flags,
    settings,
  });
}

/** Sends so many MB of text through `ssh -W` to our echo and compares what comes back; keys must have changed on the way. */
async function throughOpenSsh(server: SshListener, megabytes: number, settings: string[]): Promise<string> {
  const line = "0123456789abcde\n".repeat(65_536);
  const words = await sshWords(server, settings, ["-v", "-W", "target:1"]);
  const child = Bun.spawn(words, {
    stdin: new Blob(Array(megabytes).fill(line)),
    stdout: "pipe",
    stderr: "pipe",
    env: { HOME: workspace.path, PATH: process.env.PATH ?? "" },
  });
  const [came, complaint, exitCode] = await Promise.all([
    hashOf(child.stdout),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const sent = new Bun.CryptoHasher("sha256");
  for (let i = 0; i < megabytes; i++) sent.update(line);
  if (came !== sent.digest("hex")) return `exit ${exitCode}: ${complaint}`;
  const exchanges = complaint.match(/SSH2_MSG_NEWKEYS received/g) ?? [];
  return exchanges.length > 2 ? "whole" : "never rekeyed";
}

async function hashOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}
