import { expect, test } from "bun:test";
import fc from "fast-check";
import { SshWriter } from "../../../../src/pki/ssh-wire.ts";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { DEFAULT_LIMITS, OWN_MAX_PACKET } from "../../../../src/tunnel/ssh/limits.ts";
import { MESSAGE, numberMessage } from "../../../../src/tunnel/ssh/messages.ts";
import { FakeTimers, turns } from "../../../support/fake-timers.ts";
import { connectedPair, type Pair, type PairOptions } from "../../../support/ssh-pair.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";
import { until } from "../../../support/until.ts";

const EMPTY = Buffer.alloc(0);
const KIB = 1024;

interface Attack extends Pair {
  /** Sends a message to the server as its peer. */
  send(payload: Buffer): void;
  /** What the server's connection ended with; undefined while it is up. */
  end: SallyportError | null | undefined;
  /** Messages that came from the server, by number. */
  answers: number[];
  payloads: Buffer[];
}

/** A peer that has logged in and from then on sends what the test says. */
async function attack(o: PairOptions = {}): Promise<Attack> {
  const pair = await connectedPair(o);
  const attacker: Attack = {
    ...pair,
    send: (payload) => pair.clientTransport.send(payload),
    end: undefined,
    answers: [],
    payloads: [],
  };
  pair.server.onClosed((error) => (attacker.end = error));
  pair.clientTransport.events = {
    message(type, payload) {
      attacker.answers.push(type);
      attacker.payloads.push(Buffer.from(payload));
    },
    keysChanged() {},
    room() {},
    heard() {},
    closed() {},
  };
  return attacker;
}

/** The same, with one channel open that the server opened: number 0 at either end. */
async function attackOnChannel(
  o: { window?: number; maxPacket?: number } = {},
): Promise<Attack & { probe: StreamProbe }> {
  const attacker = await attack();
  const opening = attacker.server.openChannel("x", EMPTY);
  await until(() => attacker.answers.includes(MESSAGE.channelOpen));
  attacker.send(confirmation(0, 0, o.window ?? 64 * KIB, o.maxPacket ?? 32 * KIB));
  const probe = new StreamProbe(await opening, "stall");
  attacker.answers.length = 0;
  return {
    ...attacker,
    probe,
    get end() {
      return attacker.end;
    },
  };
}

const open = (id: number, o: { window?: number; maxPacket?: number } = {}) =>
  new SshWriter()
    .byte(90)
    .string("x")
    .uint32(id)
    .uint32(o.window ?? 1000)
    .uint32(o.maxPacket ?? 32 * KIB)
    .toBuffer();
const confirmation = (...numbers: number[]) => numberMessage(MESSAGE.channelOpenConfirmation, ...numbers);
const data = (id: number, length: number) =>
  new SshWriter().byte(94).uint32(id).string(Buffer.alloc(length)).toBuffer();
const extended = (id: number, length: number) =>
  new SshWriter().byte(95).uint32(id).uint32(1).string(Buffer.alloc(length)).toBuffer();
const request = (id: number, wantReply: boolean) =>
  new SshWriter().byte(98).uint32(id).string("exec").boolean(wantReply).toBuffer();
const adjust = (id: number, credit: number) => numberMessage(MESSAGE.channelWindowAdjust, id, credit);
const eof = (id: number) => numberMessage(MESSAGE.channelEof, id);
const close = (id: number) => numberMessage(MESSAGE.channelClose, id);

async function expectProtocolError(attacker: { end: SallyportError | null | undefined }): Promise<void> {
  await until(() => attacker.end !== undefined);
  expect(attacker.end).toMatchObject({ code: "SSH_PROTOCOL" });
}

test("messages for channels that are not open end the connection in order", async () => {
  for (const message of [
    data(7, 1),
    extended(7, 1),
    adjust(7, 1),
    eof(7),
    close(7),
    request(7, true),
    confirmation(7, 0, 1, 1),
  ]) {
    const attacker = await attack();
    attacker.send(message);
    await expectProtocolError(attacker);
  }
});

test("messages that do not fit the state of their channel end the connection in order", async () => {
  const second = confirmation(0, 0, 1, 32 * KIB);
  const cases: Buffer[][] = [
    [second],
    [eof(0), eof(0)],
    [eof(0), data(0, 1)],
    [close(0), close(0)],
    [close(0), data(0, 1)],
    [adjust(0, 2 ** 32 - 1)],
    [numberMessage(MESSAGE.channelSuccess, 0)],
    [numberMessage(MESSAGE.channelFailure, 0)],
    [numberMessage(MESSAGE.channelOpenFailure, 0, 1)],
  ];
  for (const messages of cases) {
    const attacker = await attackOnChannel();
    for (const message of messages) attacker.send(message);
    await expectProtocolError(attacker);
  }
});

