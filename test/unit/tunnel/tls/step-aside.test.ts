import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { ByteStream } from "../../../../src/tunnel/stream.ts";
import { RecordKeys } from "../../../../src/tunnel/tls/record-keys.ts";
import { RecordOpener, type RecordReader, RecordSealer } from "../../../../src/tunnel/tls/record-layer.ts";
import { type SessionRules, TlsSession } from "../../../../src/tunnel/tls/tls-session.ts";
import { Inbox } from "../../../support/byte-stream.ts";
import { streamPair } from "../../../support/stream-pair.ts";
import { until } from "../../../support/until.ts";

const SUITE = "TLS_AES_128_GCM_SHA256";

/** Two ends of an established session, and what went over the wire. */
function ends(rules: SessionRules = { stepsAside: true }) {
  const [a, b] = streamPair();
  const secrets = { toServer: randomBytes(32), toClient: randomBytes(32) };
  const wire = { toServer: Buffer.alloc(0), toClient: Buffer.alloc(0) };
  const make = (far: ByteStream, ours: keyof typeof wire, theirs: keyof typeof wire) => {
    const agreed = {
      alpn: null,
      peer: undefined,
      flight: Buffer.alloc(0),
      declined: () => Buffer.alloc(0),
      sealer: new RecordSealer(new RecordKeys(SUITE, secrets[ours])),
      opener: (reader: RecordReader) => new RecordOpener(new RecordKeys(SUITE, secrets[theirs]), reader),
    };
    const tapped: ByteStream = {
      attach: (handler) => far.attach(handler),
      write(chunk) {
        wire[ours] = Buffer.concat([wire[ours], chunk]);
        far.write(chunk);
      },
      end: () => far.end(),
      destroy: (error) => far.destroy(error),
      consumed: (bytes) => far.consumed(bytes),
    };
    const session = new TlsSession(tapped, agreed, rules, 0);
    far.attach(session.farHandler);
    return session;
  };
  const client = make(a, "toServer", "toClient");
  const server = make(b, "toClient", "toServer");
  return { client, server, wire, far: { a, b } };
}

test("before it stepped aside everything is encrypted, then nothing is, both ways", async () => {
  const { client, server, wire } = ends();
  const atServer = new Inbox(server);
  const atClient = new Inbox(client);
  atClient.write("secret up ");
  atServer.write("secret down ");
  expect(await atServer.until(10)).toBe("secret up ");
  expect(await atClient.until(12)).toBe("secret down ");
  client.stepAside();
  atClient.write("plain up");
  expect(await atServer.until(18)).toBe("secret up plain up");
  atServer.write("plain down");
  expect(await atClient.until(22)).toBe("secret down plain down");
  for (const sent of [wire.toServer.toString("latin1"), wire.toClient.toString("latin1")]) {
    expect(sent).toContain("plain");
    expect(sent).not.toContain("secret");
  }
});

test("what comes in one piece with the last record, and what the other end sends meanwhile, is not lost", async () => {
  const { client, server } = ends();
  const received = { up: 0, down: 0 };
  let wrong = false;
  const blocks = Array.from({ length: 40 }, (_, i) => Buffer.alloc(10_000, i));
  for (const [session, key] of [
    [server, "up"],
    [client, "down"],
  ] as const) {
    session.attach({
      data(chunk) {
        for (const byte of chunk) wrong ||= byte !== Math.floor(received[key]++ / 10_000);
        session.consumed(chunk.length);
      },
      end() {},
      written() {},
      closed() {},
    });
  }
  for (const [i, block] of blocks.entries()) {
    server.write(Buffer.from(block));
    client.write(Buffer.from(block));
    if (i === 17) client.stepAside();
  }
  await until(() => received.up === 400_000 && received.down === 400_000);
  expect(wrong).toBe(false);
});

test("each direction ends on its own, and what was written is reported to the last byte", async () => {
  const { client, server } = ends();
  let reported = 0;
  const atServer = new Inbox(server);
  let ended = false;
  client.attach({
    data: (chunk) => client.consumed(chunk.length),
    end() {
      ended = true;
    },
    written(bytes) {
      reported += bytes;
    },
    closed() {},
  });
  client.write(Buffer.from("one"));
  client.stepAside();
  client.stepAside();
  client.write(Buffer.from("two"));
  client.end();
  await atServer.untilEnd();
  expect(reported).toBe(6);
  expect(ended).toBe(false);
  server.end();
  expect(await atServer.closed).toBeNull();
  expect(ended).toBe(true);
});

test("an end without stepping aside is an end", async () => {
  const { client, server } = ends();
  const atServer = new Inbox(server);
  const atClient = new Inbox(client);
  atClient.write("x");
  client.end();
  await atServer.untilEnd();
  server.end();
  expect(await atClient.closed).toBeNull();
});

test("where it was not agreed on nobody steps aside, and nothing is read after close_notify", async () => {
  const { client, server, wire } = ends({});
  const atServer = new Inbox(server);
  client.stepAside();
  client.write(Buffer.from("secret"));
  expect(await atServer.until(6)).toBe("secret");
  expect(wire.toServer.toString("latin1")).not.toContain("secret");
});
