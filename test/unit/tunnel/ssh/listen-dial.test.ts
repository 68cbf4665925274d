import { afterEach, expect, test } from "bun:test";
import { silentLogger } from "../../../../src/telemetry/log.ts";
import type { AdmissionTicket } from "../../../../src/tunnel/admission.ts";
import type { SshConnection } from "../../../../src/tunnel/ssh/connection.ts";
import { type DialOptions, dialSsh } from "../../../../src/tunnel/ssh/dial.ts";
import { type ListenOptions, listenSsh, type SshListener } from "../../../../src/tunnel/ssh/listen.ts";
import { WindowBudget } from "../../../../src/tunnel/ssh/window.ts";
import { echo } from "../../../support/byte-stream.ts";
import {
  GATEWAY_ID,
  hostAuthority,
  issueIdentity,
  PRINCIPAL,
  userAuthority,
} from "../../../support/ssh-pair.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";
import { until } from "../../../support/until.ts";

const host = await issueIdentity(hostAuthority, "host");
const identity = await issueIdentity(userAuthority, "user");
const listeners: SshListener[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
});

async function listen(o: Partial<ListenOptions> = {}): Promise<SshListener> {
  const listener = await listenSsh({
    hostname: "127.0.0.1",
    port: 0,
    hostIdentities: () => [host],
    userAuthorities: () => [userAuthority.publicBlob],
    authorize() {},
    onSession() {},
    budget: new WindowBudget(),
    log: silentLogger,
    ...o,
  });
  listeners.push(listener);
  return listener;
}

function dial(port: number, o: Partial<DialOptions> = {}): Promise<SshConnection> {
  return dialSsh({
    host: "127.0.0.1",
    port,
    username: GATEWAY_ID,
    identity,
    hostAuthorities: [hostAuthority.publicBlob],
    hostPrincipal: PRINCIPAL,
    onChannel: (request) => echo(request.accept()),
    budget: new WindowBudget(),
    log: silentLogger,
    ...o,
  });
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

test.each([
  { channelsAreTls: false, rekeyBytes: 16e6 },
  { channelsAreTls: true, rekeyBytes: 20e3 },
])(
  "64 MB over loopback and back, with new keys on the way, are whole (channels are TLS: $channelsAreTls)",
  async (o) => {
    const { channelsAreTls, rekeyBytes } = o;
    const sessions: SshConnection[] = [];
    const { port } = await listen({
      onSession: (session) => sessions.push(session),
      channelsAreTls,
      limits: { rekeyBytes },
    });
    await dial(port, { channelsAreTls });
    const session = sessions[0];
    if (!session) throw new Error("no session");
    expect(session.remoteAddress).toBe("127.0.0.1");
    const probe = new StreamProbe(await session.openChannel("direct-tcpip", Buffer.alloc(0)));
    const sent = await probe.send(64 * 1024 * 1024);
    probe.stream.end();
    expect(await probe.closed).toBeNull();
    expect(probe.hash.digest("hex")).toBe(sent);
  },
);

test("a port that is taken is PORT_IN_USE, and a listener without a host certificate does not start", async () => {
  const { port } = await listen();
  expect(await failureOf(listen({ port }))).toMatchObject({ code: "PORT_IN_USE" });
  // TEST-NET-3 (RFC 5737), which nobody has.
  expect(await failureOf(listen({ hostname: "203.0.113.9" }))).toMatchObject({
    code: "ADDRESS_UNAVAILABLE",
    message:
      "This machine has no address 203.0.113.9 to listen on: check --listen, and whether the network is up.",
  });
  expect(await failureOf(listen({ hostIdentities: () => [] }))).toMatchObject({ code: "CONFIG_INVALID" });
});

test("B5 who breaks the rules or is late before a login counts as refused, who only looks does not", async () => {
  const codes: string[] = [];
  const { port } = await listen({
    limits: { loginGraceMs: 2000 },
    onRefused: ({ code }) => codes.push(code),
  });
  const say = async (words: string) => {
    const over = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data() {}, close: () => over.resolve() },
    });
    if (words) socket.write(words);
    return { socket, over: over.promise };
  };
  const looking = await say("");
  looking.socket.terminate();
  await looking.over;
  await (await say("GET / HTTP/1.1\r\n\r\n")).over;
  expect(codes).toEqual(["SSH_PROTOCOL"]);
  await (await say("SSH-2.0-Slow\r\n")).over;
  expect(codes).toEqual(["SSH_PROTOCOL", "TIMEOUT"]);
});

test("IPv6 addresses are dialled with or without brackets", async () => {
  const { port } = await listen({ hostname: "::1" });
  for (const name of ["::1", "[::1]"]) {
    const connection = await dial(port, { host: name });
    expect(connection.remoteAddress).toBe("::1");
    connection.disconnect(11, "done");
  }
});

test("close ends the connections, of any stage, and frees the port; it is safe to call twice", async () => {
  const listener = await listen();
  const silent = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: "127.0.0.1",
    port: listener.port,
    socket: { data() {}, close: () => silent.resolve() },
  });
  const connection = await dial(listener.port);
  const end = new Promise((resolve) => connection.onClosed(resolve));
  listener.close();
  listener.close();
  expect(await end).toMatchObject({ peerReason: "closing" });
  await silent.promise;
  expect(await failureOf(dial(listener.port))).toMatchObject({ code: "RELAY_UNREACHABLE" });
});

test("F12 fifty flaps leave no session and no window behind", async () => {
  const budget = new WindowBudget();
  const { port, sessions } = await listen({
    budget,
    onSession: (session) => void session.openChannel("x", Buffer.alloc(0)).catch(() => null),
  });
  for (let i = 0; i < 50; i++) (await dial(port)).disconnect(11, "flap");
  await until(() => sessions.size === 0);
  expect(budget.used).toBe(0);
});

test("admission: a connection that is not admitted is closed, one that must make room is dropped", async () => {
  const tickets: string[] = [];
  const drops: (() => void)[] = [];
  let admit = true;
  const { port } = await listen({
    admission: {
      admit(address, drop) {
        if (!admit) return null;
        drops.push(drop);
        const note = (what: string) => () => void tickets.push(`${what} ${address}`);
        const ticket: AdmissionTicket = {
          progress: note("progress"),
          authenticated: note("authenticated"),
          failed: note("failed"),
          close: note("close"),
        };
        return ticket;
      },
    },
  });
  const waiting = Promise.withResolvers<void>();
  const socket = { data() {}, close: () => waiting.resolve() };
  await Bun.connect({ hostname: "127.0.0.1", port, socket });
  await until(() => drops.length === 1);
  drops[0]?.();
  await waiting.promise;
  await until(() => tickets.includes("close 127.0.0.1"));
  admit = false;
  expect(await failureOf(dial(port))).toMatchObject({ code: "RELAY_UNREACHABLE" });
});

test("an attempt that was given up before it connected leaves nothing open", async () => {
  const { port, sessions } = await listen();
  const signal = AbortSignal.abort();
  expect(await failureOf(dial(port, { signal }))).toMatchObject({ code: "RELAY_UNREACHABLE" });
  await Bun.sleep(50);
  expect(sessions.size).toBe(0);
});
