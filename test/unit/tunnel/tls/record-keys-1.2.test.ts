import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { tls12Keys } from "../../../../src/tunnel/tls/record-keys-1.2.ts";
import { RecordOpener, RecordSealer } from "../../../../src/tunnel/tls/record-layer.ts";

function ends(suite: string) {
  const secrets = {
    suite,
    master: randomBytes(48),
    clientRandom: randomBytes(32),
    serverRandom: randomBytes(32),
  };
  const seen: Buffer[] = [];
  let ended = 0;
  const opener = new RecordOpener(tls12Keys(secrets).client, {
    data: (content) => void seen.push(Buffer.from(content)),
    end: () => void ended++,
    wantsKeyUpdate() {},
  });
  const keys = tls12Keys(secrets).client;
  return { keys, sealer: new RecordSealer(keys), opener, seen, ended: () => ended };
}

describe.each(["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"])(
  "TLS 1.2 with %s",
  (suite) => {
    test("content of several records comes through, and the end", () => {
      const { sealer, opener, seen, ended } = ends(suite);
      const sent = randomBytes(50_000);
      opener.feed(Buffer.concat([sealer.data(Buffer.from(sent)), sealer.closeNotify()]));
      expect(Buffer.concat(seen).equals(sent)).toBe(true);
      expect(ended()).toBe(1);
    });

    test("a changed, repeated or left out record is refused", () => {
      const changed = ends(suite);
      const record = changed.sealer.data(Buffer.from("one"));
      record[20] = (record[20] ?? 0) ^ 1;
      expect(() => changed.opener.feed(record)).toThrow("changed on its way");
      const repeated = ends(suite);
      const once = repeated.sealer.data(Buffer.from("one"));
      repeated.opener.feed(Buffer.from(once));
      expect(() => repeated.opener.feed(once)).toThrow("changed on its way");
      const leftOut = ends(suite);
      leftOut.sealer.data(Buffer.from("one"));
      expect(() => leftOut.opener.feed(leftOut.sealer.data(Buffer.from("two")))).toThrow(
        "changed on its way",
      );
    });

    test("a type that was changed in the header is refused, and another handshake", () => {
      const { sealer, opener } = ends(suite);
      const record = sealer.data(Buffer.from("one"));
      record[0] = 21;
      expect(() => opener.feed(record)).toThrow("changed on its way");
      const again = ends(suite);
      const header = Buffer.from([22, 3, 3, 0, 4 + 24]);
      const renegotiation = Buffer.concat([header, ...again.keys.seal(header, Buffer.from([1, 0, 0, 0]))]);
      expect(() => again.opener.feed(renegotiation)).toThrow("another handshake");
    });

    test.each([0, 1, 23])("a record of %i bytes is refused", (length) => {
      const record = Buffer.concat([Buffer.from([23, 3, 3, 0, length]), Buffer.alloc(length)]);
      expect(() => ends(suite).opener.feed(record)).toThrow(/changed on its way|breaks TLS/);
    });
  },
);

test("another cipher suite is refused", () => {
  expect(() => ends("AES128-SHA")).toThrow("is not supported");
});
