import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { ByteStream } from "../../../../src/tunnel/stream.ts";
import { RecordKeys } from "../../../../src/tunnel/tls/record-keys.ts";
import { RecordOpener, RecordSealer } from "../../../../src/tunnel/tls/record-layer.ts";
import { TlsSession } from "../../../../src/tunnel/tls/tls-session.ts";

const SUITE = "TLS_AES_128_GCM_SHA256";

/** A key update that asks for one in return (RFC 8446, 4.6.3), and a byte of data under the new keys. */
function askAndSend(keys: RecordKeys): Buffer {
  const header = Buffer.from([23, 3, 3, 0, 6 + 16]);
  const asking = Buffer.concat([header, ...keys.seal(header, Buffer.from([24, 0, 0, 1, 1]), 22)]);
  keys.update();
  return Buffer.concat([asking, new RecordSealer(keys).data(Buffer.from("x"))]);
}

test("a peer that asks for key updates and never reads gets one answer, and the next when that has left", () => {
  const secret = randomBytes(32);
  const sent: number[] = [];
  const far: ByteStream = {
    attach() {},
    write: (chunk) => void sent.push(chunk.length),
    end() {},
    destroy() {},
    consumed() {},
  };
  const agreed = {
    alpn: null,
    peer: undefined,
    flight: Buffer.alloc(0),
    declined: () => Buffer.alloc(0),
    sealer: new RecordSealer(new RecordKeys(SUITE, randomBytes(32))),
    opener: (reader: ConstructorParameters<typeof RecordOpener>[1]) =>
      new RecordOpener(new RecordKeys(SUITE, secret), reader),
  };
  const session = new TlsSession(far, agreed, { strict: true }, 0);
  const peer = new RecordKeys(SUITE, secret);
  for (let i = 0; i < 500; i++) session.farHandler.data(askAndSend(peer));
  expect(sent).toHaveLength(1);
  session.farHandler.written(sent[0] ?? 0);
  expect(sent).toHaveLength(2);
  session.destroy();
});
