import { afterAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { silentLogger } from "../../../../src/telemetry/log.ts";
import { ALPN } from "../../../../src/tunnel/alpn.ts";
import { dialInnerTls } from "../../../../src/tunnel/tls/inner-client.ts";
import { openInnerTlsServer } from "../../../../src/tunnel/tls/inner-server.ts";
import { echo } from "../../../support/byte-stream.ts";
import { connectedPair } from "../../../support/ssh-pair.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";
import { GATEWAY_ID, testPki } from "../../../support/test-pki.ts";
import { until } from "../../../support/until.ts";

const pki = await testPki();
const gateway = await pki.gateway();
const { gateway: identity } = await pki.client();
const KIB = 1024;

const endings: unknown[] = [];
const inner = openInnerTlsServer({
  credentials: () => gateway.tls,
  alpns: [ALPN.sallyportTcp],
  log: silentLogger,
  onConnection: ({ stream }) => echo(stream),
});
afterAll(() => inner.close());

/** A relay's and a gateway's end, with the inner TLS of a client in each channel. */
async function tunnels() {
  const pair = await connectedPair({
    channelsAreTls: "both",
    onChannel: (request) => inner.accept(request.accept()),
  });
  pair.server.onClosed((error) => endings.push(error));
  return {
    ...pair,
    async open(): Promise<StreamProbe> {
      const channel = await pair.server.openChannel("x", Buffer.alloc(0));
      const { stream } = await dialInnerTls(channel, {
        identity,
        alpns: [ALPN.sallyportTcp],
        gatewayId: GATEWAY_ID,
        requireUri: true,
        timeoutMs: 5000,
      });
      return new StreamProbe(stream, "keep");
    },
  };
}

test.each(["towards the gateway", "towards the client"] as const)(
  "B11 who changes a byte of data in clear, %s, ends that tunnel and no other",
  async (direction) => {
    const pair = await tunnels();
    const [attacked, other] = [await pair.open(), await pair.open()];
    const socket = direction === "towards the gateway" ? pair.serverSocket : pair.clientSocket;
    let changed = false;
    socket.tap = (sent) => {
      if (changed || sent.length < 20 * KIB) return sent;
      changed = true;
      const at = sent.length - 10 * KIB;
      sent[at] = (sent[at] ?? 0) ^ 1;
      return sent;
    };
    const content = randomBytes(200 * KIB);
    attacked.stream.write(Buffer.from(content));
    expect(await attacked.closed).toBeInstanceOf(Error);
    expect(changed).toBe(true);
    // What has come of it is right as far as it goes.
    const come = Buffer.concat(attacked.chunks);
    expect(come.equals(content.subarray(0, come.length))).toBe(true);
    other.stream.write(Buffer.from(content));
    await until(() => other.received === content.length);
    expect(Buffer.concat(other.chunks).equals(content)).toBe(true);
    expect(endings).toEqual([]);
    other.stream.destroy();
  },
);

test("B11 who gives a tunnel the data of another ends it, and has read nothing", async () => {
  const pair = await tunnels();
  const [one, two] = [await pair.open(), await pair.open()];
  const [first, second] = [randomBytes(64 * KIB), randomBytes(64 * KIB)];
  const wire: Buffer[] = [];
  let kept: Buffer | null = null;
  pair.serverSocket.tap = (sent) => {
    wire.push(Buffer.from(sent));
    if (sent.length < 20 * KIB) return sent;
    if (!kept) {
      kept = Buffer.from(sent);
      return sent;
    }
    // Of the same length, in place of its own.
    const body = Math.min(kept.length, sent.length) - KIB;
    kept.copy(sent, sent.length - body, kept.length - body);
    return sent;
  };
  one.stream.write(Buffer.from(first));
  await until(() => one.received === first.length);
  two.stream.write(Buffer.from(second));
  expect(await two.closed).toBeInstanceOf(Error);
  expect(two.received).toBe(0);
  for (const content of [first, second])
    expect(Buffer.concat(wire).includes(content.subarray(1000, 1032))).toBe(false);
  expect(pair.serverTransport.closed).toBe(false);
  one.stream.destroy();
});
