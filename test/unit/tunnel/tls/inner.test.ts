import { afterEach, describe, expect, test } from "bun:test";
import type { X509Identity } from "../../../../src/pki/credentials.ts";
import { silentLogger } from "../../../../src/telemetry/log.ts";
import { ALPN } from "../../../../src/tunnel/alpn.ts";
import { observed } from "../../../../src/tunnel/observed.ts";
import type { ByteStream } from "../../../../src/tunnel/stream.ts";
import type { TlsConnection } from "../../../../src/tunnel/tls/connection.ts";
import { dialInnerTls, type InnerTlsDial } from "../../../../src/tunnel/tls/inner-client.ts";
import { type InnerTlsOptions, openInnerTlsServer } from "../../../../src/tunnel/tls/inner-server.ts";
import { echo, Inbox } from "../../../support/byte-stream.ts";
import { openSockets, untilSocketsAre } from "../../../support/open-sockets.ts";
import { type MemoryStream, streamPair } from "../../../support/stream-pair.ts";
import { GATEWAY_ID, OTHER_GATEWAY_ID, testPki } from "../../../support/test-pki.ts";

const pki = await testPki();
const gateway = await pki.gateway();
const client = await pki.client();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

async function open(options: Partial<InnerTlsOptions> = {}) {
  const connections: TlsConnection[] = [];
  const first = Promise.withResolvers<TlsConnection>();
  const { onConnection = ({ stream }: TlsConnection) => echo(stream) } = options;
  const server = openInnerTlsServer({
    credentials: () => gateway.tls,
    alpns: [ALPN.sallyportTcp, ALPN.tcp, ALPN.sallyportHttp, ALPN.http, ALPN.health],
    log: silentLogger,
    ...options,
    onConnection(connection) {
      connections.push(connection);
      onConnection(connection);
      first.resolve(connection);
    },
  });
  closers.push(() => {
    server.close();
    for (const { stream } of connections) stream.destroy();
  });
  return { server, connections, first: first.promise };
}

const plan: InnerTlsDial = {
  identity: client.gateway,
  alpns: [ALPN.sallyportTcp, ALPN.tcp],
  gatewayId: GATEWAY_ID,
  requireUri: true,
  timeoutMs: 5000,
};

/** A channel between client and gateway; `client` and `gateway` are what each of them gets of it. */
interface Channel {
  client: MemoryStream;
  gateway: MemoryStream;
}

function channel(): Channel {
  const [near, far] = streamPair();
  return { client: near, gateway: far };
}

async function dial(
  server: { accept(channel: ByteStream): void },
  options: Partial<InnerTlsDial> = {},
  ends: Channel = channel(),
) {
  server.accept(ends.gateway);
  const connection = await dialInnerTls(ends.client, { ...plan, ...options });
  closers.push(() => connection.stream.destroy());
  return { ...connection, ends, inbox: new Inbox(connection.stream) };
}

async function refusal(promise: Promise<unknown>) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure");
}

/** A relay that passes bytes on until `after` says so, that chunk included, and then behaves as told. */
function cutting(far: ByteStream, after: () => boolean, how: "end" | "reset"): ByteStream {
  let cut = false;
  return observed(far, (handler) => ({
    data(chunk) {
      if (cut) return far.consumed(chunk.length);
      handler.data(chunk);
      cut = after();
      if (!cut) return;
      if (how === "end") handler.end();
      else far.destroy(new Error("reset by the network"));
    },
    end: () => !cut && handler.end(),
  }));
}

