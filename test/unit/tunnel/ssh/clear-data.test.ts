import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { SshWriter } from "../../../../src/pki/ssh-wire.ts";
import type { SallyportError } from "../../../../src/telemetry/error.ts";
import { release } from "../../../../src/tunnel/release.ts";
import {
  CLEAR_DATA,
  ClearReader,
  clearMessage,
  LEAST_CLEAR,
  LONGEST_CLEAR,
} from "../../../../src/tunnel/ssh/clear-data.ts";
import { MESSAGE, numberMessage } from "../../../../src/tunnel/ssh/messages.ts";
import { GcmOpener, GcmSealer } from "../../../../src/tunnel/ssh/packet-cipher.ts";
import { Staging } from "../../../../src/tunnel/staging.ts";
import { turns } from "../../../support/fake-timers.ts";
import type { MemorySocket } from "../../../support/memory-socket.ts";
import { connectedPair, countExchanges, type Pair, type PairOptions } from "../../../support/ssh-pair.ts";
import { StreamProbe } from "../../../support/stream-probe.ts";
import { until } from "../../../support/until.ts";

const EMPTY = Buffer.alloc(0);
const KIB = 1024;
const MIB = 1024 * KIB;

interface Ends {
  /** Opened by the server, as a relay does; what the client's end does is up to the test. */
  near: StreamProbe;
  far: StreamProbe;
}

type Opted = "server" | "client" | "both" | "neither";
type ClearPair = Pair & { open(): Promise<Ends> };

async function clearPair(
  { channelsAreTls, ...o }: Omit<PairOptions, "channelsAreTls"> & { channelsAreTls?: Opted } = {},
  mode: "keep" | "stall" = "keep",
): Promise<ClearPair> {
  const accepted: StreamProbe[] = [];
  const opted = channelsAreTls ?? "both";
  const pair = await connectedPair({
    onChannel: (request) => void accepted.push(new StreamProbe(request.accept(), mode)),
    ...o,
    ...(opted === "neither" ? {} : { channelsAreTls: opted }),
  });
  await turns();
  return {
    ...pair,
    async open() {
      const near = new StreamProbe(await pair.server.openChannel("x", EMPTY), mode);
      const far = accepted.at(-1);
      if (!far) throw new Error("no channel came");
      return { near, far };
    },
  };
}

/** Everything that an end sends from now on. */
function sentBy(socket: MemorySocket): () => Buffer {
  const sent: Buffer[] = [];
  socket.tap = (bytes) => {
    sent.push(Buffer.from(bytes));
    return bytes;
  };
  return () => Buffer.concat(sent);
}

/** A chunk that would be known again on the wire: it belongs to whom it is written to. */
const marker = randomBytes(64);
const marked = (length: number): Buffer => {
  const chunk = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; at += marker.length) marker.copy(chunk, at);
  return chunk;
};

test("between two ends that said so, data of 4 KiB and more goes in clear, smaller in packets", async () => {
  const pair = await clearPair();
  for (const [from, to, socket] of [
    ["near", "far", pair.serverSocket],
    ["far", "near", pair.clientSocket],
  ] as const) {
    const ends = await pair.open();
    const sent = sentBy(socket);
    ends[from].stream.write(marked(LEAST_CLEAR - 1));
    await turns();
    expect(sent().includes(marker)).toBe(false);
    ends[from].stream.write(marked(LEAST_CLEAR));
    ends[from].stream.write(marked(100 * KIB));
    await turns(30);
    expect(sent().includes(marked(100 * KIB))).toBe(true);
    const all = Buffer.concat([marked(LEAST_CLEAR - 1), marked(LEAST_CLEAR), marked(100 * KIB)]);
    expect(Buffer.concat(ends[to].chunks).equals(all)).toBe(true);
    ends[from].stream.end();
    ends[to].stream.end();
    expect(await ends[from].closed).toBeNull();
  }
});

