import { expect, test } from "bun:test";
import type { SallyportError } from "../../../../src/telemetry/error.ts";
import { echo } from "../../../support/byte-stream.ts";
import { FakeTimers, turns } from "../../../support/fake-timers.ts";
import { connectedPair, countExchanges } from "../../../support/ssh-pair.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";

const SECOND = 1000;

async function pairWithClock() {
  const timers = new FakeTimers();
  const pair = await connectedPair({ timers, onChannel: (request) => echo(request.accept()) });
  const ends: Record<"server" | "client", SallyportError | null | undefined> = {
    server: undefined,
    client: undefined,
  };
  pair.server.onClosed((error) => (ends.server = error));
  pair.client.onClosed((error) => (ends.client = error));
  return { ...pair, timers, ends };
}

test("an idle connection stays up for hours: both ends ask and answer", async () => {
  const { timers, ends, serverSocket, clientSocket } = await pairWithClock();
  const before = [serverSocket.sent, clientSocket.sent];
  await timers.advance(2 * 3600 * SECOND);
  expect(ends).toEqual({ server: undefined, client: undefined });
  expect(serverSocket.sent).toBeGreaterThan((before[0] ?? 0) + 700 * 36);
  expect(clientSocket.sent).toBeGreaterThan((before[1] ?? 0) + 700 * 36);
});

test("F2 a black hole on either side is noticed by both ends within 25 s", async () => {
  const { timers, ends, serverSocket, clientSocket } = await pairWithClock();
  serverSocket.stall();
  clientSocket.stall();
  await timers.advance(19 * SECOND);
  expect(ends).toEqual({ server: undefined, client: undefined });
  await timers.advance(6 * SECOND);
  expect(ends.server).toMatchObject({
    code: "SSH_DISCONNECTED",
    message: "The SSH peer has been silent for 20 seconds.",
  });
  expect(ends.client).toMatchObject({ code: "SSH_DISCONNECTED" });
});

test("a process that was itself stopped gives the peer time to be heard", async () => {
  const { timers, ends } = await pairWithClock();
  await timers.advance(5 * SECOND);
  timers.freeze(600 * SECOND);
  await timers.advance(30 * SECOND);
  expect(ends).toEqual({ server: undefined, client: undefined });
});

test("an answer that nobody asked for ends the connection", async () => {
  const { clientTransport, ends } = await pairWithClock();
  clientTransport.send(Buffer.of(82));
  await turns();
  expect(ends.server).toMatchObject({ code: "SSH_PROTOCOL" });
  expect(ends.client).toMatchObject({ reason: 2 });
});

test("a peer that never answers keepalives but sends data stays", async () => {
  const { timers, ends, server, clientTransport } = await pairWithClock();
  const send = clientTransport.send.bind(clientTransport);
  clientTransport.send = (payload) => {
    if (payload[0] !== 82) send(payload);
  };
  const probe = new StreamProbe(await server.openChannel("x", Buffer.alloc(0)));
  for (let i = 0; i < 20; i++) {
    probe.stream.write(Buffer.from("sign of life"));
    await timers.advance(10 * SECOND);
  }
  expect(ends.server).toBeUndefined();
});

test("no timer outlives the connection", async () => {
  const { timers, server } = await pairWithClock();
  await server.openChannel("x", Buffer.alloc(0));
  server.disconnect(11, "done");
  await timers.advance(3 * SECOND);
  expect(timers.pending).toBe(0);
});

test("keys change after an hour without data", async () => {
  const { timers, server, serverTransport } = await pairWithClock();
  const exchanges = countExchanges(serverTransport);
  await timers.advance(3590 * SECOND);
  expect(exchanges.count).toBe(0);
  await timers.advance(30 * SECOND);
  expect(exchanges.count).toBe(1);
  const probe = new StreamProbe(await server.openChannel("x", Buffer.alloc(0)), "keep");
  probe.stream.write(Buffer.from("after"));
  probe.stream.end();
  await probe.closed;
  expect(probe.text).toBe("after");
});
