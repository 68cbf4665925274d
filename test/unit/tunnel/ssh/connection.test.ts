import { expect, test } from "bun:test";
import { ChannelRefused, type ChannelRequest } from "../../../../src/tunnel/ssh/connection.ts";
import { PeerDisconnected } from "../../../../src/tunnel/ssh/messages.ts";
import { WindowBudget } from "../../../../src/tunnel/ssh/window.ts";
import type { ByteStream } from "../../../../src/tunnel/stream.ts";
import { echo } from "../../../support/byte-stream.ts";
import {
  connectedPair,
  countExchanges,
  GATEWAY_ID,
  type Pair,
  type PairOptions,
  PRINCIPAL,
} from "../../../support/ssh-pair.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";
import { until } from "../../../support/until.ts";

const EMPTY = Buffer.alloc(0);

/** A channel with both of its ends at hand. */
async function channelPair(o: PairOptions = {}): Promise<Pair & { near: ByteStream; far: ByteStream }> {
  const far = Promise.withResolvers<ByteStream>();
  const pair = await connectedPair({ ...o, onChannel: (request) => far.resolve(request.accept()) });
  const near = await pair.server.openChannel("direct-tcpip", EMPTY);
  return { ...pair, near, far: await far.promise };
}

test("both ends know each other after the login", async () => {
  const { server, client } = await connectedPair();
  expect(server.username).toBe(GATEWAY_ID);
  expect(server.peerCertificate.keyId).toBe("client-relay");
  expect(client.peerCertificate.principals).toEqual([PRINCIPAL]);
  expect(server.peerIdent).toMatch(/^SSH-2\.0-Sallyport_\d/);
  client.disconnect(11, "done");
});

test("a channel with an empty payload is opened and echoes", async () => {
  const requests: ChannelRequest[] = [];
  const { server } = await connectedPair({
    onChannel(request) {
      requests.push(request);
      echo(request.accept());
    },
  });
  const probe = new StreamProbe(await server.openChannel("direct-tcpip", EMPTY), "keep");
  probe.stream.write(Buffer.from("hello"));
  probe.stream.end();
  expect(await probe.closed).toBeNull();
  expect(probe.text).toBe("hello");
  expect(requests.map(({ type, payload }) => [type, payload.length])).toEqual([["direct-tcpip", 0]]);
  await until(() => server.channelCount === 0);
  server.disconnect(11, "done");
});

test("F13 each direction ends on its own, whichever ends first", async () => {
  for (const nearFirst of [true, false]) {
    const { near, far, server } = await channelPair();
    const [a, b] = [new StreamProbe(near, "keep"), new StreamProbe(far, "keep")];
    const [first, second] = nearFirst ? [a, b] : [b, a];
    first.stream.write(Buffer.from("from the first"));
    first.stream.end();
    await second.end;
    second.stream.write(Buffer.from("after the end of the other"));
    second.stream.end();
    expect(await Promise.all([a.closed, b.closed])).toEqual([null, null]);
    expect([first.text, second.text]).toEqual(["after the end of the other", "from the first"]);
    server.disconnect(11, "done");
  }
});

test("F13 64 MB each way at once, then half-close: the hashes are equal", async () => {
  const { near, far, server, serverBudget, clientBudget } = await channelPair();
  const [a, b] = [new StreamProbe(near), new StreamProbe(far)];
  const total = 64 * 1024 * 1024;
  const [sentByA, sentByB] = await Promise.all([
    a.send(total, 100_003).finally(() => near.end()),
    b.send(total, 7919 * 16).finally(() => far.end()),
  ]);
  expect(await Promise.all([a.closed, b.closed])).toEqual([null, null]);
  expect(b.hash.digest("hex")).toBe(sentByA);
  expect(a.hash.digest("hex")).toBe(sentByB);
  expect([serverBudget.used, clientBudget.used]).toEqual([0, 0]);
  server.disconnect(11, "done");
});