test.each(["server", "client", "neither"] as const)(
  "nothing goes in clear unless the owners of both ends said so: %s",
  async (channelsAreTls) => {
    const pair = await clearPair({ channelsAreTls });
    const { near, far } = await pair.open();
    for (const socket of [pair.serverSocket, pair.clientSocket]) {
      const sent = sentBy(socket);
      const probe = socket === pair.serverSocket ? near : far;
      probe.stream.write(marked(100 * KIB));
      await turns(30);
      expect(sent().length).toBeGreaterThan(100 * KIB);
      expect(sent().includes(marker)).toBe(false);
    }
    expect([near.received, far.received]).toEqual([100 * KIB, 100 * KIB]);
  },
);

test("ciphers that are not our own carry no data in clear", async () => {
  const pair = await clearPair({
    algorithms: { kex: ["curve25519-sha256"], ciphers: ["aes256-ctr"], macs: ["hmac-sha2-256"] },
  });
  const { near, far } = await pair.open();
  const sent = sentBy(pair.serverSocket);
  near.stream.write(marked(100 * KIB));
  await until(() => far.received === 100 * KIB);
  expect(sent().includes(marker)).toBe(false);
});

test("F13 32 MB each way at once in clear, then half-close: the hashes are equal, no key is worn", async () => {
  const pair = await clearPair({ limits: { rekeyBytes: 4 * MIB } });
  const exchanges = countExchanges(pair.serverTransport);
  const { near, far } = await pair.open();
  const [up, down] = await Promise.all([
    near.send(32 * MIB, 512 * KIB, 2 * MIB),
    far.send(32 * MIB, 300_001, 2 * MIB),
  ]);
  near.stream.end();
  await far.end;
  far.stream.end();
  expect([await near.closed, await far.closed]).toEqual([null, null]);
  expect([far.hash.digest("hex"), near.hash.digest("hex")]).toEqual([up, down]);
  expect(exchanges.count).toBe(0);
}, 60_000);

test("key exchanges in the middle of data in clear lose nothing", async () => {
  const pair = await clearPair({ limits: { rekeyBytes: 4 * KIB }, capacity: 100_000, piece: 7001 });
  const exchanges = countExchanges(pair.serverTransport);
  const { near, far } = await pair.open();
  const [up, down] = await Promise.all([near.send(4 * MIB, 5000), far.send(4 * MIB, 40_000)]);
  near.stream.end();
  far.stream.end();
  await Promise.all([near.closed, far.closed]);
  expect([far.hash.digest("hex"), near.hash.digest("hex")]).toEqual([up, down]);
  expect(exchanges.count).toBeGreaterThan(1);
}, 60_000);

test("a channel that is given up in the middle of its data holds up no other, and gives its window back", async () => {
  const pair = await clearPair({ capacity: 20_000, piece: 5000 });
  const [given, other] = [await pair.open(), await pair.open()];
  let received = 0;
  given.far.stream.attach({
    data(chunk) {
      received += chunk.length;
      given.far.stream.destroy();
    },
    end() {},
    written() {},
    closed() {},
  });
  given.near.stream.write(marked(200 * KIB));
  other.near.stream.write(marked(100 * KIB));
  await until(() => other.far.received === 100 * KIB);
  expect(Buffer.concat(other.far.chunks).equals(marked(100 * KIB))).toBe(true);
  expect(received).toBeLessThan(6000);
  expect(await given.near.closed).toBeInstanceOf(Error);
  other.near.stream.destroy();
  await until(() => pair.client.channelCount === 0 && pair.server.channelCount === 0);
  expect([pair.serverBudget.used, pair.clientBudget.used]).toEqual([0, 0]);
});

test("what was read off the socket is given back as soon as its data is", async () => {
  const pair = await clearPair();
  const { near, far } = await pair.open();
  const chunks: Buffer[] = [];
  const { events } = pair.clientSocket;
  if (!events) throw new Error("nobody reads");
  pair.clientSocket.events = {
    ...events,
    data(chunk) {
      chunks.push(chunk);
      events.data(chunk);
    },
  };
  const pieces: Buffer[] = [];
  far.stream.attach({ data: (piece) => void pieces.push(piece), end() {}, written() {}, closed() {} });
  near.stream.write(marked(100 * KIB));
  await until(() => pieces.reduce((sum, { length }) => sum + length, 0) === 100 * KIB);
  expect(Buffer.concat(pieces).equals(marked(100 * KIB))).toBe(true);
  for (const piece of pieces) release(piece);
  expect(chunks.filter(({ length }) => length >= 2048)).toEqual([]);
});

