import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { type ConnectionOptions, connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { X509Identity } from "../../../../src/pki/credentials.ts";
import { KeyUsageFlags } from "../../../../src/pki/x509.ts";
import { silentLogger } from "../../../../src/telemetry/log.ts";
import type { Admission } from "../../../../src/tunnel/admission.ts";
import type { TlsConnection } from "../../../../src/tunnel/tls/connection.ts";
import { dialOuterTls } from "../../../../src/tunnel/tls/outer-client.ts";
import { listenOuterTls, type OuterTlsOptions } from "../../../../src/tunnel/tls/outer-server.ts";
import { echo, Inbox } from "../../../support/byte-stream.ts";
import {
  authorityExtensions,
  bundle,
  EKU,
  type OddAuthority,
  oddAuthority,
  oddIdentity,
  oddLeaf,
  oddRoot,
} from "../../../support/odd-pki.ts";
import { openSockets, untilSocketsAre } from "../../../support/open-sockets.ts";
import { connectTcp } from "../../../support/tcp-pair.ts";
import { GATEWAY_ID, testPki } from "../../../support/test-pki.ts";
import { until } from "../../../support/until.ts";

const portOf = (address: ReturnType<Server["address"]>) =>
  typeof address === "object" && address ? address.port : 0;

const pki = await testPki();
const relay = await pki.relay();
const client = await pki.client();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A relay's port that echoes, and the connections it let in. */
async function listen(options: Partial<OuterTlsOptions> = {}) {
  const connections: (TlsConnection & { remoteAddress: string })[] = [];
  const listener = await listenOuterTls({
    hostname: "127.0.0.1",
    port: 0,
    credentials: () => relay.tls,
    log: silentLogger,
    onConnection(connection) {
      connections.push(connection);
      echo(connection.stream);
    },
    ...options,
  });
  closers.push(() => {
    listener.close();
    for (const { stream } of connections) stream.destroy();
  });
  return { listener, port: listener.port, connections };
}

async function dial(
  port: number,
  identity: X509Identity = client.relay,
  serverAuthorities = client.relay.serverAuthorities,
) {
  const connection = await dialOuterTls({
    host: "127.0.0.1",
    port,
    identity: { ...identity, serverAuthorities },
    timeoutMs: 5000,
  });
  closers.push(() => connection.stream.destroy());
  return connection;
}

/** What a client that was let in, or not, gets to hear. */
async function hears(port: number, identity: X509Identity): Promise<string> {
  const { stream } = await dial(port, identity);
  const inbox = new Inbox(stream);
  inbox.write("x\n");
  return inbox.until(2);
}

describe("a good client", () => {
  test("is joined to the relay and known by its certificate", async () => {
    const { port, connections } = await listen();
    const { stream, alpn, peer } = await dial(port);
    const inbox = new Inbox(stream);
    inbox.write("hello");
    expect(await inbox.until(5)).toBe("hello");
    expect(alpn).toBe("sallyport-relay/2");
    expect(peer.commonName).toBe("127.0.0.1");
    expect(connections[0]).toMatchObject({ alpn: "sallyport-relay/2", remoteAddress: "127.0.0.1" });
    expect(connections[0]?.peer.commonName).toBe(GATEWAY_ID);
    stream.end();
    expect(await inbox.closed).toBeNull();
  });

  const offers: [string, string[] | undefined, string | false][] = [
    ["nothing", undefined, false],
    ["only what we do not know", ["h2", "http/1.1"], false],
    ["ours after others", ["h2", "sallyport-relay/1"], "sallyport-relay/1"],
  ];
  test.each(offers)("that offers %s is accepted", async (_what, ALPNProtocols, agreed) => {
    const { port, connections } = await listen();
    const options: ConnectionOptions = {
      port,
      host: "127.0.0.1",
      key: client.relay.privateKey,
      cert: client.relay.certificate,
      ca: client.relay.serverAuthorities,
    };
    const socket = connectTls(ALPNProtocols ? { ...options, ALPNProtocols } : options);
    closers.push(() => void socket.destroy());
    socket.write("hi");
    const [answer] = await new Promise<Buffer[]>((resolve) =>
      socket.once("data", (chunk: Buffer) => resolve([chunk])),
    );
    expect(answer?.toString()).toBe("hi");
    expect(socket.alpnProtocol).toBe(agreed);
    expect(connections[0]?.alpn).toBe(agreed || null);
  });
});

describe("B3 a client is refused, and nobody is told of a connection, with", () => {
  const cases: [string, () => Promise<X509Identity>][] = [
    ["a server's certificate", async () => relay.tls],
    [
      "an expired certificate",
      async () => (await pki.client({ now: new Date(Date.now() - 3_600_000) })).relay,
    ],
    [
      "another organisation's certificate",
      async () => (await (await testPki("other-organisation")).client()).relay,
    ],
    ["another instance's certificate", async () => (await (await testPki("other-instance")).client()).relay],
    [
      "another organisation's certificate and the authority that signed it",
      async () => {
        const sibling = await testPki("other-organisation");
        const { relay: identity } = await sibling.client();
        return { ...identity, certificate: identity.certificate + sibling.organisation.relayClient.chainPem };
      },
    ],
    ["a gateway's inner certificate", async () => client.gateway],
  ];
  test.each(cases)("%s", async (_what, identity) => {
    const { port, connections } = await listen();
    const heard = await hears(port, await identity());
    expect(heard).toMatch(/^(ERR CERTIFICATE_REFUSED .*\n)?$/);
    expect(connections).toEqual([]);
  });

  test("an authority's own certificate, a path that is too long, or a wrong purpose", async () => {
    const root = await oddRoot("CN=Root");
    const usages = KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature;
    const issuing = await oddAuthority(root, "CN=Issuing", { extensions: authorityExtensions(0, usages) });
    const under = await oddAuthority(issuing, "CN=Under");
    const credentials = { ...relay.tls, clientAuthorities: bundle(issuing, root) };
    const { port, connections } = await listen({ credentials: () => credentials });
    const refused: OddAuthority[][] = [
      [issuing],
      [await oddLeaf(under, "CN=x"), under],
      [await oddLeaf(issuing, "CN=x", { purposes: [] })],
      [await oddLeaf(issuing, "CN=x", { purposes: [EKU.server] })],
    ];
    for (const [leaf, ...along] of refused) {
      if (leaf)
        expect(await hears(port, await oddIdentity(leaf, ...along))).toMatch(
          /^(ERR CERTIFICATE_REFUSED .*\n)?$/,
        );
    }
    expect(connections).toEqual([]);
    expect(await hears(port, await oddIdentity(await oddLeaf(issuing, "CN=x")))).toBe("x\n");
  });

  test("no certificate at all", async () => {
    const { port, connections } = await listen();
    const socket = connectTls({ port, host: "127.0.0.1", ca: client.relay.serverAuthorities });
    const error = await new Promise<unknown>((resolve) => {
      socket.on("error", resolve);
      socket.on("close", () => resolve("closed"));
    });
    expect(String(error)).toMatch(/certificate|closed/i);
    expect(connections).toEqual([]);
  });
});

test("a client that TLS let in but our rules do not is told why", async () => {
  const root = await oddRoot("CN=Root");
  const ours = await oddAuthority(root, "CN=Ours");
  const theirs = await oddAuthority(root, "CN=Theirs");
  const { port } = await listen({
    credentials: () => ({ ...relay.tls, clientAuthorities: bundle(ours, root) }),
  });
  const identity = await oddIdentity(await oddLeaf(theirs, "CN=x"), theirs);
  expect(await hears(port, identity)).toStartWith(
    "ERR CERTIFICATE_REFUSED The certificate is refused: none of",
  );
});

describe("B5 the handshake's deadline", () => {
  test("cuts a client that says nothing, and one that says a byte at a time", async () => {
    const { port, connections } = await listen({ handshakeTimeoutMs: 150 });
    const [silent, slow] = [new Inbox(await connectTcp(port)), new Inbox(await connectTcp(port))];
    const timer = setInterval(() => slow.write("\x16"), 40);
    await Promise.all([silent.untilEnd(), slow.untilEnd()]);
    clearInterval(timer);
    expect(connections).toEqual([]);
  });

  test("does not cut those who made it", async () => {
    const { port } = await listen({ handshakeTimeoutMs: 2000 });
    const inbox = new Inbox((await dial(port)).stream);
    await Bun.sleep(2500);
    inbox.write("still here");
    expect(await inbox.until(10)).toBe("still here");
  });
});

describe("reload", () => {
  test("F6 new handshakes use the new certificates, and connections go on", async () => {
    const shown = { tls: relay.tls };
    const { port, listener } = await listen({ credentials: () => shown.tls });
    const old = await dial(port);
    const inbox = new Inbox(old.stream);
    const renewed = await pki.relay();
    shown.tls = renewed.tls;
    listener.reload();
    const next = await dial(port);
    expect(next.peer.serial).not.toBe(old.peer.serial);
    expect(next.alpn).toBe("sallyport-relay/2");
    inbox.write("old");
    expect(await inbox.until(3)).toBe("old");
  });

  test("new client authorities are in force for new handshakes", async () => {
    const stranger = await testPki("other-instance");
    const shown = { tls: relay.tls };
    const { port, listener } = await listen({ credentials: () => shown.tls });
    const theirs = (await stranger.client()).relay;
    expect(await hears(port, theirs)).toMatch(/^(ERR CERTIFICATE_REFUSED .*\n)?$/);
    shown.tls = { ...relay.tls, clientAuthorities: stranger.organisation.relayClient.chainPem };
    listener.reload();
    expect(await hears(port, theirs)).toBe("x\n");
    expect(await hears(port, client.relay)).toMatch(/^(ERR CERTIFICATE_REFUSED .*\n)?$/);
  });

  test("credentials that cannot be used change nothing", async () => {
    const shown = { tls: relay.tls };
    const { port, listener } = await listen({ credentials: () => shown.tls });
    for (const bad of [{ privateKey: "nonsense" }, { certificate: "" }, { clientAuthorities: "nonsense" }]) {
      shown.tls = { ...relay.tls, ...bad };
      listener.reload();
    }
    expect(await hears(port, client.relay)).toBe("x\n");
    expect(await hears(port, (await (await testPki("other-instance")).client()).relay)).toMatch(
      /^(ERR CERTIFICATE_REFUSED .*\n)?$/,
    );
  });

  test("50 reloads under 100 dials lose none", async () => {
    const { port, listener } = await listen();
    const reloads = (async () => {
      for (let i = 0; i < 50; i++) {
        listener.reload();
        await Bun.sleep(2);
      }
    })();
    const heard: string[] = [];
    for (let i = 0; i < 20; i++)
      heard.push(...(await Promise.all(Array.from({ length: 5 }, () => hears(port, client.relay)))));
    await reloads;
    expect(heard).toEqual(Array.from({ length: 100 }, () => "x\n"));
  });
});

/** Counts sessions that could be resumed, and says whether a second connection was. */
async function resumption(port: number, maxVersion: "TLSv1.2" | "TLSv1.3") {
  const options = {
    port,
    host: "127.0.0.1",
    maxVersion,
    key: client.relay.privateKey,
    cert: client.relay.certificate,
    ca: client.relay.serverAuthorities,
  };
  let session: Buffer | undefined;
  const talk = (resume?: Buffer) =>
    new Promise<boolean>((resolve, reject) => {
      const socket = connectTls({ ...options, ...(resume && { session: resume }) });
      socket.on("session", (ticket: Buffer) => (session = ticket));
      socket.on("error", reject);
      socket.on("data", () =>
        setTimeout(() => {
          session ??= maxVersion === "TLSv1.2" ? socket.getSession() : undefined;
          resolve(socket.isSessionReused());
          socket.destroy();
        }, 20),
      );
      socket.write("x");
    });
  await talk();
  return { offered: session !== undefined && maxVersion === "TLSv1.3", reused: await talk(session) };
}

describe("B3 no TLS session is resumed", () => {
  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s, before and after a reload", async (version) => {
    const { port, listener } = await listen();
    expect(await resumption(port, version)).toEqual({ offered: false, reused: false });
    listener.reload();
    expect(await resumption(port, version)).toEqual({ offered: false, reused: false });
  });
});

