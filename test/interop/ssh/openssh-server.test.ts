import { afterAll, expect, test } from "bun:test";
import { SshAuthority } from "../../../src/pki/ssh-authority.ts";
import { generateSshKey, type SshKeyAlgorithm } from "../../../src/pki/ssh-keys.ts";
import { SshWriter } from "../../../src/pki/ssh-wire.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import type { SshConnection } from "../../../src/tunnel/ssh/connection.ts";
import { type DialOptions, dialSsh } from "../../../src/tunnel/ssh/dial.ts";
import { WindowBudget } from "../../../src/tunnel/ssh/window.ts";
import { currentUser, importKey } from "../../support/openssh.ts";
import { issueIdentity, type TestIdentity } from "../../support/ssh-pair.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { StreamProbe } from "../../support/stream-probe.ts";
import { Workspace } from "../../support/workspace.ts";

const ALGORITHMS: SshKeyAlgorithm[] = ["ed25519", "ecdsa-p256", "rsa-2048"];
const HOST = "127.0.0.1";
const PRINCIPAL = "relay.test:2222";

const workspace = await Workspace.open("openssh-server");
const username = await currentUser();
const userAuthority = await SshAuthority.generate();
const hostAuthority = await SshAuthority.generate();
const user = await issueIdentity(userAuthority, "user", {
  principals: [username],
  extensions: { "permit-port-forwarding": "" },
});
const echoServer = Bun.listen({
  hostname: HOST,
  port: 0,
  allowHalfOpen: true,
  socket: loopbackEcho(),
});

afterAll(async () => {
  echoServer.stop(true);
  await workspace.close();
});

let count = 0;

async function sshd(
  identity: TestIdentity,
  settings: string[] = [],
  authorities = [userAuthority],
): Promise<Sshd> {
  const name = `host-${++count}`;
  const { privateKey, certificate } = identity;
  const hostKey = await importKey(workspace, name, { privateKey, publicLine: certificate, certificate });
  return startSshd(workspace, {
    hostKey,
    hostCertificate: `${hostKey.path}-cert.pub`,
    userAuthorities: authorities.map(({ publicLine }) => publicLine),
    settings,
  });
}

function dial(server: Sshd, o: Partial<DialOptions> = {}): Promise<SshConnection> {
  return dialSsh({
    host: HOST,
    port: server.port,
    username,
    identity: user,
    hostAuthorities: [hostAuthority.publicBlob],
    hostPrincipal: PRINCIPAL,
    onChannel: (request) => request.reject(1, "none"),
    budget: new WindowBudget(),
    log: silentLogger,
    ...o,
  });
}

function codeOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => "connected",
    (error: unknown) => error,
  );
}

for (const authorityAlgorithm of ALGORITHMS) {
  for (const keyAlgorithm of ALGORITHMS) {
    test(`we log in at sshd: ${authorityAlgorithm} authorities, ${keyAlgorithm} user and host keys`, async () => {
      const [users, hosts] = await Promise.all([
        SshAuthority.generate(authorityAlgorithm),
        SshAuthority.generate(authorityAlgorithm),
      ]);
      const identity = await issueIdentity(users, "user", {
        algorithm: keyAlgorithm,
        principals: [username],
      });
      const host = await issueIdentity(hosts, "host", {
        algorithm: keyAlgorithm,
        principals: ["other:1", PRINCIPAL],
      });
      const server = await sshd(host, [], [users]);
      const connection = await dial(server, { identity, hostAuthorities: [hosts.publicBlob] });
      expect(connection.peerIdent).toContain("OpenSSH");
      expect(connection.peerCertificate.principals).toContain(PRINCIPAL);
      connection.disconnect(11, "done");
    });
  }
}

test("a host certificate of another authority, for another name, or outside its time is refused", async () => {
  const other = await SshAuthority.generate();
  const past = new Date(Date.now() - 1000);
  const future = new Date(Date.now() + 60_000);
  const cases: [string, TestIdentity][] = [
    ["authority that is not trusted", await issueIdentity(other, "host")],
    [
      "is not one of its principals",
      await issueIdentity(hostAuthority, "host", { principals: ["relay.test"] }),
    ],
    ["it names no principal", await issueIdentity(hostAuthority, "host", { principals: [] })],
    ["it has expired", await issueIdentity(hostAuthority, "host", { validBefore: past })],
    ["not valid yet", await issueIdentity(hostAuthority, "host", { validAfter: future })],
    ["critical option", await issueIdentity(hostAuthority, "host", { criticalOptions: { unknown: "x" } })],
  ];
  for (const [rule, identity] of cases) {
    const error = await codeOf(dial(await sshd(identity)));
    expect(error).toMatchObject({ code: "HOST_CERTIFICATE_REFUSED", message: expect.stringContaining(rule) });
  }
});