test("truncated messages and lengths that lie end the connection in order", async () => {
  const lying = data(0, 10);
  lying.writeUInt32BE(2 ** 32 - 1, 5);
  for (const message of [
    Buffer.of(94),
    data(0, 10).subarray(0, 12),
    lying,
    Buffer.of(93, 0, 0),
    Buffer.of(80, 255, 255, 255, 255),
  ]) {
    const attacker = await attackOnChannel();
    attacker.send(message);
    await expectProtocolError(attacker);
  }
});

test("data beyond the window, or in longer packets than agreed, ends the connection", async () => {
  const flood = await attackOnChannel();
  for (let i = 0; i < 3; i++) flood.send(data(0, 100 * KIB));
  await expectProtocolError(flood);
  expect(flood.probe.received).toBeLessThanOrEqual(256 * KIB);
  const discarded = await attackOnChannel();
  for (let i = 0; i < 3; i++) discarded.send(extended(0, OWN_MAX_PACKET));
  await turns();
  expect(discarded.end).toBeUndefined();
  expect(discarded.answers).toContain(MESSAGE.channelWindowAdjust);
  const long = await attackOnChannel();
  long.send(data(0, OWN_MAX_PACKET + 1));
  await expectProtocolError(long);
});

test("a peer that wants its data in tiny packets is refused", async () => {
  const attacker = await attack();
  void attacker.server.openChannel("x", EMPTY).catch(() => null);
  await until(() => attacker.answers.includes(MESSAGE.channelOpen));
  attacker.send(confirmation(0, 0, 1000, 0));
  await expectProtocolError(attacker);
  const opener = await attack({ onServerChannel: (r) => void r.accept() });
  opener.send(open(0, { maxPacket: 1 }));
  await expectProtocolError(opener);
});

test("packets and window of the peer are never exceeded", async () => {
  const attacker = await attackOnChannel({ window: 10_000, maxPacket: 3000 });
  attacker.probe.stream.write(Buffer.alloc(50_000));
  await turns();
  const sizes = attacker.payloads
    .filter(([type]) => type === MESSAGE.channelData)
    .map(({ length }) => length - 9);
  expect(sizes).toEqual([3000, 3000, 3000, 1000]);
  attacker.send(adjust(0, 500));
  await turns();
  expect(attacker.payloads.at(-1)).toHaveLength(509);
});

test("after its CHANNEL_CLOSE an end sends nothing more on the channel", async () => {
  const attacker = await attackOnChannel();
  attacker.send(data(0, 60 * KIB));
  await turns();
  attacker.probe.stream.destroy();
  attacker.probe.stream.consumed(60 * KIB);
  attacker.probe.stream.write(Buffer.alloc(10));
  attacker.probe.stream.end();
  attacker.send(request(0, true));
  attacker.send(data(0, 60 * KIB));
  attacker.send(extended(0, 60 * KIB));
  attacker.send(adjust(0, 1000));
  attacker.send(eof(0));
  await turns();
  expect(attacker.answers).toEqual([MESSAGE.channelClose]);
  expect(attacker.server.channelCount).toBe(1);
  attacker.send(close(0));
  await until(() => attacker.server.channelCount === 0);
  expect(attacker.end).toBeUndefined();
});

test("channel requests are refused where an answer is wanted, else passed over", async () => {
  const attacker = await attackOnChannel();
  attacker.send(request(0, false));
  attacker.send(request(0, true));
  await turns();
  expect(attacker.answers).toEqual([MESSAGE.channelFailure]);
});

test("unknown messages are answered with UNIMPLEMENTED, which is passed over here", async () => {
  const attacker = await attack();
  for (const type of [83, 101, 192, 255]) attacker.send(Buffer.of(type));
  attacker.send(Buffer.of(2, 0, 0, 0, 0));
  attacker.send(numberMessage(3, 5));
  attacker.send(new SshWriter().byte(80).string("tcpip-forward").boolean(true).toBuffer());
  await until(() => attacker.answers.includes(MESSAGE.requestFailure));
  expect(attacker.end).toBeUndefined();
  for (const type of [5, 6, 21, 30, 51, 60, 79]) {
    const another = await attack();
    another.send(Buffer.of(type, 0, 0, 0, 0));
    await expectProtocolError(another);
  }
});

test("B10 a flood of requests that want answers, by a peer that reads none, ends the connection", async () => {
  const attacker = await attack({ capacity: 64 * KIB });
  attacker.serverSocket.stall();
  const ask = new SshWriter().byte(80).string("x").boolean(true).toBuffer();
  for (let round = 0; attacker.end === undefined && round < 400; round++) {
    for (let i = 0; i < 1000; i++) attacker.send(ask);
    await turns(1);
  }
  await expectProtocolError(attacker);
});