/** Lets in or not, and writes down what it is told. */
class StubAdmission implements Admission {
  readonly log: string[] = [];
  full = false;
  drop: () => void = () => {};

  admit(address: string, drop: () => void) {
    this.drop = drop;
    this.log.push(`admit ${address}`);
    if (this.full) return null;
    const note = (text: string) => () => void this.log.push(text);
    return {
      progress: note("progress"),
      authenticated: note("authenticated"),
      failed: note("failed"),
      close: note("close"),
    };
  }
}

describe("admission", () => {
  test("hears of a client's steps, and of its close last", async () => {
    const admission = new StubAdmission();
    const { port } = await listen({ admission });
    const { stream } = await dial(port);
    const inbox = new Inbox(stream);
    inbox.write("x");
    await inbox.until(1);
    stream.end();
    await inbox.closed;
    await until(() => admission.log.includes("close"));
    expect(admission.log).toEqual(["admit 127.0.0.1", "progress", "authenticated", "close"]);
  });

  test("hears of a bad certificate as a failure, and of a peer that goes away as none", async () => {
    const admission = new StubAdmission();
    const { port } = await listen({ admission });
    await hears(port, (await (await testPki("other-instance")).client()).relay);
    const tcp = await connectTcp(port);
    tcp.destroy();
    await until(() => admission.log.filter((entry) => entry === "close").length === 2);
    expect(admission.log.filter((entry) => entry === "failed")).toHaveLength(1);
  });

  test("hears of noise, and of a client that TLS has nothing in common with, as no failure to authenticate", async () => {
    const admission = new StubAdmission();
    const codes: string[] = [];
    const { port } = await listen({ admission, onRefused: ({ code }) => codes.push(code) });
    const noise = await connectTcp(port);
    noise.write(Buffer.from("160301000401000000", "hex"));
    const old = connectTls({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      maxVersion: "TLSv1.2",
      ciphers: "ECDHE-RSA-AES128-SHA",
    });
    old.on("error", () => old.destroy());
    await until(() => codes.length === 2);
    noise.destroy();
    await until(() => admission.log.filter((entry) => entry === "close").length === 2);
    expect(codes).toEqual(["TLS_FAILED", "TLS_FAILED"]);
    expect(admission.log).not.toContain("failed");
  });

  test("may turn a connection away", async () => {
    const admission = new StubAdmission();
    admission.full = true;
    const { port, connections } = await listen({ admission });
    await new Inbox(await connectTcp(port)).untilEnd();
    expect(connections).toEqual([]);
    expect(admission.log).toEqual(["admit 127.0.0.1"]);
  });

  test("may drop a handshake to make room", async () => {
    const admission = new StubAdmission();
    const { port } = await listen({ admission });
    const inbox = new Inbox(await connectTcp(port));
    await until(() => admission.log.length > 0);
    admission.drop();
    await inbox.untilEnd();
    await until(() => admission.log.includes("close"));
    expect(admission.log).toEqual(["admit 127.0.0.1", "close"]);
  });
});