describe("a session", () => {
  test("carries bytes both ways, and both ends know who is there", async () => {
    const { server, connections } = await open();
    const { inbox, alpn, peer } = await dial(server);
    inbox.write("hello");
    expect(await inbox.until(5)).toBe("hello");
    expect(alpn).toBe(ALPN.sallyportTcp);
    expect(peer.uris).toEqual([`spiffe://sallyport/gateway/${GATEWAY_ID}`]);
    expect(connections[0]?.peer.commonName).toBe(`platform:${GATEWAY_ID}`);
  });

  test("agrees on its keys by X25519MLKEM768, which a quantum computer cannot undo later", async () => {
    const { server } = await open();
    const ends = channel();
    const answers: Buffer[] = [];
    const heard = observed(ends.client, (handler) => ({
      data(chunk) {
        answers.push(Buffer.from(chunk));
        handler.data(chunk);
      },
    }));
    server.accept(ends.gateway);
    const connection = await dialInnerTls(heard, plan);
    connection.stream.destroy();
    // The server's hello: its key_share (51) for the group 0x11ec.
    expect(Buffer.concat(answers).toString("hex")).toMatch(/^16.{8}02.*?0033....11ec/);
  });

  test("whose end cannot be made is refused, and brings nobody else down", async () => {
    const refused = Promise.withResolvers<string>();
    const { server } = await open({
      alpns: ["x".repeat(256)],
      onRefused: ({ code }) => refused.resolve(code),
    });
    const ends = channel();
    server.accept(ends.gateway);
    expect(await refused.promise).toBeString();
  });

  test.each([[ALPN.sallyportTcp], [ALPN.tcp]])("half-closes in order with %s", async (alpn) => {
    const { server, first } = await open({ onConnection() {} });
    const { inbox, stream } = await dial(server, { alpns: [alpn] });
    const far = new Inbox((await first).stream);
    inbox.write("question");
    stream.end();
    expect(await far.untilEnd()).toBe("question");
    far.write("answer");
    far.stream.end();
    expect(await inbox.untilEnd()).toBe("answer");
    expect(await inbox.closed).toBeNull();
    expect(await far.closed).toBeNull();
  });

  test("ends in order after messages of any small length", async () => {
    const { server } = await open();
    for (const length of [1, 2, 3, 16_384, 16_386, 32_770]) {
      const { inbox, stream } = await dial(server);
      inbox.write("x".repeat(length));
      await inbox.until(length);
      stream.end();
      expect((await inbox.untilEnd()).length).toBe(length);
      expect(await inbox.closed).toBeNull();
    }
  });

  test("closing either end takes the other with it and leaves no socket behind", async () => {
    const { server, connections } = await open();
    const before = openSockets();
    const used = async () => {
      const made = await dial(server);
      made.inbox.write("x");
      await made.inbox.until(1);
      return made;
    };
    const left = await used();
    left.stream.destroy();
    await untilSocketsAre(before);
    expect(left.ends.gateway.closed).toBe(true);
    const right = await used();
    connections.at(-1)?.stream.destroy();
    expect(await right.inbox.closed).toBeInstanceOf(Error);
    await untilSocketsAre(before);
  });
});

describe("the protocol", () => {
  test("is the first of the gateway's that the client offers", async () => {
    const { server } = await open({ alpns: [ALPN.health, ALPN.tcp] });
    expect((await dial(server, { alpns: [ALPN.tcp, ALPN.health] })).alpn).toBe(ALPN.health);
  });

  test("may be left open by the client", async () => {
    const { server, first } = await open();
    expect((await dial(server, { alpns: [] })).alpn).toBeNull();
    expect((await first).alpn).toBeNull();
  });

  test("that the gateway does not speak is refused as MODE_UNSUPPORTED", async () => {
    const { server, connections } = await open();
    const error = await refusal(dial(server, { alpns: ["infisical-pam-proxy"] }));
    expect(error).toMatchObject({
      code: "MODE_UNSUPPORTED",
      message: expect.stringContaining("infisical-pam-proxy"),
    });
    expect(connections).toEqual([]);
  });
});

