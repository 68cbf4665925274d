import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { dataHeader, FrameReader, frame, refusalFrame } from "../../../../src/tunnel/mux/frames.ts";
import { heir, release } from "../../../../src/tunnel/release.ts";
import { readDisconnect } from "../../../../src/tunnel/ssh/messages.ts";
import { parseErrorLine } from "../../../../src/tunnel/status-line.ts";

const LONGEST_DATA = 64 * 1024;

type Sent = { payload: Buffer } | { channel: number; data: Buffer };

/** What was sent as one text: messages, and all that came for a channel without anything between it. */
class Transcript {
  readonly lines: string[] = [];
  #channel: number | null = null;
  #hash = new Bun.CryptoHasher("sha256");
  #bytes = 0;

  message(payload: Buffer): void {
    this.#settle();
    this.lines.push(payload.toString("hex"));
  }

  data(channel: number, piece: Buffer): void {
    if (piece.length === 0) return;
    if (this.#channel !== channel) this.#settle();
    this.#channel = channel;
    this.#hash.update(piece);
    this.#bytes += piece.length;
  }

  end(): string[] {
    this.#settle();
    return this.lines;
  }

  #settle(): void {
    if (this.#bytes > 0) this.lines.push(`${this.#channel}: ${this.#bytes} ${this.#hash.digest("hex")}`);
    this.#hash = new Bun.CryptoHasher("sha256");
    this.#bytes = 0;
    this.#channel = null;
  }
}

const message = fc
  .tuple(
    fc.integer({ min: 0, max: 255 }).filter((type) => type !== 94),
    fc.uint8Array({ maxLength: 300 }),
  )
  .map(([type, rest]): Sent => ({ payload: Buffer.from([type, ...rest]) }));
const data = fc
  .record({ channel: fc.nat(3), length: fc.oneof(fc.nat(40), fc.nat(LONGEST_DATA)), seed: fc.nat(255) })
  .map(({ channel, length, seed }): Sent => ({ channel, data: noise(length, seed) }));
const sequence = fc.array(fc.oneof(message, data), { minLength: 1, maxLength: 12 });

function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed + (i >> 8)) & 255;
  return bytes;
}

function encode(sent: Sent[]): Buffer {
  return Buffer.concat(
    sent.map((each) =>
      "payload" in each
        ? frame(each.payload)
        : Buffer.concat([dataHeader(each.channel, each.data.length), each.data]),
    ),
  );
}

function transcriptOf(sent: Sent[]): string[] {
  const transcript = new Transcript();
  for (const each of sent) {
    if ("payload" in each) transcript.message(each.payload);
    else transcript.data(each.channel, each.data);
  }
  return transcript.end();
}

/** Chunks of these sizes over and over, each with memory of its own that the reader may give back. */
function chunked(bytes: Buffer, sizes: number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    const part = bytes.subarray(at, at + size);
    const own = Buffer.allocUnsafeSlow(part.length);
    own.set(part);
    chunks.push(own);
    at += size;
  }
  return chunks;
}

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })), {
  minLength: 1,
  maxLength: 8,
});

describe("messages", () => {
  test("are the same however they are cut into chunks", () => {
    fc.assert(
      fc.property(sequence, sizes, (sent, sizes) => {
        const transcript = new Transcript();
        const reader = new FrameReader(transcript, LONGEST_DATA);
        for (const chunk of chunked(encode(sent), sizes)) reader.read(chunk);
        expect(transcript.end()).toEqual(transcriptOf(sent));
      }),
      { numRuns: 150 },
    );
  });

  test("byte by byte, too", () => {
    const sent: Sent[] = [
      { payload: Buffer.of(80) },
      { channel: 7, data: noise(3000, 1) },
      { channel: 7, data: noise(0, 1) },
      { payload: Buffer.alloc(4096, 99) },
      { channel: 8, data: noise(1, 1) },
    ];
    const transcript = new Transcript();
    const reader = new FrameReader(transcript, LONGEST_DATA);
    for (const chunk of chunked(encode(sent), [1])) reader.read(chunk);
    expect(transcript.end()).toEqual(transcriptOf(sent));
  });

  test("what refuses a session is read back with its code and its text", () => {
    let heard: Error | undefined;
    const reader = new FrameReader(
      {
        message(payload) {
          heard = parseErrorLine(readDisconnect(payload).peerReason);
        },
        data() {},
      },
      LONGEST_DATA,
    );
    reader.read(refusalFrame("SESSION_ENDED", "The time\nis over."));
    expect(heard).toMatchObject({ code: "SESSION_ENDED", message: "The time is over." });
  });
});

