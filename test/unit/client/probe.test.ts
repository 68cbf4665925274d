import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type TLSSocket } from "node:tls";
import { z } from "zod";
import { probeGateway, probeRelay } from "../../../src/client/probe.ts";
import { ALPN } from "../../../src/tunnel/alpn.ts";
import { observed } from "../../../src/tunnel/observed.ts";
import { errorLine } from "../../../src/tunnel/status-line.ts";
import type { ByteStream } from "../../../src/tunnel/stream.ts";
import { openSockets, untilSocketsAre } from "../../support/open-sockets.ts";
import { testPki } from "../../support/test-pki.ts";
import { TlsPath, type TlsPathOptions } from "../../support/tls-path.ts";
import { until } from "../../support/until.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function open(options: TlsPathOptions = {}): Promise<TlsPath> {
  const path = await TlsPath.open(options);
  closers.push(() => path.close());
  return path;
}

/** A gateway whose health service says this; null keeps silent and open. */
function answering(text: string | null): TlsPathOptions {
  return {
    alpns: [ALPN.health, ALPN.ping],
    serve({ stream }) {
      stream.attach({
        data: (chunk) => stream.consumed(chunk.length),
        end: () => stream.end(),
        written() {},
        closed() {},
      });
      if (text === null) return;
      if (text) stream.write(Buffer.from(text));
      stream.end();
    },
  };
}

describe("probing a gateway", () => {
  test.each([
    ['{"status":"ok","heartbeatTTL":180}\n', 180],
    ['{"status":"ok","heartbeatTTL":180}', 180],
    ['{"status":"ok"}\n', null],
    ['{"status":"ok","heartbeatTTL":-1}\n', null],
    ['{"status":"ok","heartbeatTTL":"soon"}\n', null],
    ["PONG\n", null],
    ["PONG", null],
    ["hello\n", null],
  ])("PROTOCOL E an answer %j counts, its time to live is %p", async (text, heartbeatTtlSeconds) => {
    const path = await open(answering(text));
    expect(await probeGateway(await path.client())).toEqual({ heartbeatTtlSeconds });
  });

  test("an answer need not be followed by an end", async () => {
    const path = await open({
      alpns: [ALPN.ping],
      serve({ stream }) {
        stream.attach({ data() {}, end() {}, written() {}, closed() {} });
        stream.write(Buffer.from("PONG\n"));
      },
    });
    expect(await probeGateway(await path.client())).toEqual({ heartbeatTtlSeconds: null });
  });

  test.each([
    ["no answer at all", "", "TLS_FAILED", 20_000],
    ["an answer that is too long", "x".repeat(3000), "TLS_FAILED", 20_000],
    ["silence", null, "TIMEOUT", 300],
  ])("%s is a failure, and leaves nothing open", async (_what, text, code, timeoutMs) => {
    const path = await open(answering(text));
    const credentials = await path.client();
    const before = openSockets();
    await expect(probeGateway(credentials, { timeoutMs })).rejects.toMatchObject({ code });
    await untilSocketsAre(before);
  });

  test("a probe that has its answer leaves in order: for the relay it is no lost connection", async () => {
    const ends: (Error | null)[] = [];
    const between = (stream: ByteStream) =>
      observed(stream, (handler) => ({
        closed(error) {
          ends.push(error);
          handler.closed(error);
        },
      }));
    const path = await open({ ...answering("PONG\n"), between });
    const credentials = await path.client();
    const probes = 10;
    for (let i = 0; i < probes; i++) await probeGateway(credentials);
    await until(() => ends.length === probes);
    expect(ends).toEqual(Array(probes).fill(null));
  });

  test("what the relay says is passed on", async () => {
    const path = await open({ relayLine: errorLine("GATEWAY_NOT_CONNECTED", "Not here.") });
    await expect(probeGateway(await path.client())).rejects.toMatchObject({ code: "GATEWAY_NOT_CONNECTED" });
  });
});

/** A relay without X5, as Infisical's: does with a client what it is told. */
async function silentRelay(path: TlsPath, serve: (socket: TLSSocket) => void): Promise<number> {
  const { certificate, privateKey, clientAuthorities } = path.relay.credentials.tls;
  const server = createServer({
    cert: certificate,
    key: privateKey,
    ca: clientAuthorities,
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.on("secureConnection", serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => void server.close());
  return z.object({ port: z.number() }).parse(server.address()).port;
}

describe("probing a relay", () => {
  test("is good when it says OK", async () => {
    const path = await open();
    await probeRelay(await path.client());
  });

  test("is good when one of Infisical's closes in order", async () => {
    const path = await open();
    const relayPort = await silentRelay(path, (socket) => socket.end());
    await probeRelay(await path.client({ relayPort }));
  });

  test("fails with what the relay says", async () => {
    const path = await open({ relayLine: errorLine("DRAINING", "Going down.") });
    await expect(probeRelay(await path.client())).rejects.toMatchObject({ code: "DRAINING" });
  });

  test("fails when the relay refuses the certificate", async () => {
    const path = await open();
    const ours = await path.client();
    const { certificate, privateKey } = (await (await testPki("other-instance")).client()).relay;
    const relay = { ...ours.relay, certificate, privateKey };
    await expect(probeRelay({ ...ours, relay })).rejects.toMatchObject({ code: "CERTIFICATE_REFUSED" });
  });

  test("fails when nobody answers", async () => {
    const path = await open();
    const relayPort = await silentRelay(path, () => {});
    const credentials = await path.client({ relayPort });
    await expect(probeRelay(credentials, { timeoutMs: 200 })).rejects.toMatchObject({ code: "TIMEOUT" });
  });
});