describe("a stream that is cut short", () => {
  const cases = [
    ["end", "is an error with our gateway", ALPN.sallyportTcp, Error],
    ["reset", "is an error with our gateway", ALPN.sallyportTcp, Error],
    ["end", "is an error with our gateway in HTTP mode", ALPN.sallyportHttp, Error],
    ["end", "is a normal end with Infisical's", ALPN.tcp, null],
    ["end", "is a normal end with Infisical's in HTTP mode", ALPN.http, null],
    ["reset", "is an error with Infisical's", ALPN.tcp, Error],
  ] as const;
  test.each(cases)("by %s of the channel %s", async (how, _what, alpn, outcome) => {
    const { server } = await open();
    const ends = channel();
    let answered = false;
    const client = cutting(ends.client, () => answered, how);
    server.accept(ends.gateway);
    const { stream } = await dialInnerTls(client, { ...plan, alpns: [alpn] });
    const inbox = new Inbox(stream);
    answered = true;
    inbox.write("payload");
    if (outcome === null) {
      expect(await inbox.untilEnd()).toBe("payload");
      stream.end();
      expect(await inbox.closed).toBeNull();
    } else {
      expect(await inbox.closed).toBeInstanceOf(Error);
    }
  });

  test("reaches our gateway as an error too", async () => {
    const { server, first } = await open({ onConnection() {} });
    const ends = channel();
    let sent = false;
    server.accept(cutting(ends.gateway, () => sent, "end"));
    const { stream } = await dialInnerTls(ends.client, plan);
    const far = new Inbox((await first).stream);
    const near = new Inbox(stream);
    sent = true;
    near.write("half of a transaction");
    expect(await far.closed).toMatchObject({ code: "TLS_FAILED" });
    expect(await near.closed).toBeInstanceOf(Error);
  });

  test("is noticed after our own end as well", async () => {
    const { server } = await open({ onConnection: ({ stream }) => void new Inbox(stream) });
    const ends = channel();
    const { inbox, stream } = await dial(server, {}, ends);
    stream.end();
    await Bun.sleep(20);
    ends.gateway.end();
    expect(await inbox.closed).toBeInstanceOf(Error);
  });

  test("between a full record and the next one is an error", async () => {
    const { server } = await open();
    const ends = channel();
    let answered = false;
    server.accept(ends.gateway);
    const { stream } = await dialInnerTls(
      cutting(ends.client, () => answered, "end"),
      plan,
    );
    const inbox = new Inbox(stream);
    answered = true;
    inbox.write("ab");
    expect(await inbox.closed).toMatchObject({ code: "TLS_FAILED" });
  });
});

describe("a gateway that closes both ways when it is done", () => {
  test("PROTOCOL 0.5 is heard to the end, even while we are sending", async () => {
    const answer = "x".repeat(300_000);
    const { server } = await open({
      onConnection({ stream }) {
        stream.attach({ data() {}, end() {}, written() {}, closed() {} });
        stream.write(Buffer.from(answer));
        stream.end();
      },
    });
    const ends = channel();
    const closing = closingAfterEnd(ends.client);
    server.accept(ends.gateway);
    const { stream } = await dialInnerTls(closing, { ...plan, alpns: [ALPN.tcp] });
    for (let i = 0; i < 50; i++) stream.write(Buffer.alloc(20_000));
    const inbox = new Inbox(stream);
    expect((await inbox.untilEnd()).length).toBe(answer.length);
    expect(await inbox.closed).toBeNull();
  });
});

/** As a relay of Infisical's: after the gateway's end our bytes meet a closed connection. */
function closingAfterEnd(far: ByteStream): ByteStream {
  return observed(far, (handler) => ({
    end() {
      handler.end();
      handler.closed(new Error("connection reset"));
    },
    closed() {},
  }));
}

describe("B3 refused", () => {
  const clients: [string, () => Promise<X509Identity>][] = [
    [
      "a client of another organisation",
      async () => (await (await testPki("other-organisation")).client()).gateway,
    ],
    ["a client of another instance", async () => (await (await testPki("other-instance")).client()).gateway],
    ["an expired client", async () => (await pki.client({ now: new Date(Date.now() - 3_600_000) })).gateway],
    ["a client with a certificate for the relay", async () => client.relay],
    ["a client with the gateway's own certificate", async () => gateway.tls],
  ];
  test.each(clients)("%s", async (_what, identity) => {
    const { server, connections } = await open();
    const { inbox } = await dial(server, {
      identity: { ...(await identity()), serverAuthorities: client.gateway.serverAuthorities },
    });
    inbox.write("x\n");
    expect(await inbox.untilEnd()).toMatch(/^(ERR CERTIFICATE_REFUSED .*\n)?$/);
    expect(connections).toEqual([]);
  });

  test("X9 the server certificate of another gateway", async () => {
    const other = await pki.gateway({ id: OTHER_GATEWAY_ID });
    const { server } = await open({ credentials: () => other.tls });
    for (const requireUri of [true, false]) {
      const error = await refusal(dial(server, { requireUri }));
      expect(error).toMatchObject({
        code: "TLS_UNTRUSTED",
        message: expect.stringContaining(OTHER_GATEWAY_ID),
      });
    }
  });

  test("X9 a gateway that does not name itself, unless it may be Infisical's", async () => {
    const { bundle, EKU, oddAuthority, oddIdentity, oddLeaf, oddRoot } = await import(
      "../../../support/odd-pki.ts"
    );
    const root = await oddRoot("CN=Root");
    const issuing = await oddAuthority(root, "CN=Issuing");
    const wish = { purposes: [EKU.server], names: [{ type: "dns" as const, value: "localhost" }] };
    const tls = await oddIdentity(await oddLeaf(issuing, "CN=Gateway", wish));
    const { server } = await open({
      credentials: () => ({ ...tls, clientAuthorities: gateway.tls.clientAuthorities }),
    });
    const identity = { ...client.gateway, serverAuthorities: bundle(issuing, root) };
    expect(await refusal(dial(server, { identity }))).toMatchObject({ code: "TLS_UNTRUSTED" });
    const { inbox } = await dial(server, { identity, requireUri: false });
    inbox.write("x");
    expect(await inbox.until(1)).toBe("x");
  });

  test("a gateway of another organisation, and one whose certificate is for another name", async () => {
    const stranger = await (await testPki("other-organisation")).gateway();
    const relay = await pki.relay();
    for (const { certificate, privateKey } of [stranger.tls, relay.tls]) {
      const tls = { certificate, privateKey, clientAuthorities: gateway.tls.clientAuthorities };
      const { server } = await open({ credentials: () => tls });
      expect(await refusal(dial(server))).toMatchObject({ code: "TLS_UNTRUSTED" });
    }
  });
});