test("a plain host key is refused", async () => {
  const { privateKey, publicLine } = await generateSshKey();
  const hostKey = await importKey(workspace, "plain", { privateKey, publicLine });
  const server = await startSshd(workspace, { hostKey, userAuthorities: [userAuthority.publicLine] });
  expect(await codeOf(dial(server))).toMatchObject({ code: "HOST_CERTIFICATE_REFUSED" });
});

test("a login that sshd refuses is SSH_AUTHENTICATION_FAILED", async () => {
  const server = await sshd(await issueIdentity(hostAuthority, "host"));
  const foreign = await issueIdentity(await SshAuthority.generate(), "user", { principals: [username] });
  expect(await codeOf(dial(server, { identity: foreign }))).toMatchObject({
    code: "SSH_AUTHENTICATION_FAILED",
  });
});

test("nobody there, a deadline and a cancelled attempt say what happened", async () => {
  const silent = Bun.listen({ hostname: HOST, port: 0, socket: { data() {} } });
  workspace.defer(() => silent.stop(true));
  const base = { close: async () => {}, process: null as never };
  expect(await codeOf(dial({ ...base, port: 1 }))).toMatchObject({ code: "RELAY_UNREACHABLE" });
  expect(await codeOf(dial({ ...base, port: silent.port }, { timeoutMs: 50 }))).toMatchObject({
    code: "TIMEOUT",
  });
  const signal = AbortSignal.timeout(50);
  expect(await codeOf(dial({ ...base, port: silent.port }, { signal }))).toMatchObject({
    code: "RELAY_UNREACHABLE",
  });
});

for (const settings of [
  [],
  ["Ciphers aes128-ctr", "MACs hmac-sha2-256", "KexAlgorithms diffie-hellman-group14-sha256"],
  ["RekeyLimit 4M"],
]) {
  test(`50 MB to a target behind sshd and back, half-closed: ${settings.join(", ") || "as it is"}`, async () => {
    const server = await sshd(await issueIdentity(hostAuthority, "host"), settings);
    const connection = await dial(server);
    const probe = new StreamProbe(
      await connection.openChannel("direct-tcpip", directTcpip(HOST, echoServer.port)),
    );
    const sent = await probe.send(50 * 1024 * 1024);
    probe.stream.end();
    expect(await probe.closed).toBeNull();
    expect(probe.received).toBe(50 * 1024 * 1024);
    expect(probe.hash.digest("hex")).toBe(sent);
    connection.disconnect(11, "done");
  });
}

test("we rekey every 4 MB with sshd, under load", async () => {
  const server = await sshd(await issueIdentity(hostAuthority, "host"));
  const connection = await dial(server, { limits: { rekeyBytes: 4 * 1024 * 1024 } });
  const probe = new StreamProbe(
    await connection.openChannel("direct-tcpip", directTcpip(HOST, echoServer.port)),
  );
  const sent = await probe.send(24 * 1024 * 1024);
  probe.stream.end();
  expect(await probe.closed).toBeNull();
  expect(probe.hash.digest("hex")).toBe(sent);
  connection.disconnect(11, "done");
});

test("a target that refuses is a refused channel with reason 2", async () => {
  const connection = await dial(await sshd(await issueIdentity(hostAuthority, "host")));
  const refusal = await codeOf(connection.openChannel("direct-tcpip", directTcpip(HOST, 1)));
  expect(refusal).toMatchObject({ code: "GATEWAY_BUSY", reason: 2 });
  connection.disconnect(11, "done");
});

function directTcpip(host: string, port: number): Buffer {
  return new SshWriter().string(host).uint32(port).string("127.0.0.1").uint32(1).toBuffer();
}

/** What the socket did not take waits in `data`. */
function loopbackEcho(): Bun.SocketHandler<Buffer[] | undefined> {
  const flush = (socket: Bun.Socket<Buffer[] | undefined>) => {
    const queue = socket.data ?? [];
    for (let head = queue.shift(); head; head = queue.shift()) {
      const sent = Math.max(0, socket.write(head));
      if (sent === head.length) continue;
      queue.unshift(head.subarray(sent));
      return;
    }
    if (ended.has(socket)) socket.shutdown();
  };
  const ended = new Set<Bun.Socket<Buffer[] | undefined>>();
  return {
    open(socket) {
      socket.data = [];
    },
    data(socket, chunk) {
      socket.data?.push(chunk);
      flush(socket);
    },
    drain: flush,
    end(socket) {
      ended.add(socket);
      flush(socket);
    },
    close: (socket) => void ended.delete(socket),
  };
}