test("every write is reported as written, also when the stream is destroyed", async () => {
  const { near, far, server } = await channelPair();
  const probe = new StreamProbe(near);
  new StreamProbe(far, "stall");
  for (let i = 0; i < 20; i++) near.write(Buffer.alloc(100_000));
  expect(probe.written).toBeLessThan(2_000_000);
  near.destroy(new Error("enough"));
  expect(probe.written).toBe(2_000_000);
  expect((await probe.closed)?.message).toBe("enough");
  near.destroy();
  server.disconnect(11, "done");
});

test("destroy ends the channel at the other end with an error and frees its number and window", async () => {
  const { near, far, server, client, serverBudget, clientBudget } = await channelPair();
  const [a, b] = [new StreamProbe(near), new StreamProbe(far)];
  far.destroy(new Error("target gone"));
  expect((await a.closed)?.message).toBe("the peer gave the channel up");
  expect((await b.closed)?.message).toBe("target gone");
  await until(() => server.channelCount === 0 && client.channelCount === 0);
  expect([serverBudget.used, clientBudget.used]).toEqual([0, 0]);
  server.disconnect(11, "done");
});

test("data is held for a late handler, at most one window of it", async () => {
  const { near, far, server } = await channelPair();
  const probe = new StreamProbe(near);
  void probe.send(8 * 1024 * 1024);
  await until(() => probe.written >= 256 * 1024);
  await Bun.sleep(20);
  expect(probe.written).toBe(256 * 1024);
  const late = new StreamProbe(far);
  await until(() => late.received === 8 * 1024 * 1024);
  server.disconnect(11, "done");
});

test("a handler that is replaced after a prologue gets the rest", async () => {
  const { near, far, server } = await channelPair();
  const prologue = Promise.withResolvers<string>();
  far.attach({
    data(chunk) {
      far.consumed(chunk.length);
      prologue.resolve(chunk.toString());
    },
    end() {},
    written() {},
    closed() {},
  });
  near.write(Buffer.from("OK\n"));
  expect(await prologue.promise).toBe("OK\n");
  const rest = new StreamProbe(far, "keep");
  near.write(Buffer.from("rest"));
  near.end();
  await rest.end;
  expect(rest.text).toBe("rest");
  server.disconnect(11, "done");
});

test("a refused channel rejects with the peer's reason", async () => {
  const { server } = await connectedPair({ onChannel: (request) => request.reject(3, "no such\u0007 type") });
  const refusal = await server.openChannel("x", EMPTY).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ChannelRefused);
  expect(refusal).toMatchObject({ reason: 3, message: "The peer refused the channel: no such type." });
  expect(server.channelCount).toBe(0);
  server.disconnect(11, "done");
});

test("an end that accepts no channels refuses each with reason 1", async () => {
  const { client } = await connectedPair();
  expect(await client.openChannel("session", EMPTY).catch((error: unknown) => error)).toMatchObject({
    reason: 1,
  });
  client.disconnect(11, "done");
});

test("an open that is not answered in time is closed when its confirmation comes late", async () => {
  const requests: ChannelRequest[] = [];
  const { server, client } = await connectedPair({ onChannel: (request) => requests.push(request) });
  const opening = server.openChannel("direct-tcpip", EMPTY, { timeoutMs: 20 });
  expect(await opening.catch((error: unknown) => error)).toMatchObject({ code: "TIMEOUT" });
  expect(server.channelCount).toBe(1);
  const stream = requests[0]?.accept();
  if (!stream) throw new Error("no request");
  expect(await new StreamProbe(stream).closed).toBeInstanceOf(Error);
  await until(() => server.channelCount === 0 && client.channelCount === 0);
  server.disconnect(11, "done");
});

