import { describe, expect, test } from "bun:test";
import { SshWriter } from "../../../../src/pki/ssh-wire.ts";
import type { SallyportError } from "../../../../src/telemetry/error.ts";
import { openMux, STREAM } from "../../../../src/tunnel/mux/connection.ts";
import { dataHeader } from "../../../../src/tunnel/mux/frames.ts";
import type { ChannelRequest } from "../../../../src/tunnel/ssh/connection.ts";
import type { SshLimits } from "../../../../src/tunnel/ssh/limits.ts";
import { disconnectMessage, MESSAGE, numberMessage } from "../../../../src/tunnel/ssh/messages.ts";
import type { Timers } from "../../../../src/tunnel/ssh/timers.ts";
import { WindowBudget } from "../../../../src/tunnel/ssh/window.ts";
import { echo } from "../../../support/byte-stream.ts";
import { FakeTimers, turns } from "../../../support/fake-timers.ts";
import { muxPair, RawPeer, tlsPair } from "../../../support/mux-pair.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";
import { until } from "../../../support/until.ts";

const EMPTY = Buffer.alloc(0);
const MIB = 1024 * 1024;
const open = async (pair: Awaited<ReturnType<typeof muxPair>>) => pair.client.openChannel(STREAM, EMPTY);

describe("a tunnel in a shared session", () => {
  test("whose client ends first still hears all of the answer", async () => {
    const pair = await muxPair({
      serve(stream) {
        stream.attach({
          data: (chunk) => stream.consumed(chunk.length),
          end() {
            stream.write(Buffer.alloc(3 * MIB, "answer"));
            stream.end();
          },
          written() {},
          closed() {},
        });
      },
    });
    const probe = new StreamProbe(await open(pair));
    probe.stream.write(Buffer.from("question"));
    probe.stream.end();
    expect(await probe.closed).toBeNull();
    expect(probe.received).toBe(3 * MIB);
    await until(() => pair.client.channelCount + pair.server.channelCount === 0);
  });

  test("whose target ends first still takes all that the client sends", async () => {
    let target: StreamProbe | undefined;
    const pair = await muxPair({
      serve(stream) {
        target = new StreamProbe(stream);
        stream.end();
      },
    });
    const probe = new StreamProbe(await open(pair));
    await probe.end;
    const hash = await probe.send(3 * MIB);
    probe.stream.end();
    expect(await target?.closed).toBeNull();
    expect(await probe.closed).toBeNull();
    expect(target?.hash.digest("hex")).toBe(hash);
  });

  test("carries 50 MiB each way beside others, one of which nobody reads", async () => {
    const stalled: StreamProbe[] = [];
    let opened = 0;
    const pair = await muxPair({
      serve(stream) {
        opened += 1;
        if (opened > 1) return echo(stream);
        stalled.push(new StreamProbe(stream, "stall"));
      },
    });
    const slow = new StreamProbe(await open(pair), "stall");
    const sending = slow.send(64 * MIB);
    const work = Array.from({ length: 4 }, async () => {
      const probe = new StreamProbe(await open(pair));
      const hash = await probe.send(12.5 * MIB);
      probe.stream.end();
      expect(await probe.closed).toBeNull();
      expect(probe.received).toBe(12.5 * MIB);
      expect(probe.hash.digest("hex")).toBe(hash);
    });
    await Promise.all(work);
    // What nobody reads holds no more than its window.
    expect(stalled[0]?.received).toBeGreaterThan(0);
    expect(stalled[0]?.received).toBeLessThanOrEqual(pair.budgets.server.used);
    slow.stream.destroy();
    await sending;
    await until(() => pair.server.channelCount === 0 && pair.client.channelCount === 0);
    expect([pair.budgets.client.used, pair.budgets.server.used]).toEqual([0, 0]);
  });

  test("that one end drops shows as an error at the other, never as its end, and the others go on", async () => {
    const served: StreamProbe[] = [];
    const pair = await muxPair({ serve: (stream) => void served.push(new StreamProbe(stream)) });
    const [first, second, third] = [await open(pair), await open(pair), await open(pair)].map(
      (stream) => new StreamProbe(stream),
    );
    await until(() => served.length === 3);
    first?.stream.write(Buffer.from("half"));
    first?.stream.destroy();
    expect(await served[0]?.closed).toBeInstanceOf(Error);
    expect(served[0]?.ended).toBe(false);

    served[1]?.stream.write(Buffer.from("half"));
    served[1]?.stream.destroy();
    expect(await second?.closed).toBeInstanceOf(Error);
    expect(second?.ended).toBe(false);

    third?.stream.write(Buffer.from("whole"));
    third?.stream.end();
    served[2]?.stream.end();
    expect(await third?.closed).toBeNull();
    expect(await served[2]?.closed).toBeNull();
    expect(served[2]?.received).toBe(5);
  });
});