test("an end in the middle of data in clear reports every write as written", async () => {
  const pair = await clearPair({ capacity: 20_000 });
  const { near } = await pair.open();
  near.stream.write(marked(300 * KIB));
  near.stream.write(marked(300 * KIB));
  await turns(2);
  pair.clientTransport.lost();
  pair.serverTransport.lost();
  expect(await near.closed).toBeInstanceOf(Error);
  expect(near.written).toBe(600 * KIB);
});

test("F14 one stalled channel beside twenty busy ones: the busy ones finish, the stalled one stops at its window", async () => {
  const stalled: StreamProbe[] = [];
  const pair = await clearPair({
    onChannel: (request) =>
      void stalled.push(new StreamProbe(request.accept(), stalled.length === 0 ? "stall" : "read")),
  });
  const probes = await Promise.all(
    Array.from({ length: 21 }, async () => new StreamProbe(await pair.server.openChannel("x", EMPTY))),
  );
  const sending = probes.map((probe, at) => probe.send(at === 0 ? MIB : 4 * MIB, 128 * KIB));
  await Promise.all(sending.slice(1));
  await until(() => stalled.slice(1).every(({ received }) => received === 4 * MIB));
  expect(stalled[0]?.received).toBe(256 * KIB);
  pair.server.disconnect(11, "done");
  await Promise.all(sending);
}, 60_000);

/** A peer that said it reads data in clear, and from now on sends what the test says. */
async function attack(o: PairOptions = {}) {
  const pair = await clearPair(o, "stall");
  const { near } = await pair.open();
  const result = {
    ...pair,
    near,
    /** A message, with bytes in clear behind it. */
    send(payload: Buffer, clear: Buffer = EMPTY) {
      pair.clientTransport.send(payload);
      if (clear.length > 0) pair.clientTransport.clear?.send(0, clear, 0, clear.length);
    },
    end: undefined as SallyportError | null | undefined,
  };
  pair.server.onClosed((error) => (result.end = error));
  return result;
}

test("an announcement that lies, or data where none may come, ends the connection in order", async () => {
  const cases: Buffer[][] = [
    [clearMessage(0, 0)],
    [clearMessage(0, LONGEST_CLEAR + 1)],
    [clearMessage(0, 2 ** 32 - 1)],
    [clearMessage(0, 10).subarray(0, 8)],
    [Buffer.concat([clearMessage(0, 10), Buffer.of(0)])],
    [Buffer.of(MESSAGE.clearData)],
    [clearMessage(7, 8 * KIB), Buffer.alloc(8 * KIB)],
    [numberMessage(MESSAGE.channelEof, 0), clearMessage(0, 8 * KIB), Buffer.alloc(8 * KIB)],
    // One byte more than the window.
    [clearMessage(0, 256 * KIB + 1), Buffer.alloc(256 * KIB + 1)],
  ];
  for (const parts of cases) {
    const attacker = await attack({ capacity: MIB });
    for (const part of parts) {
      if (part[0] === 0) attacker.clientSocket.write(part);
      else attacker.send(part);
      await turns(1);
    }
    await until(() => attacker.end !== undefined);
    expect(attacker.end).toMatchObject({ code: "SSH_PROTOCOL" });
    expect(attacker.near.received).toBeLessThanOrEqual(256 * KIB);
  }
});

test("whoever has not said that it reads data in clear takes the message for an unknown one", async () => {
  const pair = await connectedPair({ channelsAreTls: "client" });
  const answers: number[] = [];
  const { events } = pair.clientTransport;
  if (!events) throw new Error("nobody reads");
  const notify = new SshWriter().byte(MESSAGE.globalRequest).string(CLEAR_DATA).boolean(false);
  pair.clientTransport.send(notify.toBuffer());
  pair.clientTransport.send(clearMessage(0, 1 << 20));
  pair.clientTransport.events = {
    ...events,
    message: (type) => void answers.push(type),
  };
  pair.clientTransport.send(new SshWriter().byte(80).string("x").boolean(true).toBuffer());
  await until(() => answers.includes(MESSAGE.requestFailure));
  // UNIMPLEMENTED is the transport's own, which passes over it.
  expect(answers).toEqual([MESSAGE.requestFailure]);
  expect(pair.serverTransport.closed).toBe(false);
});