test("more channels than the limit are refused here with GATEWAY_BUSY and there with RESOURCE_SHORTAGE", async () => {
  const options: PairOptions = {
    limits: { channels: 3 },
    clientLimits: { channels: 2 },
    onChannel: (request) => request.accept(),
  };
  const { server } = await connectedPair(options);
  const open = () => server.openChannel("direct-tcpip", EMPTY).catch((error: unknown) => error);
  await open();
  await open();
  expect(await open()).toMatchObject({ code: "RESOURCE_SHORTAGE" });
  server.disconnect(11, "done");
  const own = await connectedPair({ ...options, clientLimits: {} });
  const results = await Promise.all(
    [1, 2, 3, 4].map(() => own.server.openChannel("x", EMPTY).catch((e: unknown) => e)),
  );
  expect(results[3]).toMatchObject({ code: "GATEWAY_BUSY" });
  own.server.disconnect(11, "done");
});

test("channel opens above the rate are refused at either end", async () => {
  const slow = { opensPerSecond: 1, opensBurst: 5 };
  const results = async (limits: PairOptions) => {
    const { server } = await connectedPair({ ...limits, onChannel: (request) => request.accept().destroy() });
    const opens = Array.from({ length: 8 }, () =>
      server.openChannel("x", EMPTY).then(
        () => "open",
        (e: { code: string }) => e.code,
      ),
    );
    const codes = await Promise.all(opens);
    server.disconnect(11, "done");
    return codes.filter((code) => code !== "open");
  };
  expect(await results({ limits: slow })).toEqual(["GATEWAY_BUSY", "GATEWAY_BUSY", "GATEWAY_BUSY"]);
  expect(await results({ clientLimits: slow })).toEqual(Array(3).fill("RESOURCE_SHORTAGE"));
});

test("without budget a channel is refused with RESOURCE_SHORTAGE, at either end", async () => {
  const accept = (request: ChannelRequest) => void request.accept();
  for (const budgets of [
    { serverBudget: new WindowBudget(1000) },
    { clientBudget: new WindowBudget(1000) },
  ]) {
    const { server } = await connectedPair({ ...budgets, onChannel: accept });
    expect(await server.openChannel("x", EMPTY).catch((error: unknown) => error)).toMatchObject({
      code: "RESOURCE_SHORTAGE",
    });
    expect(server.channelCount).toBe(0);
    server.disconnect(11, "done");
  }
});

test("2000 stalled channels stay inside the window budget", async () => {
  const budget = new WindowBudget(64 * 1024 * 1024);
  const clientBudget = new WindowBudget(64 * 1024 * 1024);
  let opened = 0;
  for (let connection = 0; connection < 2; connection++) {
    const { server } = await connectedPair({
      limits: { channels: 1000, opensBurst: 1000, minWindow: 16 * 1024, initialWindow: 64 * 1024 },
      serverBudget: budget,
      clientBudget,
      onChannel: (request) => void new StreamProbe(request.accept(), "stall"),
    });
    const opens = Array.from({ length: 1000 }, () => server.openChannel("x", EMPTY));
    for (const stream of await Promise.all(opens)) {
      opened += 1;
      stream.write(Buffer.alloc(100_000));
    }
    await until(() => server.channelCount === 1000);
  }
  expect(opened).toBe(2000);
  expect(budget.used).toBeLessThanOrEqual(budget.limit);
  expect(clientBudget.used).toBeLessThanOrEqual(clientBudget.limit);
});

test("F14 one stalled channel beside 99 busy ones: the busy ones finish", async () => {
  let count = 0;
  const { server } = await connectedPair({
    onChannel(request) {
      const stream = request.accept();
      if (count++ === 0) new StreamProbe(stream, "stall");
      else echo(stream);
    },
  });
  const stalled = new StreamProbe(await server.openChannel("x", EMPTY));
  void stalled.send(16 * 1024 * 1024);
  const busy = await Promise.all(Array.from({ length: 99 }, () => server.openChannel("x", EMPTY)));
  const total = 512 * 1024;
  const hashes = await Promise.all(
    busy.map(async (stream) => {
      const probe = new StreamProbe(stream);
      const sent = await probe.send(total);
      stream.end();
      await probe.closed;
      return probe.hash.digest("hex") === sent;
    }),
  );
  expect(hashes.every(Boolean)).toBe(true);
  expect(stalled.written).toBeLessThanOrEqual(1024 * 1024);
  server.disconnect(11, "done");
});

