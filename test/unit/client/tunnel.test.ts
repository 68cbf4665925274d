import { afterEach, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { createServer as createTlsServer } from "node:tls";
import { z } from "zod";
import { openTunnel } from "../../../src/client/tunnel.ts";
import type { ClientCredentials } from "../../../src/pki/credentials.ts";
import { ALPN } from "../../../src/tunnel/alpn.ts";
import { observed } from "../../../src/tunnel/observed.ts";
import { errorLine, okLine } from "../../../src/tunnel/status-line.ts";
import { Inbox } from "../../support/byte-stream.ts";
import { openSockets, untilSocketsAre } from "../../support/open-sockets.ts";
import { OTHER_GATEWAY_ID, testPki } from "../../support/test-pki.ts";
import { TlsPath, type TlsPathOptions } from "../../support/tls-path.ts";

const paths: TlsPath[] = [];
afterEach(() => {
  for (const path of paths.splice(0)) path.close();
});

async function open(options?: TlsPathOptions): Promise<TlsPath> {
  const path = await TlsPath.open(options);
  paths.push(path);
  return path;
}

async function refusal(credentials: ClientCredentials, options?: Parameters<typeof openTunnel>[1]) {
  try {
    await openTunnel(credentials, { timeoutMs: 5000, ...options });
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure");
}

describe("a tunnel", () => {
  test("carries bytes to the target and back, and says who served it", async () => {
    const path = await open();
    const { stream, alpn, gatewaySerial, connectMs } = await openTunnel(await path.client());
    const inbox = new Inbox(stream);
    inbox.write("hello");
    expect(await inbox.until(5)).toBe("hello");
    stream.end();
    expect(await inbox.closed).toBeNull();
    expect(alpn).toBe(ALPN.sallyportTcp);
    expect(gatewaySerial).toMatch(/^[1-9a-f][0-9a-f]+$/);
    expect(connectMs).toBeGreaterThan(0);
  });

  test("reaches for the gateway before the relay has said that it is there", async () => {
    const path = await open({
      relayLine: Buffer.alloc(0),
      between(stream) {
        let said = false;
        return observed(stream, (handler) => ({
          data(chunk) {
            if (!said) stream.write(okLine());
            said = true;
            handler.data(chunk);
          },
        }));
      },
    });
    const { stream } = await openTunnel(await path.client(), { timeoutMs: 5000 });
    stream.destroy();
  });

  test("to Infisical's gateway is open after its handshake", async () => {
    const path = await open({ alpns: [ALPN.tcp, ALPN.http, ALPN.ping] });
    const { stream, alpn } = await openTunnel(await path.client());
    const inbox = new Inbox(stream);
    inbox.write("hello");
    expect(await inbox.until(5)).toBe("hello");
    expect(alpn).toBe(ALPN.tcp);
    stream.destroy();
  });

  test.each([
    ["http", ALPN.http],
    ["health", ALPN.health],
    ["ping", ALPN.ping],
  ] as const)("in mode %s agrees on %s", async (mode, expected) => {
    const path = await open();
    const { stream, alpn } = await openTunnel(await path.client(), { mode });
    expect(alpn).toBe(expected);
    stream.destroy();
  });

  test("in mode health takes an answer to a ping from a gateway that knows no more", async () => {
    const path = await open({ alpns: [ALPN.ping] });
    const { stream, alpn } = await openTunnel(await path.client(), { mode: "health" });
    expect(alpn).toBe(ALPN.ping);
    stream.destroy();
  });
});

describe("X5 a refusal", () => {
  test("of the relay is what it says", async () => {
    const path = await open({ relayLine: errorLine("GATEWAY_NOT_CONNECTED", "It is not here.") });
    expect(await refusal(await path.client())).toMatchObject({
      code: "GATEWAY_NOT_CONNECTED",
      message: "It is not here.",
    });
  });

  test("of the gateway is what it says", async () => {
    const path = await open({ gatewayLine: errorLine("TARGET_DENIED", "The rule says no.") });
    expect(await refusal(await path.client())).toMatchObject({
      code: "TARGET_DENIED",
      message: "The rule says no.",
    });
  });

  test("of a mode the gateway does not speak is MODE_UNSUPPORTED", async () => {
    const path = await open({ alpns: [ALPN.sallyportTcp] });
    expect(await refusal(await path.client(), { mode: "http" })).toMatchObject({ code: "MODE_UNSUPPORTED" });
  });

  test("of the certificate shows as such at the relay and at the gateway", async () => {
    const path = await open();
    const ours = await path.client();
    const stranger = await (await testPki("other-instance")).client();
    const { certificate, privateKey } = stranger.relay;
    expect(await refusal({ ...ours, relay: { ...ours.relay, certificate, privateKey } })).toMatchObject({
      code: "CERTIFICATE_REFUSED",
      message: expect.stringContaining("relay 127.0.0.1"),
    });
    const inner = stranger.gateway;
    const gateway = { ...ours.gateway, certificate: inner.certificate, privateKey: inner.privateKey };
    expect(await refusal({ ...ours, gateway })).toMatchObject({
      code: "CERTIFICATE_REFUSED",
      message: expect.stringContaining("gateway"),
    });
  });

  test("is foreseen for a certificate that has expired, or is not valid yet", async () => {
    const path = await open();
    expect(await refusal(await path.client({ now: new Date(Date.now() - 3_600_000) }))).toMatchObject({
      code: "CERTIFICATE_REFUSED",
      message: expect.stringMatching(/expired at .*request access again/),
    });
    expect(await refusal(await path.client({ now: new Date(Date.now() + 3_600_000) }))).toMatchObject({
      code: "CERTIFICATE_REFUSED",
      message: expect.stringMatching(/not valid before .*clock/),
    });
  });
});

describe("without a word", () => {
  test("a relay of ours that closes has refused our certificate", async () => {
    const path = await open({ relayLine: null });
    expect(await refusal(await path.client())).toMatchObject({ code: "CERTIFICATE_REFUSED" });
  });

  test("a relay of Infisical's that closes may not know the gateway, or not us", async () => {
    const path = await open();
    const { certificate, privateKey, clientAuthorities } = path.relay.credentials.tls;
    const server = createTlsServer({
      cert: certificate,
      key: privateKey,
      ca: clientAuthorities,
      requestCert: true,
    });
    server.on("secureConnection", (socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const error = await refusal(await path.client({ relayPort: port }));
    server.close();
    expect(error).toMatchObject({
      code: "GATEWAY_NOT_CONNECTED",
      message: expect.stringContaining("without a word"),
    });
  });

  test("a gateway of ours that closes has refused our certificate", async () => {
    const path = await open({ gatewayLine: null });
    expect(await refusal(await path.client())).toMatchObject({ code: "CERTIFICATE_REFUSED" });
  });

  test("a relay that is not there is named", async () => {
    const path = await open();
    const credentials = await path.client();
    path.outer.close();
    expect(await refusal(credentials)).toMatchObject({
      code: "RELAY_UNREACHABLE",
      message: expect.stringContaining(`127.0.0.1:${credentials.relayPort}`),
    });
  });
});

test("X9 another gateway behind the relay is not trusted", async () => {
  const path = await open();
  const gatewayId = OTHER_GATEWAY_ID;
  expect(await refusal({ ...(await path.client()), gatewayId })).toMatchObject({ code: "TLS_UNTRUSTED" });
});

describe("giving up", () => {
  const stalls: [string, TlsPathOptions][] = [
    [
      "the relay",
      { between: (stream) => observed(stream, () => ({ data: (chunk) => stream.consumed(chunk.length) })) },
    ],
    ["the gateway", { gatewayLine: Buffer.alloc(0) }],
  ];
  test.each(stalls)(
    "a tunnel that stalls behind %s times out and leaves nothing open",
    async (_where, options) => {
      const path = await open(options);
      const credentials = await path.client();
      const before = openSockets();
      expect(await refusal(credentials, { timeoutMs: 200 })).toMatchObject({ code: "TIMEOUT" });
      await untilSocketsAre(before);
    },
  );

  test.each([0, 1, 5, 20])(
    "an abort after %d ms throws its reason and leaves nothing open",
    async (milliseconds) => {
      const path = await open({ gatewayLine: Buffer.alloc(0) });
      const credentials = await path.client();
      const before = openSockets();
      const abort = new AbortController();
      const reason = new Error("enough");
      const pending = refusal(credentials, { signal: abort.signal });
      await Bun.sleep(milliseconds);
      abort.abort(reason);
      expect(await pending).toBe(reason);
      await untilSocketsAre(before);
    },
  );

  test("every kind of refusal leaves nothing open", async () => {
    const paths = await Promise.all([
      open({ relayLine: errorLine("DRAINING", "x") }),
      open({ gatewayLine: errorLine("TARGET_REFUSED", "x") }),
      open({ gatewayLine: null }),
      open({ alpns: [ALPN.ping] }),
    ]);
    const credentials = await Promise.all(paths.map((path) => path.client()));
    const before = openSockets();
    await Promise.all(credentials.map((each) => refusal(each)));
    await untilSocketsAre(before);
  });
});

test("F13 half a connection after the other: 32 MiB each way arrive whole", async () => {
  const path = await open({
    serve({ stream }) {
      const received: Buffer[] = [];
      stream.attach({
        data(chunk) {
          stream.consumed(chunk.length);
          received.push(Buffer.from(chunk));
        },
        end() {
          for (const chunk of received) stream.write(chunk);
          stream.end();
        },
        written() {},
        closed() {},
      });
    },
  });
  const { stream } = await openTunnel(await path.client());
  const sent = createHash("sha256");
  const back = createHash("sha256");
  const closed = new Promise<Error | null>((resolve) => {
    stream.attach({
      data(chunk) {
        back.update(chunk);
        stream.consumed(chunk.length);
      },
      end() {},
      written() {},
      closed: resolve,
    });
  });
  for (let i = 0; i < 32; i++) {
    const block = randomBytes(1024 * 1024);
    sent.update(block);
    stream.write(block);
  }
  stream.end();
  expect(await closed).toBeNull();
  expect(back.digest("hex")).toBe(sent.digest("hex"));
});