test("bytes that are taken away, slipped in or moved between packets end the connection", async () => {
  const changes: ((sent: Buffer) => Buffer)[] = [
    (sent) => Buffer.concat([sent.subarray(0, 5000), sent.subarray(5001)]),
    (sent) => Buffer.concat([sent.subarray(0, 5000), Buffer.of(1), sent.subarray(5000)]),
    (sent) => sent.subarray(0, -1),
  ];
  for (const change of changes) {
    const attacker = await attack();
    let changed = false;
    attacker.clientSocket.tap = (sent) => {
      if (changed || sent.length < 20 * KIB) return sent;
      changed = true;
      return change(sent);
    };
    attacker.send(Buffer.of(MESSAGE.ignore, 0, 0, 0, 0), marked(64 * KIB));
    await turns(3);
    // What follows belongs to packets, which no longer are where they should be.
    for (let i = 0; attacker.end === undefined && i < 100; i++) {
      attacker.send(Buffer.of(MESSAGE.ignore, 0, 0, 0, 0), marked(8 * KIB));
      await turns(1);
    }
    expect(changed).toBe(true);
    expect(attacker.end).toMatchObject({ code: "SSH_PROTOCOL" });
  }
});

/** One end's packets and data in clear, as they go out, and what the other end makes of them. */
const KEY = Buffer.alloc(16, 7);

interface Sent {
  /** Smaller ones are messages, the others data in clear. */
  parts: Buffer[];
  wire: Buffer<ArrayBuffer>;
}

function wireOf(lengths: readonly number[]): Sent {
  const wire: Buffer[] = [];
  const staging = new Staging({ room() {}, now: () => 0 });
  staging.open({
    write: (data) => wire.push(Buffer.from(data)) && data.length,
    shutdown() {},
    end() {},
    terminate() {},
    pause() {},
    resume() {},
  });
  const sealer = new GcmSealer("aes-128-gcm", KEY, Buffer.alloc(12), 0, staging);
  const message = (payload: Buffer) => {
    const packet = sealer.allocPacket(payload.length);
    packet.set(payload, 5);
    sealer.encrypt(packet);
  };
  const parts = lengths.map((length, at) => {
    const part = Buffer.allocUnsafeSlow(length).fill(at + 1);
    if (length < 100) {
      message(part);
    } else {
      message(clearMessage(at, length));
      staging.lend(Buffer.from(part), 0, length);
    }
    staging.flush();
    return part;
  });
  return { parts, wire: Buffer.concat(wire) };
}

/** Reads the wire in chunks of these lengths, over and over; gives every piece's memory back at once, or at the end. */
function readWire(
  { wire }: Sent,
  cuts: readonly number[],
  when: "at once" | "at the end" = "at once",
): { parts: Buffer[]; chunks: Buffer[] } {
  const pieces: Buffer[][] = [];
  const owned: Buffer[] = [];
  let channel = -1;
  const reader = new ClearReader((id, piece) => {
    if (id !== channel) pieces.push([]);
    channel = id;
    pieces.at(-1)?.push(when === "at once" ? Buffer.from(piece) : piece);
    if (when === "at once") release(piece);
    else owned.push(piece);
  });
  reader.accept();
  const opener = new GcmOpener(
    "aes-128-gcm",
    KEY,
    Buffer.alloc(12),
    0,
    (payload) => {
      channel = -1;
      pieces.push([Buffer.from(payload)]);
      return undefined;
    },
    () => 256 * KIB,
    reader,
  );
  const chunks: Buffer[] = [];
  for (let at = 0, cut = 0; at < wire.length; cut++) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(cuts[cut % cuts.length] ?? 1, wire.length - at));
    wire.copy(chunk, 0, at);
    at += chunk.length;
    chunks.push(chunk);
    opener.decrypt(chunk, 0, chunk.length);
    release(chunk);
  }
  const parts = pieces.map((each) => Buffer.concat(each));
  for (const piece of owned) release(piece);
  return { parts, chunks };
}