test("a peer that stops reading holds up the writers, not the memory", async () => {
  const { near, far, server, serverSocket, clientSocket } = await channelPair();
  new StreamProbe(far);
  const probe = new StreamProbe(near);
  serverSocket.stall();
  void probe.send(32 * 1024 * 1024, 64 * 1024, 32 * 1024 * 1024);
  await Bun.sleep(20);
  expect(probe.written).toBeLessThanOrEqual(256 * 1024);
  serverSocket.flow();
  await until(() => probe.written === 32 * 1024 * 1024);
  expect(clientSocket.closed).toBe(false);
  server.disconnect(11, "done");
});

test("the end of the connection ends channels and pending opens with its error", async () => {
  const { server, client } = await connectedPair({ onChannel: () => {} });
  const opening = server.openChannel("x", EMPTY).catch((error: unknown) => error);
  const ends: unknown[] = [];
  server.onClosed((error) => ends.push(error));
  client.disconnect(11, "replaced\u001b[2J");
  expect(await opening).toMatchObject({ code: "SSH_DISCONNECTED" });
  await until(() => ends.length > 0);
  expect(ends[0]).toBeInstanceOf(PeerDisconnected);
  expect(ends[0]).toMatchObject({ reason: 11, peerReason: "replaced [2J" });
  server.onClosed((error) => ends.push(error));
  await until(() => ends.length === 2);
  await expect(server.openChannel("x", EMPTY)).rejects.toMatchObject({ code: "SSH_DISCONNECTED" });
});

test("whoever disconnects is told null, once", async () => {
  const { server } = await connectedPair();
  const ends: unknown[] = [];
  server.onClosed((error) => ends.push(error));
  server.disconnect(11, "bye");
  server.disconnect(11, "bye again");
  expect(ends).toEqual([null]);
});

test("draining refuses new channels, lets the present ones end and then says draining", async () => {
  const { near, far, server, client } = await channelPair();
  const [a, b] = [new StreamProbe(near), new StreamProbe(far, "keep")];
  const drained = server.drain(60_000);
  const end = new Promise((resolve) => client.onClosed(resolve));
  await expect(server.openChannel("x", EMPTY)).rejects.toMatchObject({ code: "DRAINING" });
  near.write(Buffer.from("still alive"));
  near.end();
  await b.end;
  far.end();
  expect(await a.closed).toBeNull();
  await drained;
  expect(b.text).toBe("still alive");
  expect(await end).toMatchObject({ reason: 11, peerReason: "draining" });
});

test("draining does not wait longer than its grace", async () => {
  const { near, server } = await channelPair();
  const probe = new StreamProbe(near);
  await server.drain(20);
  expect(await probe.closed).toBeInstanceOf(Error);
  await server.drain(20);
});

test("rekeying every 4 MB under load loses nothing", async () => {
  const { near, far, server, serverTransport } = await channelPair({
    limits: { rekeyBytes: 4 * 1024 * 1024 },
  });
  const exchanges = countExchanges(serverTransport);
  echo(far);
  const probe = new StreamProbe(near);
  const sent = await probe.send(48 * 1024 * 1024);
  near.end();
  expect(await probe.closed).toBeNull();
  expect(exchanges.count).toBeGreaterThanOrEqual(8);
  expect(probe.hash.digest("hex")).toBe(sent);
  server.disconnect(11, "done");
});

test("data in pieces of any size and through a narrow pipe arrives whole", async () => {
  for (const piece of [1, 7, 1000]) {
    const { near, far, server } = await channelPair({ piece, capacity: 3000 });
    echo(far);
    const probe = new StreamProbe(near);
    const sent = await probe.send(40_000, 9000);
    near.end();
    expect(await probe.closed).toBeNull();
    expect(probe.hash.digest("hex")).toBe(sent);
    server.disconnect(11, "done");
  }
});
