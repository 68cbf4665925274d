import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { silentLogger } from "../../../../src/telemetry/log.ts";
import { ALPN } from "../../../../src/tunnel/alpn.ts";
import { dialInnerTls } from "../../../../src/tunnel/tls/inner-client.ts";
import { type InnerTlsServer, openInnerTlsServer } from "../../../../src/tunnel/tls/inner-server.ts";
import { echo, Inbox } from "../../../support/byte-stream.ts";
import { type MemoryStream, streamPair } from "../../../support/stream-pair.ts";
import { GATEWAY_ID, testPki } from "../../../support/test-pki.ts";

const HANDSHAKE = 22;
/** A damaged handshake may wait for what never comes; a whole one has all the time a busy machine needs. */
const DEADLINE_MS = 300;
const PATIENCE_MS = 30_000;
const pki = await testPki();
const client = await pki.client();
const { tls } = await pki.gateway();
let server: InnerTlsServer;

beforeAll(() => {
  server = openInnerTlsServer({
    credentials: () => tls,
    alpns: [ALPN.sallyportTcp],
    handshakeTimeoutMs: PATIENCE_MS,
    onConnection: ({ stream }) => echo(stream),
    log: silentLogger,
  });
});
afterAll(() => server.close());

/** What somebody on the way does to the bytes of one direction, once, at that place. */
type Damage = (before: Buffer, at: Buffer) => Buffer[] | "reset" | "end";

const insert = (bytes: Iterable<number>): Damage => {
  return (before, at) => [before, Buffer.from([...bytes]), at];
};
const alert = fc.tuple(fc.nat(3), fc.nat(255)).map(([level, what]) => insert([21, 3, 3, 0, 2, level, what]));
const flip = fc.nat(7).map((bit): Damage => {
  return (before, at) => [before, Buffer.from([(at[0] ?? 0) ^ (1 << bit)]), at.subarray(1)];
});
const damages: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 3, arbitrary: flip },
  fc.constant<Damage>(() => "reset"),
  fc.constant<Damage>(() => "end"),
  fc.constant<Damage>((before, at) => [before, at, before, at]),
  fc.integer({ min: 1, max: 30 }).map(
    (count): Damage =>
      (before, at) => [before, at.subarray(count)],
  ),
  fc.constant(insert([20, 3, 3, 0, 1, 1])),
  fc.uint8Array({ minLength: 1, maxLength: 60 }).map(insert),
  alert,
);

/** Carries one direction. */
function carry(
  from: MemoryStream,
  to: MemoryStream,
  change: (chunk: Buffer, at: number) => ReturnType<Damage>,
) {
  let seen = 0;
  from.attach({
    data(chunk) {
      from.consumed(chunk.length);
      const parts = change(chunk, seen);
      seen += chunk.length;
      if (parts === "reset") to.destroy();
      else if (parts === "end") to.end();
      else for (const part of parts) if (part.length > 0) to.write(part);
    },
    end: () => to.end(),
    written() {},
    closed: () => to.destroy(),
  });
}

/** What came of a dial over such a way, and of one line that was to come back. */
async function outcome(
  up: (chunk: Buffer, at: number) => ReturnType<Damage>,
  down: (chunk: Buffer, at: number) => ReturnType<Damage>,
  timeoutMs = PATIENCE_MS,
): Promise<unknown> {
  const [near, nearWay] = streamPair();
  const [farWay, far] = streamPair();
  carry(nearWay, farWay, up);
  carry(farWay, nearWay, down);
  server.accept(far);
  try {
    const { stream } = await dialInnerTls(near, {
      identity: client.gateway,
      alpns: [ALPN.sallyportTcp],
      gatewayId: GATEWAY_ID,
      requireUri: true,
      timeoutMs,
    });
    const inbox = new Inbox(stream);
    inbox.write("there and back");
    const line = await Promise.race([inbox.until(14), inbox.closed, Bun.sleep(timeoutMs)]);
    stream.destroy();
    return line;
  } catch (error) {
    return error;
  }
}

test("B1 a handshake that is damaged anywhere, either way, ends with a verdict at both ends", async () => {
  const cases = fc.sample(fc.tuple(fc.boolean(), fc.nat(3500), damages), 150);
  const outcomes = await Promise.all(
    cases.map(([isUp, place, damage]) => {
      const once = (chunk: Buffer, at: number) =>
        place >= at && place < at + chunk.length
          ? damage(chunk.subarray(0, place - at), chunk.subarray(place - at))
          : [chunk];
      const whole = (chunk: Buffer) => [chunk];
      return isUp ? outcome(once, whole, DEADLINE_MS) : outcome(whole, once, DEADLINE_MS);
    }),
  );
  const errors = outcomes.filter((one) => one instanceof Error && !(one instanceof SallyportError));
  expect(errors.map(String).filter((text) => !/cut|reset|closed|end/.test(text))).toEqual([]);
  expect(outcomes.some((one) => one instanceof SallyportError)).toBe(true);
  expect(
    await outcome(
      (chunk) => [chunk],
      (chunk) => [chunk],
    ),
  ).toBe("there and back");
});

test("B1 a handshake in single bytes, and in records of one byte each, is one all the same", async () => {
  const bytes = (chunk: Buffer) => Array.from(chunk, (byte) => Buffer.of(byte));
  expect(await outcome(bytes, bytes)).toBe("there and back");
  const records = (chunk: Buffer) => {
    const parts: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      const end = at + 5 + chunk.readUInt16BE(at + 3);
      const record = chunk.subarray(at, end);
      if (record[0] === HANDSHAKE) {
        for (const byte of record.subarray(5)) parts.push(Buffer.from([HANDSHAKE, 3, 3, 0, 1, byte]));
      } else parts.push(record);
      at = end;
    }
    return parts;
  };
  expect(await outcome(records, records)).toBe("there and back");
});