const same = (a: Buffer[], b: Buffer[]) =>
  a.length === b.length && a.every((part, at) => part.equals(b[at] ?? EMPTY));

test("B1 packets and data in clear are told apart in chunks of every size, and each chunk is freed once", () => {
  const sent = wireOf([20, 5000, 3, 4096, 9000, 50, 100, 101, 12_000, 1]);
  for (let size = 1; size <= 100; size++) expect(same(readWire(sent, [size]).parts, sent.parts)).toBe(true);
  for (let size = 101; size <= sent.wire.length + 1; size += 97) {
    const { parts, chunks } = readWire(sent, [size]);
    expect(same(parts, sent.parts)).toBe(true);
    expect(chunks.filter(({ length }) => length >= 2048)).toEqual([]);
    expect(same(readWire(sent, [size], "at the end").parts, sent.parts)).toBe(true);
  }
});

test("B1 the same for random lengths cut anywhere", () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 100, max: 40_000 }));
  const cut = fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 70_000 }));
  fc.assert(
    fc.property(
      fc.array(length, { minLength: 1, maxLength: 8 }),
      fc.array(cut, { minLength: 1, maxLength: 6 }),
      fc.constantFrom("at once" as const, "at the end" as const),
      (lengths, cuts, when) => {
        const sent = wireOf(lengths);
        const { parts, chunks } = readWire(sent, cuts, when);
        expect(same(parts, sent.parts)).toBe(true);
        expect(chunks.filter(({ length }) => length >= 2048)).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});

test("B1 a random announcement is taken or refused in order, and nothing is delivered beyond it", () => {
  const numbers = (pair: [number, number]) => Uint8Array.from(numberMessage(0, ...pair).subarray(1));
  const wrong = fc.constantFrom(0, LONGEST_CLEAR + 1, 2 ** 31, 2 ** 32 - 1);
  const announcement = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.tuple(fc.nat(), wrong).map(numbers),
    fc.tuple(fc.nat(), fc.integer({ min: 1, max: 5000 })).map(numbers),
    fc.tuple(fc.nat(), fc.nat(5000)).map((pair) => Uint8Array.from([...numbers(pair), 0])),
  );
  fc.assert(
    fc.property(announcement, fc.integer({ min: 1, max: 5000 }), (payload, arriving) => {
      let delivered = 0;
      const reader = new ClearReader((_, piece) => {
        delivered += piece.length;
      });
      try {
        reader.announced(Buffer.concat([Buffer.of(MESSAGE.clearData), payload]));
      } catch (error) {
        expect(error).toMatchObject({ code: "SSH_PROTOCOL" });
        return expect(reader.expecting).toBe(false);
      }
      expect(payload).toHaveLength(8);
      const announced = Buffer.from(payload).readUInt32BE(4);
      expect(announced).toBeWithin(1, LONGEST_CLEAR + 1);
      const chunk = Buffer.alloc(arriving);
      expect(reader.take(chunk, 0, arriving)).toBe(Math.min(announced, arriving));
      expect(delivered).toBe(Math.min(announced, arriving));
    }),
    { numRuns: 500 },
  );
});

test("a message of data in clear is UNIMPLEMENTED to the decipher's owner until it is accepted", () => {
  const payloads: number[] = [];
  const reader = new ClearReader(() => {
    throw new Error("nothing was accepted");
  });
  const { wire } = wireOf([5000]);
  const opener = new GcmOpener(
    "aes-128-gcm",
    KEY,
    Buffer.alloc(12),
    0,
    (payload) => void payloads.push(payload[0] ?? 0),
    () => 256 * KIB,
    reader,
  );
  const packet = Buffer.from(wire.subarray(0, -5000));
  opener.decrypt(packet, 0, packet.length);
  expect(payloads).toEqual([MESSAGE.clearData]);
});