describe("close", () => {
  test("stops listening and cuts unfinished handshakes, and leaves connections to their owner", async () => {
    const { port, listener } = await listen();
    const inbox = new Inbox((await dial(port)).stream);
    inbox.write("1");
    await inbox.until(1);
    const unfinished = new Inbox(await connectTcp(port));
    await Bun.sleep(20);
    listener.close();
    listener.close();
    await unfinished.untilEnd();
    inbox.write("2");
    expect(await inbox.until(2)).toBe("12");
    await expect(dial(port)).rejects.toMatchObject({ code: "RELAY_UNREACHABLE" });
  });

  test("a port that is taken is said so", async () => {
    const { port } = await listen();
    await expect(listen({ port })).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });
});

describe("dialling", () => {
  const refusal = async (promise: Promise<unknown>) => {
    try {
      await promise;
    } catch (error) {
      return error;
    }
    throw new Error("expected a failure");
  };

  test("a relay whose authorities we do not know is not trusted", async () => {
    const { port, connections } = await listen();
    const stranger = await (await testPki("other-instance")).client();
    const error = await refusal(dial(port, client.relay, stranger.relay.serverAuthorities));
    expect(error).toMatchObject({ code: "TLS_UNTRUSTED" });
    expect(connections).toEqual([]);
  });

  test("B11 a relay that is not trusted does not get to see the client's certificate, and no penalty follows", async () => {
    const seen: unknown[] = [];
    const port = await new Promise<number>((resolve) => {
      const server = createTlsServer(
        {
          cert: relay.tls.certificate,
          key: relay.tls.privateKey,
          requestCert: true,
          rejectUnauthorized: false,
        },
        (socket) => seen.push(socket.getPeerCertificate()),
      );
      server.on("tlsClientError", (error) => seen.push(error.message));
      server.listen(0, "127.0.0.1", () => resolve(portOf(server.address())));
      closers.push(() => void server.close());
    });
    const stranger = await (await testPki("other-instance")).client();
    const error = await refusal(dial(port, client.relay, stranger.relay.serverAuthorities));
    expect(error).toMatchObject({ code: "TLS_UNTRUSTED" });
    await until(() => seen.length > 0);
    expect(seen).toEqual([expect.stringMatching(/bad.certificate|hang up|reset/i)]);

    const admission = new StubAdmission();
    const ours = await listen({ admission });
    await refusal(dial(ours.port, client.relay, stranger.relay.serverAuthorities));
    await until(() => admission.log.at(-1) === "close");
    expect(admission.log).not.toContain("failed");
  });

  test("a relay that presents another organisation's certificate and its authority is not trusted", async () => {
    const sibling = await testPki("other-organisation");
    const { tls } = await sibling.relay();
    const along = { ...tls, certificate: tls.certificate + sibling.organisation.relayServer.chainPem };
    const { port } = await listen({
      credentials: () => ({ ...along, clientAuthorities: relay.tls.clientAuthorities }),
    });
    const error = await refusal(dial(port));
    expect(error).toMatchObject({
      code: "TLS_UNTRUSTED",
      message: expect.stringContaining("none of the authorities"),
    });
  });

  test.each(["127.0.0.2", "relay.example"])(
    "a relay whose certificate is for %s is not trusted",
    async (host) => {
      const other = await pki.relay({ host });
      const { port } = await listen({ credentials: () => other.tls });
      expect(await refusal(dial(port))).toMatchObject({ code: "TLS_UNTRUSTED" });
    },
  );

  test("a relay known by name is reached by name", async () => {
    const named = await pki.relay({ host: "localhost" });
    const { port } = await listen({ credentials: () => named.tls });
    const { stream } = await dialOuterTls({
      host: "localhost",
      port,
      identity: client.relay,
      timeoutMs: 5000,
    });
    closers.push(() => stream.destroy());
    const inbox = new Inbox(stream);
    inbox.write("x");
    expect(await inbox.until(1)).toBe("x");
  });

  test("an address that was resolved before is dialled, and the name is checked all the same", async () => {
    const dialAt = async (host: string) => {
      const named = await pki.relay({ host });
      const { port } = await listen({ credentials: () => named.tls });
      return dialOuterTls({
        host: "relay.example",
        address: "127.0.0.1",
        port,
        identity: client.relay,
        timeoutMs: 5000,
      });
    };
    const { stream } = await dialAt("relay.example");
    closers.push(() => stream.destroy());
    const inbox = new Inbox(stream);
    inbox.write("x");
    expect(await inbox.until(1)).toBe("x");
    expect(await refusal(dialAt("127.0.0.1"))).toMatchObject({ code: "TLS_UNTRUSTED" });
  });

  test("B3 an expired relay certificate, or one of a client, is not trusted", async () => {
    for (const identity of [
      (await pki.relay({ now: new Date(Date.now() - 172_800_000) })).tls,
      client.relay,
    ]) {
      const { port } = await listen({
        credentials: () => ({ ...identity, clientAuthorities: relay.tls.clientAuthorities }),
      });
      expect(await refusal(dial(port))).toMatchObject({ code: "TLS_UNTRUSTED" });
    }
  });

  test("where nobody listens, or the name does not exist, it says which address was tried", async () => {
    const { port, listener } = await listen();
    listener.close();
    expect(await refusal(dial(port))).toMatchObject({
      code: "RELAY_UNREACHABLE",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    const lost = dialOuterTls({
      host: "no-such-host.invalid",
      port: 8443,
      identity: client.relay,
      timeoutMs: 5000,
    });
    expect(await refusal(lost)).toMatchObject({
      code: "RELAY_UNREACHABLE",
      message: expect.stringContaining("no-such-host.invalid:8443"),
    });
  });

  test("something that does not speak TLS, or nothing that we do, fails as such, and silence times out", async () => {
    let answer = Buffer.from("SSH-2.0-whatever\r\n");
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.end(answer);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    expect(await refusal(dial(port))).toMatchObject({ code: "TLS_FAILED" });
    answer = Buffer.from("15030300020228", "hex");
    expect(await refusal(dial(port))).toMatchObject({ code: "TLS_FAILED" });
    answer = Buffer.from("160303000401000000", "hex");
    expect(await refusal(dial(port))).toMatchObject({ code: "TLS_FAILED" });
    server.close();

    const mute = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => mute.once("listening", resolve));
    const mutePort = mute.address();
    const silent = dialOuterTls({
      host: "127.0.0.1",
      port: typeof mutePort === "object" && mutePort ? mutePort.port : 0,
      identity: client.relay,
      timeoutMs: 50,
    });
    expect(await refusal(silent)).toMatchObject({ code: "TIMEOUT" });
    mute.close();
  });

  test("credentials that cannot be used are said to be so", async () => {
    const { port } = await listen();
    expect(await refusal(dial(port, { ...client.relay, privateKey: "x" }))).toMatchObject({
      code: "CONFIG_INVALID",
    });
    expect(await refusal(dial(port, client.relay, "x"))).toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("an abort throws its reason, whenever it comes", async () => {
    const { port } = await listen();
    const attempt = (signal: AbortSignal) =>
      refusal(dialOuterTls({ host: "127.0.0.1", port, identity: client.relay, timeoutMs: 5000, signal }));
    const reason = new Error("enough");
    expect(await attempt(AbortSignal.abort(reason))).toBe(reason);
    const abort = new AbortController();
    const pending = attempt(abort.signal);
    abort.abort(reason);
    expect(await pending).toBe(reason);
  });

  test("failures leave no socket open", async () => {
    const { port } = await listen();
    const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    closers.push(() => mute.stop());
    const before = openSockets();
    const stranger = await (await testPki("other-instance")).client();
    const abort = new AbortController();
    const dials = [
      dial(port, client.relay, stranger.relay.serverAuthorities),
      dial(port, { ...client.relay, privateKey: "x" }),
      dialOuterTls({ host: "127.0.0.1", port: mute.port, identity: client.relay, timeoutMs: 20 }),
      dialOuterTls({
        host: "127.0.0.1",
        port,
        identity: client.relay,
        timeoutMs: 5000,
        signal: abort.signal,
      }),
    ].map(refusal);
    abort.abort();
    await Promise.all(dials);
    await untilSocketsAre(before);
  });
});