describe("failures", () => {
  test("a channel that breaks during the handshake fails the dial and leaves no socket", async () => {
    const before = openSockets();
    const [near, far] = streamPair();
    const pending = refusal(dialInnerTls(near, plan));
    far.attach({ data: () => far.destroy(), end() {}, written() {}, closed() {} });
    expect(await pending).toMatchObject({ code: "TLS_FAILED" });
    await untilSocketsAre(before);
  });

  test("a gateway that never answers times out, and the channel is destroyed", async () => {
    const [near, far] = streamPair();
    far.attach({ data: (chunk) => far.consumed(chunk.length), end() {}, written() {}, closed() {} });
    expect(await refusal(dialInnerTls(near, { ...plan, timeoutMs: 50 }))).toMatchObject({ code: "TIMEOUT" });
    expect(near.closed).toBe(true);
  });

  test("an abort throws its reason and destroys the channel", async () => {
    const [near] = streamPair();
    const reason = new Error("enough");
    const abort = new AbortController();
    const pending = refusal(dialInnerTls(near, { ...plan, signal: abort.signal }));
    abort.abort(reason);
    expect(await pending).toBe(reason);
    expect(near.closed).toBe(true);
  });

  test("B5 a client that says nothing is cut at the handshake's deadline", async () => {
    const { server } = await open({ handshakeTimeoutMs: 50 });
    const [near, far] = streamPair();
    server.accept(far);
    const inbox = new Inbox(near);
    await inbox.untilEnd();
    near.end();
    await inbox.closed;
  });

  test("close drops channels that wait, and leaves sessions to their owner", async () => {
    const { server } = await open();
    const { inbox } = await dial(server);
    inbox.write("1");
    await inbox.until(1);
    const waiting = channel();
    server.accept(waiting.gateway);
    server.close();
    server.close();
    const late = channel();
    server.accept(late.gateway);
    await Promise.all([new Inbox(waiting.client).closed, new Inbox(late.client).closed]);
    inbox.write("2");
    expect(await inbox.until(2)).toBe("12");
  });
});

describe("reload", () => {
  test("F6 new handshakes use the new certificate, and sessions go on", async () => {
    const shown = { tls: gateway.tls };
    const { server } = await open({ credentials: () => shown.tls });
    const old = await dial(server);
    shown.tls = (await pki.gateway()).tls;
    server.reload();
    const next = await dial(server);
    expect(next.peer.serial).not.toBe(old.peer.serial);
    expect(next.alpn).toBe(ALPN.sallyportTcp);
    old.inbox.write("old");
    expect(await old.inbox.until(3)).toBe("old");
    shown.tls = { ...shown.tls, privateKey: client.gateway.privateKey };
    server.reload();
    expect((await dial(server)).peer.serial).toBe(next.peer.serial);
  });
});

test("60 dials at once each reach their own channel", async () => {
  const { server } = await open();
  const texts = Array.from({ length: 60 }, (_, i) => `tunnel ${i}`.padEnd(12));
  const answers = await Promise.all(
    texts.map(async (text) => {
      const { inbox } = await dial(server);
      inbox.write(text);
      return inbox.until(text.length);
    }),
  );
  expect(answers).toEqual(texts);
});