test("B10 opening and closing without end is slowed down, then ends the connection", async () => {
  const timers = new FakeTimers();
  const attacker = await attack({ timers, onServerChannel: (r) => r.accept().destroy() });
  let id = 0;
  for (let round = 0; attacker.end === undefined && round < 100; round++) {
    for (let i = 0; i < 500; i++) attacker.send(open(id++));
    await turns(1);
  }
  await expectProtocolError(attacker);
  const accepted = attacker.answers.filter((type) => type === MESSAGE.channelOpenConfirmation).length;
  expect(accepted).toBe(DEFAULT_LIMITS.opensBurst);
});

test("channels that the peer never lets go of count against its own limit only", async () => {
  const attacker = await attack({ limits: { channels: 10 }, onServerChannel: (r) => r.accept().destroy() });
  for (let id = 0; id < 15; id++) attacker.send(open(id));
  await turns();
  expect(attacker.answers.filter((type) => type === MESSAGE.channelOpenConfirmation)).toHaveLength(10);
  expect(attacker.answers.filter((type) => type === MESSAGE.channelOpenFailure)).toHaveLength(5);
  expect([attacker.serverBudget.used, attacker.server.channelCount]).toEqual([0, 10]);
});

test("channel numbers are used again only when both ends have closed the channel", async () => {
  const attacker = await attack({ onServerChannel: (r) => void new StreamProbe(r.accept()).stream.end() });
  const ourNumber = () =>
    attacker.payloads
      .filter(([type]) => type === 91)
      .at(-1)
      ?.readUInt32BE(5);
  attacker.send(open(40));
  await turns();
  expect(ourNumber()).toBe(0);
  attacker.send(eof(0));
  await turns();
  attacker.send(open(41));
  await turns();
  expect(ourNumber()).toBe(1);
  attacker.send(close(0));
  attacker.send(open(42));
  await turns();
  expect(ourNumber()).toBe(0);
  expect(attacker.end).toBeUndefined();
});

test("B1 random channel messages end the connection in order or leave it up, and memory stays flat", async () => {
  const id = fc.constantFrom(0, 1, 2, 2 ** 32 - 1);
  const number = fc.oneof(fc.constantFrom(0, 1, 1024, 2 ** 31, 2 ** 32 - 1), fc.nat(100_000));
  const message = fc.oneof(
    fc.tuple(id, number, number).map(([a, b, c]) => open(a, { window: b, maxPacket: c })),
    fc.tuple(id, id, number, number).map((numbers) => confirmation(...numbers)),
    fc.tuple(id, fc.nat(3000)).map(([a, length]) => data(a, length)),
    fc.tuple(id, fc.nat(3000)).map(([a, length]) => extended(a, length)),
    fc.tuple(id, number).map(([a, credit]) => adjust(a, credit)),
    id.map(eof),
    id.map(close),
    fc.tuple(id, fc.boolean()).map(([a, wantReply]) => request(a, wantReply)),
    fc
      .tuple(fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 40 }))
      .map(([type, rest]) => Buffer.concat([Buffer.of(type === 20 ? 21 : type), rest])),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 12 }), fc.boolean(), async (messages, opening) => {
      const attacker = await attack({ onServerChannel: (r) => void new StreamProbe(r.accept()) });
      if (opening) void attacker.server.openChannel("x", EMPTY).catch(() => null);
      for (const each of messages) attacker.send(each);
      await turns(3);
      if (attacker.end !== undefined) expect(attacker.end).toBeInstanceOf(SallyportError);
      attacker.server.disconnect(11, "done");
      await turns(2);
      expect([attacker.serverBudget.used, attacker.server.channelCount]).toEqual([0, 0]);
    }),
    { numRuns: 250 },
  );
});

test("B1 a packet that was changed on its way ends the connection", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(60), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const attacker = await attack();
      attacker.clientSocket.tap = (sent) => {
        sent[at % sent.length] = (sent[at % sent.length] ?? 0) ^ flip;
        return Buffer.concat([sent, Buffer.alloc(300_000)]);
      };
      attacker.send(new SshWriter().byte(80).string("a request of some length").boolean(false).toBuffer());
      await expectProtocolError(attacker);
    }),
    { numRuns: 60 },
  );
});

test("B10 packet lengths 0, 1, 2^31 and 2^32-1 end an encrypted connection", async () => {
  for (const length of [0, 1, 15, 17, 256 * KIB + 16, 2 ** 31, 2 ** 32 - 1]) {
    const attacker = await attack();
    const bad = Buffer.alloc(64);
    bad.writeUInt32BE(length);
    attacker.serverTransport.feed(bad);
    await expectProtocolError(attacker);
  }
});

test("a peer's parting words are one line of printable characters, at most 200", async () => {
  const attacker = await attack();
  const text = `re\u0000placed\n\u001b[31m\u202e${"x".repeat(500)}`;
  attacker.send(new SshWriter().byte(1).uint32(11).string(text).string("").toBuffer());
  await until(() => attacker.end !== undefined);
  expect(attacker.end).toMatchObject({
    code: "SSH_DISCONNECTED",
    peerReason: `re placed [31m ${"x".repeat(185)}`,
  });
});
