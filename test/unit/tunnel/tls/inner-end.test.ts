import { afterAll, beforeAll, expect, test } from "bun:test";
import { silentLogger } from "../../../../src/telemetry/log.ts";
import { ALPN } from "../../../../src/tunnel/alpn.ts";
import type { ByteStream } from "../../../../src/tunnel/stream.ts";
import { dialInnerTls } from "../../../../src/tunnel/tls/inner-client.ts";
import { type InnerTlsServer, openInnerTlsServer } from "../../../../src/tunnel/tls/inner-server.ts";
import { tcpPair } from "../../../support/tcp-pair.ts";
import { GATEWAY_ID, testPki } from "../../../support/test-pki.ts";

let server: InnerTlsServer;
let size = 0;

beforeAll(async () => {
  const pki = await testPki();
  const credentials = await pki.gateway();
  server = openInnerTlsServer({
    credentials: () => credentials.tls,
    alpns: [ALPN.sallyportTcp],
    log: silentLogger,
    onConnection({ stream }) {
      stream.attach({ data() {}, end: () => stream.end(), written() {}, closed() {} });
      stream.write(Buffer.alloc(size, "x"));
      stream.end();
    },
  });
});
afterAll(() => server.close());

test("a stream that ends just when the kernel's buffer is full still ends in order", async () => {
  const { gateway } = await (await testPki()).client();
  // Around the buffer of a unix socket (208 KiB on Linux) some of these lengths fill it to the last byte.
  for (size = 180_000; size < 240_000; size += 997) {
    const { a, b } = await tcpPair();
    server.accept(b);
    const { stream } = await dialInnerTls(a, {
      identity: gateway,
      alpns: [ALPN.sallyportTcp],
      gatewayId: GATEWAY_ID,
      requireUri: true,
      timeoutMs: 10_000,
    });
    expect(await receiveAll(stream)).toEqual({ bytes: size, error: null });
  }
});

function receiveAll(stream: ByteStream): Promise<{ bytes: number; error: Error | null }> {
  return new Promise((resolve) => {
    let bytes = 0;
    stream.attach({
      data(chunk) {
        bytes += chunk.length;
        stream.consumed(chunk.length);
      },
      end: () => stream.end(),
      written() {},
      closed: (error) => resolve({ bytes, error }),
    });
  });
}