describe("a session that is lost", () => {
  test("ends all its tunnels with an error, also those being opened, at both ends", async () => {
    const requests: ChannelRequest[] = [];
    const served: StreamProbe[] = [];
    const pair = await muxPair({
      onChannel(request) {
        requests.push(request);
        if (requests.length <= 2) served.push(new StreamProbe(request.accept()));
      },
    });
    const probes = [new StreamProbe(await open(pair)), new StreamProbe(await open(pair))];
    const pending = open(pair).catch((error: unknown) => error);
    await until(() => requests.length === 3);
    pair.line.destroy(new Error("the cable is cut"));
    for (const probe of [...probes, ...served]) {
      expect(await probe.closed).toBeInstanceOf(Error);
      expect(probe.ended).toBe(false);
    }
    expect(await pending).toMatchObject({ code: "TLS_FAILED" });
    expect(await open(pair).catch((error: unknown) => error)).toMatchObject({ code: "TLS_FAILED" });
    expect([pair.budgets.client.used, pair.budgets.server.used]).toEqual([0, 0]);
  });

  test("by an end of TLS that nobody announced is an error, too", async () => {
    const { client, server } = await tlsPair();
    const connection = openMux(client.stream, { role: "client", budget: new WindowBudget() });
    const opening = connection.openChannel(STREAM, EMPTY);
    const peer = new RawPeer(server.stream);
    await until(() => peer.heard.includes(MESSAGE.channelOpen));
    peer.send(confirmation(0, 0));
    const probe = new StreamProbe(await opening);
    peer.raw(Buffer.concat([dataHeader(0, 4), Buffer.from("half")]));
    server.stream.end();
    expect(await probe.closed).toMatchObject({ code: "TLS_FAILED" });
    expect(probe).toMatchObject({ received: 4, ended: false });
  });

  test("leaves no timer behind, whoever ends it", async () => {
    const timers = [new FakeTimers(), new FakeTimers(), new FakeTimers()];
    const pairs = await Promise.all(timers.map((timers) => muxPair({ timers })));
    pairs[0]?.client.disconnect(11, "done");
    pairs[1]?.server.disconnect(11, "done");
    pairs[2]?.line.destroy();
    await until(() => timers.every(({ pending }) => pending === 0));
  });

  test("because its peer has fallen silent is noticed, and one that answers is kept", async () => {
    const timers = new FakeTimers();
    const lively = await muxPair({ timers });
    let livelyEnd: SallyportError | null | undefined;
    lively.client.onClosed((error) => (livelyEnd = error));
    await timers.advance(120_000);
    expect(livelyEnd).toBeUndefined();
    lively.client.disconnect(11, "done");

    const { client, server } = await tlsPair();
    const peer = new RawPeer(server.stream);
    const connection = openMux(client.stream, { role: "client", budget: new WindowBudget(), timers });
    const end = Promise.withResolvers<SallyportError | null>();
    connection.onClosed(end.resolve);
    await timers.advance(19_000);
    expect(peer.heard).toContain(MESSAGE.globalRequest);
    await timers.advance(6000);
    expect(await end.promise).toMatchObject({
      code: "TLS_FAILED",
      message: expect.stringContaining("silent"),
    });
  });

  test("is closed for good 2 s after its end, whether the peer closes or not", async () => {
    const timers = new FakeTimers();
    const { client, server, line } = await tlsPair();
    server.stream.attach({ data() {}, end() {}, written() {}, closed() {} });
    const connection = openMux(client.stream, { role: "client", budget: new WindowBudget(), timers });
    connection.disconnect(11, "done");
    await turns();
    expect(line.closed).toBe(false);
    await timers.advance(2000);
    expect(line.closed).toBe(true);
    expect(timers.pending).toBe(0);
  });
});

