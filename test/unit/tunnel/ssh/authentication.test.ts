import { expect, test } from "bun:test";
import { SshAuthority } from "../../../../src/pki/ssh-authority.ts";
import { generateSshKey } from "../../../../src/pki/ssh-keys.ts";
import { readSshPrivateKey } from "../../../../src/pki/ssh-private-key.ts";
import { SshReader, SshWriter } from "../../../../src/pki/ssh-wire.ts";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import type { AdmissionTicket } from "../../../../src/tunnel/admission.ts";
import { MESSAGE } from "../../../../src/tunnel/ssh/messages.ts";
import { FakeTimers, turns } from "../../../support/fake-timers.ts";
import {
  certificateOf,
  connectedPair,
  GATEWAY_ID,
  issueIdentity,
  type PairOptions,
  startPair,
  type TestIdentity,
  userAuthority,
} from "../../../support/ssh-pair.ts";
import { until } from "../../../support/until.ts";

const user = await issueIdentity(userAuthority, "user");
const rsaUser = await issueIdentity(userAuthority, "user", { algorithm: "rsa-2048" });

interface Login {
  /** Message numbers that the server answered with. */
  answers: number[];
  payloads: Buffer[];
  /** How the server's end went. */
  error: SallyportError | null | undefined;
  send(payload: Buffer): Promise<void>;
  request(identity: TestIdentity, o?: RequestOptions): Promise<void>;
}

interface RequestOptions {
  username?: string;
  algorithm?: string;
  /** Signs the request; by default the key of the identity. */
  signWith?: TestIdentity;
  format?: string;
  unsigned?: boolean;
}