describe("memory", () => {
  test("every piece stays as it came while others, earlier or later, are given back at once", () => {
    fc.assert(
      fc.property(sequence, sizes, fc.infiniteStream(fc.boolean()), (sent, sizes, keeps) => {
        const kept: { piece: Buffer; copy: Buffer }[] = [];
        const transcript = new Transcript();
        const reader = new FrameReader(
          {
            message: (payload) => transcript.message(payload),
            data(channel, piece) {
              transcript.data(channel, piece);
              if (keeps.next().value) kept.push({ piece, copy: Buffer.from(piece) });
              else release(piece);
            },
          },
          LONGEST_DATA,
        );
        for (const chunk of chunked(encode(sent), sizes)) reader.read(chunk);
        for (const { piece, copy } of kept) expect(piece.equals(copy)).toBe(true);
        expect(transcript.end()).toEqual(transcriptOf(sent));
      }),
      { numRuns: 150 },
    );
  });

  test("a chunk that shares its memory with another one is never given back", () => {
    const whole = Buffer.allocUnsafeSlow(20_000);
    const bytes = Buffer.concat([dataHeader(1, 10_000 - 13), noise(10_000 - 13, 5)]);
    whole.set(bytes, 0);
    whole.set(noise(10_000, 9), 10_000);
    const reader = new FrameReader({ message() {}, data: (_, piece) => release(piece) }, LONGEST_DATA);
    reader.read(whole.subarray(0, 10_000));
    expect(whole.subarray(10_000).equals(noise(10_000, 9))).toBe(true);
  });

  test("a chunk of messages or of small pieces is given back when it has been read", () => {
    const small = Array.from({ length: 50 }, (_, i): Sent => ({ channel: 1, data: noise(100, i) }));
    const [chunk] = chunked(encode(small), [1_000_000]);
    if (!chunk) throw new Error("no chunk");
    const pieces: Buffer[] = [];
    new FrameReader({ message() {}, data: (_, piece) => void pieces.push(piece) }, LONGEST_DATA).read(chunk);
    expect(chunk.buffer.byteLength).toBe(0);
    expect(pieces.map((piece) => piece.equals(noise(100, pieces.indexOf(piece))))).not.toContain(false);
  });

  test("who is given most of a chunk gives back all of it", () => {
    const [chunk] = chunked(
      encode([{ payload: Buffer.alloc(3000, 99) }, { channel: 1, data: noise(10_000, 1) }]),
      [1_000_000],
    );
    if (!chunk) throw new Error("no chunk");
    const { buffer } = chunk;
    const reader = new FrameReader({ message() {}, data: (_, piece) => release(piece) }, LONGEST_DATA);
    reader.read(heir(chunk, chunk.length));
    expect(buffer.byteLength).toBe(0);
  });
});

describe("B1 bytes that are no messages", () => {
  const codeOf = (bytes: Buffer, sizes = [100_000]): string => {
    const reader = new FrameReader({ message() {}, data() {} }, LONGEST_DATA);
    try {
      for (const chunk of chunked(bytes, sizes)) reader.read(chunk);
    } catch (error) {
      if (error instanceof SallyportError) return error.code;
      throw error;
    }
    return "taken";
  };
  const header = (length: number, type: number) => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt32BE(length);
    bytes[4] = type;
    return bytes;
  };

  test.each([
    ["no length at all", header(0, 80)],
    ["the greatest length", header(0xffff_ffff, 80)],
    ["more than a message may have", header(4097, 80)],
    ["data whose lengths disagree", Buffer.concat([header(12, 94), Buffer.from([0, 0, 0, 1, 0, 0, 0, 9])])],
    ["data of no length", Buffer.concat([header(0, 94), Buffer.alloc(8)])],
    [
      "data of the greatest length",
      Buffer.concat([header(0xffff_ffff, 94), Buffer.from([0, 0, 0, 1, 255, 255, 255, 255])]),
    ],
    ["data that wraps around", Buffer.concat([header(8, 94), Buffer.from([0, 0, 0, 1, 255, 255, 255, 255])])],
    ["more data than agreed", dataHeader(1, LONGEST_DATA + 1)],
  ])("%s is refused as soon as it is known", (_, bytes) => {
    expect(codeOf(bytes)).toBe("SSH_PROTOCOL");
    expect(codeOf(bytes, [1])).toBe("SSH_PROTOCOL");
  });

  test("random ones are taken or refused, and nothing else happens", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), sizes, (bytes, sizes) => {
        expect(["taken", "SSH_PROTOCOL"]).toContain(codeOf(Buffer.from(bytes), sizes));
      }),
      { numRuns: 300 },
    );
  });

  test("so are messages with some bytes changed", () => {
    const change = fc.record({ at: fc.nat(), by: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(
        sequence,
        sizes,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (sent, sizes, changes) => {
          const bytes = encode(sent);
          for (const { at, by } of changes) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ by;
          expect(["taken", "SSH_PROTOCOL"]).toContain(codeOf(bytes, sizes));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("a length that is only claimed takes no memory", () => {
    const readers = Array.from({ length: 1000 }, () => new FrameReader({ message() {}, data() {} }, 2 ** 29));
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) reader.read(dataHeader(1, 2 ** 29));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });
});