describe("a drained session", () => {
  test("opens nothing more and ends with its last tunnel", async () => {
    const pair = await muxPair();
    let end: SallyportError | null | undefined;
    pair.client.onClosed((error) => (end = error));
    const probe = new StreamProbe(await open(pair));
    void pair.server.drain(1_000_000);
    expect(await open(pair).catch((error: unknown) => error)).toMatchObject({ code: "RESOURCE_SHORTAGE" });
    probe.stream.write(Buffer.from("still"));
    await until(() => probe.received === 5);
    expect(end).toBeUndefined();
    probe.stream.end();
    expect(await probe.closed).toBeNull();
    await until(() => end !== undefined);
    expect(end).toMatchObject({ code: "DRAINING" });
  });
});

interface Attack {
  peer: RawPeer;
  channels: StreamProbe[];
  budget: WindowBudget;
  /** What our end ended with; undefined while it is up. */
  end: () => SallyportError | null | undefined;
}

/** A client that has agreed on the protocol, and from then on sends what the test says. */
async function attack(
  o: { limits?: Partial<SshLimits>; timers?: Timers; reads?: boolean } = {},
): Promise<Attack> {
  const { client, server } = await tlsPair();
  const budget = new WindowBudget();
  const channels: StreamProbe[] = [];
  const connection = openMux(server.stream, {
    role: "server",
    budget,
    limits: o.limits,
    ...(o.timers && { timers: o.timers }),
    onChannel: (request) => void channels.push(new StreamProbe(request.accept(), "stall")),
  });
  let end: SallyportError | null | undefined;
  connection.onClosed((error) => (end = error));
  return { peer: new RawPeer(client.stream, o), channels, budget, end: () => end };
}