/** A client that has exchanged keys and got the authentication service; from there on the test says what it sends. */
async function startLogin(o: PairOptions = {}): Promise<Login> {
  const pair = startPair(o);
  pair.client.catch(() => null);
  const { clientTransport: transport } = pair;
  const login: Login = {
    answers: [],
    payloads: [],
    error: undefined,
    async send(payload) {
      transport.send(payload);
      await turns();
    },
    async request(identity, r = {}) {
      const certificate = certificateOf(identity);
      const head = new SshWriter()
        .byte(MESSAGE.userauthRequest)
        .string(r.username ?? GATEWAY_ID)
        .string("ssh-connection")
        .string("publickey")
        .boolean(!r.unsigned)
        .string(r.algorithm ?? certificate.type)
        .string(certificate.blob)
        .toBuffer();
      if (r.unsigned) return login.send(head);
      const covered = new SshWriter().string(transport.sessionId).raw(head).toBuffer();
      const signature = readSshPrivateKey((r.signWith ?? identity).privateKey).sign(covered, r.format);
      await login.send(new SshWriter().raw(head).string(signature).toBuffer());
    },
  };
  const ready = Promise.withResolvers<void>();
  transport.events = {
    message(type, payload) {
      login.answers.push(type);
      login.payloads.push(Buffer.from(payload));
      ready.resolve();
    },
    keysChanged: () => transport.send(new SshWriter().byte(5).string("ssh-userauth").toBuffer()),
    room() {},
    heard() {},
    closed: (error) => {
      login.error = error;
      ready.resolve();
    },
  };
  await ready.promise;
  login.answers.length = 0;
  login.payloads.length = 0;
  return login;
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

const method = (name: string) =>
  new SshWriter().byte(50).string(GATEWAY_ID).string("ssh-connection").string(name).toBuffer();

test("none, then a query, then the signed request: FAILURE, PK_OK with the same bytes, SUCCESS", async () => {
  const login = await startLogin();
  await login.send(method("none"));
  await login.request(user, { unsigned: true });
  await login.request(user);
  expect(login.answers).toEqual([MESSAGE.userauthFailure, MESSAGE.userauthPkOk, MESSAGE.userauthSuccess]);
  const failure = new SshReader(login.payloads[0] ?? Buffer.alloc(0), 1);
  expect([failure.latin1(), failure.boolean()]).toEqual(["publickey", false]);
  const { type, blob } = certificateOf(user);
  expect(login.payloads[1]).toEqual(new SshWriter().byte(60).string(type).string(blob).toBuffer());
});

test("an RSA certificate is announced as rsa-sha2-*, and PK_OK repeats that name", async () => {
  for (const [algorithm, format] of [
    ["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-512"],
    ["rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-256"],
  ] as const) {
    const login = await startLogin();
    await login.request(rsaUser, { algorithm, unsigned: true });
    expect(new SshReader(login.payloads[0] ?? Buffer.alloc(0), 1).latin1()).toBe(algorithm);
    await login.request(rsaUser, { algorithm, format });
    expect(login.answers).toEqual([MESSAGE.userauthPkOk, MESSAGE.userauthSuccess]);
  }
});

test("B2 SHA-1 and a signature format that does not fit the announced algorithm are refused", async () => {
  const login = await startLogin({ limits: { authTries: 9 } });
  await login.request(rsaUser, { algorithm: "ssh-rsa-cert-v01@openssh.com" });
  await login.request(rsaUser, { algorithm: "rsa-sha2-256-cert-v01@openssh.com", format: "rsa-sha2-512" });
  await login.request(rsaUser, { algorithm: "ssh-ed25519-cert-v01@openssh.com" });
  await login.request(user, { algorithm: "ssh-ed25519" });
  expect(login.answers).toEqual(Array(4).fill(MESSAGE.userauthFailure));
});

test("the first none is free, three refusals end the connection", async () => {
  const login = await startLogin();
  await login.send(method("none"));
  await login.send(method("none"));
  await login.send(method("password"));
  expect(login.error).toBeUndefined();
  await login.send(method("keyboard-interactive"));
  expect(login.answers).toEqual(Array(4).fill(MESSAGE.userauthFailure));
  expect(login.error).toMatchObject({ reason: 14 });
});

test("queries without end are cut", async () => {
  const login = await startLogin();
  for (let i = 0; i < 25; i++) await login.request(user, { unsigned: true });
  expect(login.answers).toHaveLength(20);
  expect(login.error).toMatchObject({ code: "SSH_DISCONNECTED" });
});

test("B10 who somebody is follows from the key that signed, not from one that was asked about", async () => {
  const seen: string[] = [];
  const other = await issueIdentity(userAuthority, "user", { principals: ["victim"] });
  const login = await startLogin({
    authorize: (username, certificate) => seen.push(`${username} ${certificate.principals.join()}`),
  });
  await login.request(other, { username: "victim", unsigned: true });
  expect(seen).toEqual([]);
  await login.request(other, { username: "victim", signWith: user });
  await login.request(other, { username: GATEWAY_ID });
  expect(seen).toEqual([]);
  await login.request(user);
  expect(seen).toEqual([`${GATEWAY_ID} ${GATEWAY_ID}`]);
  expect(login.answers).toEqual([60, 51, 51, 52]);
});

test("B10 a request signed for another session is refused", async () => {
  const first = await startLogin();
  const second = await startLogin();
  let recorded: Buffer | null = null;
  const send = first.send;
  first.send = async (payload) => {
    recorded = payload;
    await send(payload);
  };
  await first.request(user);
  expect(first.answers).toEqual([MESSAGE.userauthSuccess]);
  await second.send(recorded ?? Buffer.alloc(0));
  expect(second.answers).toEqual([MESSAGE.userauthFailure]);
});

test("B10 nothing but authentication is taken before authentication", async () => {
  for (const type of [
    6, 51, 52, 60, 80, 81, 82, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 192, 30, 31, 255,
  ]) {
    const login = await startLogin({ onServerChannel: () => expect.unreachable() });
    await login.send(Buffer.concat([Buffer.of(type), Buffer.alloc(40)]));
    expect(login.error).toMatchObject({ code: "SSH_DISCONNECTED", reason: 2 });
  }
});

test("authentication requests before the service was accepted, or for another service, end the connection", async () => {
  const pair = startPair();
  pair.client.catch(() => null);
  const end = Promise.withResolvers<SallyportError | null>();
  pair.clientTransport.events = {
    message() {},
    keysChanged: () => pair.clientTransport.send(method("none")),
    room() {},
    heard() {},
    closed: end.resolve,
  };
  expect(await end.promise).toMatchObject({ reason: 2 });
});

test("requests after the one that succeeded are passed over", async () => {
  const { clientTransport, client, server } = await connectedPair({ onChannel: (r) => void r.accept() });
  clientTransport.send(method("none"));
  clientTransport.send(method("password"));
  await server.openChannel("x", Buffer.alloc(0));
  client.disconnect(11, "done");
});

test("B2 the username must be one of the principals, byte for byte", async () => {
  for (const principals of [
    [],
    ["Victim"],
    ["victim "],
    ["victim\0"],
    ["vic", "tim"],
    ["*"],
    ["victim,x"],
    [""],
  ]) {
    const login = await startLogin();
    await login.request(await issueIdentity(userAuthority, "user", { principals }), { username: "victim" });
    expect(login.answers).toEqual([MESSAGE.userauthFailure]);
  }
  const empty = await startLogin();
  await empty.request(await issueIdentity(userAuthority, "user", { principals: [""] }), { username: "" });
  expect(empty.answers).toEqual([MESSAGE.userauthFailure]);
});

test("B2 source-address is enforced, every other critical option refused, unknown extensions ignored", async () => {
  const login = async (o: Parameters<typeof issueIdentity>[2]) => {
    const attempt = await startLogin();
    await attempt.request(await issueIdentity(userAuthority, "user", o));
    return attempt.answers[0] === MESSAGE.userauthSuccess;
  };
  const source = (list: string) => login({ criticalOptions: { "source-address": list } });
  expect(await source("192.0.2.0/24")).toBe(true);
  expect(await source("10.0.0.0/8,192.0.2.7,2001:db8::/32")).toBe(true);
  for (const list of [
    "10.0.0.0/8",
    "192.0.2.8",
    "*",
    "192.0.2.7/33",
    "192.0.2.0/24,!192.0.2.7",
    "",
    "192.0.2.7/",
  ]) {
    expect(await source(list)).toBe(false);
  }
  expect(await login({ criticalOptions: { "force-command": "true" } })).toBe(false);
  expect(await login({ criticalOptions: { "verify-required": "" } })).toBe(false);
  expect(await login({ extensions: { "unknown@example.com": "value" } })).toBe(true);
});

test("a refused login earns the address its penalty, unless the gateway was merely revoked", async () => {
  const calls: string[] = [];
  const ticket: AdmissionTicket = {
    progress: () => void calls.push("progress"),
    authenticated: () => void calls.push("authenticated"),
    failed: () => void calls.push("failed"),
    close: () => void calls.push("close"),
  };
  const refusedWith = async (code: "CERTIFICATE_REFUSED" | "GATEWAY_REVOKED") => {
    calls.length = 0;
    const authorize = () => {
      throw new SallyportError(code, "Not you.");
    };
    expect(await failureOf(startPair({ authorize, ticket }).client)).toMatchObject({
      code: "SSH_AUTHENTICATION_FAILED",
    });
    await until(() => calls.includes("close"));
    return calls;
  };
  expect(await refusedWith("CERTIFICATE_REFUSED")).toEqual(["progress", "progress", "failed", "close"]);
  expect(await refusedWith("GATEWAY_REVOKED")).toEqual(["progress", "progress", "close"]);
  calls.length = 0;
  const { client } = await connectedPair({ ticket });
  expect(calls).toEqual(["progress", "progress", "authenticated"]);
  client.disconnect(11, "done");
  await until(() => calls.includes("close"));
});

test("B5 a login that is not over within its grace is cut, wherever it stopped", async () => {
  const timers = new FakeTimers();
  const silent = startPair({ timers });
  silent.client.catch(() => null);
  silent.clientSocket.stall();
  const login = startLogin({ timers });
  await turns();
  await timers.advance(9_900);
  expect([silent.serverTransport.closed, (await login).error]).toEqual([false, undefined]);
  await timers.advance(200);
  expect(silent.serverTransport.closed).toBe(true);
  expect((await login).error).toMatchObject({ peerReason: "the login took too long" });
});

test("the client does not log in at a server that skips authentication steps", async () => {
  for (const type of [
    MESSAGE.userauthSuccess,
    MESSAGE.userauthPkOk,
    MESSAGE.globalRequest,
    MESSAGE.channelOpen,
  ]) {
    const pair = startPair();
    pair.serverTransport.events = {
      message: () => pair.serverTransport.send(Buffer.concat([Buffer.of(type), Buffer.alloc(20)])),
      keysChanged() {},
      room() {},
      heard() {},
      closed() {},
    };
    expect(await failureOf(pair.client)).toMatchObject({ code: "SSH_PROTOCOL" });
  }
});

test("an identity whose certificate belongs to another key is refused before anything is dialled", async () => {
  const { loadIdentity } = await import("../../../../src/tunnel/ssh/identity.ts");
  const { privateKey } = await generateSshKey();
  expect(() => loadIdentity({ certificate: user.certificate, privateKey })).toThrow(
    "belongs to another private key",
  );
});

test("B2 a certificate of an authority that is not trusted, of the wrong kind or outside its time is refused", async () => {
  const other = await SshAuthority.generate();
  const cases = [
    await issueIdentity(other, "user"),
    await issueIdentity(userAuthority, "host", { principals: [GATEWAY_ID] }),
    await issueIdentity(userAuthority, "user", { validBefore: new Date(Date.now() - 1000) }),
    await issueIdentity(userAuthority, "user", { validAfter: new Date(Date.now() + 60_000) }),
  ];
  for (const identity of cases) {
    const login = await startLogin();
    await login.request(identity);
    expect(login.answers).toEqual([MESSAGE.userauthFailure]);
  }
});