describe("a hostile peer", () => {
  test.each([
    ["data for a channel that is not open", Buffer.concat([dataHeader(5, 1), Buffer.from("x")])],
    ["an end of one", framed(numberMessage(MESSAGE.channelEof, 5))],
    ["a close of one", framed(numberMessage(MESSAGE.channelClose, 5))],
    ["credit for one", framed(numberMessage(MESSAGE.channelWindowAdjust, 5, 9))],
    ["an answer that nobody asked for", framed(confirmation(5, 5))],
    ["a sign of life that nobody asked for", framed(Buffer.of(MESSAGE.requestSuccess))],
    ["a message of the SSH transport", framed(Buffer.of(MESSAGE.kexInit))],
    ["a login", framed(Buffer.of(MESSAGE.userauthRequest))],
    ["message 0", framed(Buffer.of(0))],
    ["a channel of tiny packets", framed(openMessage(0, 1000, 16))],
    ["an open that is cut off", framed(Buffer.of(MESSAGE.channelOpen, 0, 0))],
    ["noise", Buffer.alloc(100, 0xff)],
  ])("that sends %s is told so and cut", async (_, bytes) => {
    const { peer, end } = await attack();
    peer.raw(bytes);
    await until(() => end() !== undefined);
    expect(end()).toMatchObject({ code: "TLS_FAILED" });
    await until(() => peer.closed);
    expect(peer.heard).toEqual([MESSAGE.disconnect]);
  });

  test("that sends more than a channel's window is cut", async () => {
    const { peer, end, channels, budget } = await attack();
    peer.send(openMessage(0));
    await until(() => channels.length === 1);
    for (let i = 0; i < 5; i++) peer.raw(Buffer.concat([dataHeader(0, 65_536), Buffer.alloc(65_536)]));
    await until(() => end() !== undefined);
    expect(end()?.message).toContain("window");
    expect(channels[0]?.received).toBeLessThanOrEqual(256 * 1024);
    expect(budget.used).toBe(0);
  });

  test("is told of messages that nobody knows, and kept", async () => {
    const { peer, end } = await attack();
    peer.send(Buffer.of(150), Buffer.of(MESSAGE.ignore, 1, 2), Buffer.of(MESSAGE.debug));
    peer.send(new SshWriter().byte(MESSAGE.globalRequest).string("x@y").boolean(true).toBuffer());
    await until(() => peer.heard.length === 2);
    expect(peer.heard).toEqual([MESSAGE.unimplemented, MESSAGE.requestFailure]);
    expect(end()).toBeUndefined();
  });

  test("that asks and never reads is cut, with no more than 5 MiB for it", async () => {
    const { peer, end } = await attack({ reads: false });
    const many = Buffer.concat(Array.from({ length: 10_000 }, () => framed(Buffer.of(150))));
    let asked = 0;
    while (end() === undefined && asked < 2_000_000) {
      peer.raw(Buffer.from(many));
      asked += 10_000;
      await turns(2);
    }
    expect(end()?.message).toContain("does not read");
    // Nine bytes each.
    expect(asked * 9).toBeLessThan(5 * MIB);
  });

  test("gets no more channels than allowed, and those it has go on", async () => {
    const { peer, end, channels } = await attack({ limits: { channels: 3 } });
    peer.send(...[0, 1, 2, 3, 4].map((id) => openMessage(id)));
    await until(() => peer.heard.length === 5);
    expect(peer.heard.filter((type) => type === MESSAGE.channelOpenConfirmation)).toHaveLength(3);
    expect(peer.heard.filter((type) => type === MESSAGE.channelOpenFailure)).toHaveLength(2);
    peer.raw(Buffer.concat([dataHeader(0, 2), Buffer.from("ok")]));
    await until(() => channels[0]?.received === 2);
    expect(end()).toBeUndefined();
  });

  test("gets no more channels a second than allowed, and none at all for asking without end", async () => {
    const timers = new FakeTimers();
    const { peer, end, channels } = await attack({ timers, limits: { opensPerSecond: 10, opensBurst: 2 } });
    peer.send(...[0, 1, 2].map((id) => openMessage(id)));
    await until(() => peer.heard.length === 3);
    expect(channels).toHaveLength(2);
    await timers.advance(100);
    peer.send(openMessage(3));
    await until(() => channels.length === 3);
    for (let i = 0; i < 60; i++) peer.send(...Array.from({ length: 100 }, (_, id) => openMessage(id)));
    await until(() => end() !== undefined);
    expect(end()?.message).toContain("without end");
  });

  test("opens nothing towards a client", async () => {
    const { client, server } = await tlsPair();
    const connection = openMux(client.stream, { role: "client", budget: new WindowBudget() });
    const peer = new RawPeer(server.stream);
    peer.send(openMessage(0), openMessage(1));
    await until(() => peer.heard.length === 2);
    expect(peer.heard).toEqual([MESSAGE.channelOpenFailure, MESSAGE.channelOpenFailure]);
    // 1: administratively prohibited.
    expect(peer.payloads[0]?.readUInt32BE(5)).toBe(1);
    expect(connection.channelCount).toBe(0);
    connection.disconnect(11, "done");
  });

  test("whose words for the end are strange is quoted on one line", async () => {
    const { peer, end } = await attack();
    peer.send(disconnectMessage(11, "\u001b[31mERR\nSESSION_ENDED x"));
    await until(() => end() !== undefined);
    expect(end()).toMatchObject({ code: "DRAINING" });
    expect(end()?.message).toMatch(/^[\p{L}\p{P}\p{S}\p{N} ]+$/u);
  });
});

function framed(payload: Buffer): Buffer {
  return new SshWriter().string(payload).toBuffer();
}

function confirmation(theirs: number, ours: number): Buffer {
  return numberMessage(MESSAGE.channelOpenConfirmation, theirs, ours, 65_536, 32_768);
}

function openMessage(id: number, window = 1000, maxPacket = 32_768): Buffer {
  const message = new SshWriter().byte(MESSAGE.channelOpen).string(STREAM).uint32(id);
  return message.uint32(window).uint32(maxPacket).toBuffer();
}
