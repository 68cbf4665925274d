import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { release } from "../../../../src/tunnel/release.ts";
import { RecordKeys } from "../../../../src/tunnel/tls/record-keys.ts";
import { RecordOpener, RecordSealer } from "../../../../src/tunnel/tls/record-layer.ts";

const SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

function ends(suite = "TLS_AES_128_GCM_SHA256") {
  const secret = randomBytes(suite.endsWith("384") ? 48 : 32);
  const seen = { content: Buffer.alloc(0), ended: 0, wanted: 0 };
  const opener = new RecordOpener(new RecordKeys(suite, secret), {
    data(content) {
      seen.content = Buffer.concat([seen.content, content]);
    },
    end() {
      seen.ended++;
    },
    wantsKeyUpdate() {
      seen.wanted++;
    },
  });
  return { sealer: new RecordSealer(new RecordKeys(suite, secret)), opener, seen };
}

test("content lies where its records lay: given back, it gives back all of them", () => {
  const secret = randomBytes(32);
  const contents: Buffer[] = [];
  const opener = new RecordOpener(new RecordKeys("TLS_AES_128_GCM_SHA256", secret), {
    data: (content) => void contents.push(content),
    end() {},
    wantsKeyUpdate() {},
  });
  const sealer = new RecordSealer(new RecordKeys("TLS_AES_128_GCM_SHA256", secret));
  const chunk = sealer.data(Buffer.alloc(100_000, 7));
  opener.feed(chunk);
  expect(contents.map(({ length }) => length)).toEqual([100_000]);
  for (const content of contents) release(content);
  expect(chunk.length).toBe(0);
});

test("a record that came in pieces: the memory in which it was put together is given back at once", () => {
  const secret = randomBytes(32);
  const keys = new RecordKeys("TLS_AES_128_GCM_SHA256", secret);
  const opened: Buffer[] = [];
  const open = keys.open.bind(keys);
  keys.open = (record) => {
    opened.push(record);
    return open(record);
  };
  const seen: Buffer[] = [];
  const opener = new RecordOpener(keys, {
    data: (content) => void seen.push(content),
    end() {},
    wantsKeyUpdate() {},
  });
  const sent = randomBytes(16_000);
  const wire = new RecordSealer(new RecordKeys("TLS_AES_128_GCM_SHA256", secret)).data(Buffer.from(sent));
  for (const piece of [wire.subarray(0, 3), wire.subarray(3, 9000), wire.subarray(9000)]) {
    opener.feed(Buffer.from(piece));
  }
  expect(Buffer.concat(seen).equals(sent)).toBe(true);
  expect(opened.map(({ length }) => length)).toEqual([0]);
});

/** RFC 8448, 3: the client's application secret of the example, and its first record. */
test("RFC 8448: keys are derived as in the published trace", () => {
  const secret = Buffer.from("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", "hex");
  const keys = new RecordKeys("TLS_AES_128_GCM_SHA256", secret);
  const record = Buffer.from(
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4",
    "hex",
  );
  const seen: Buffer[] = [];
  const opener = new RecordOpener(keys, {
    data: (content) => void seen.push(Buffer.from(content)),
    end() {},
    wantsKeyUpdate() {},
  });
  opener.feed(Buffer.from(record));
  expect(Buffer.concat(seen).toString("hex")).toBe(
    Buffer.from(Array.from({ length: 50 }, (_, i) => i)).toString("hex"),
  );
});

describe.each(SUITES)("%s", (suite) => {
  test("content of any length comes through, however the records are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 8 }),
        (lengths, cuts) => {
          const { sealer, opener, seen } = ends(suite);
          const sent = lengths.map((length) => randomBytes(length));
          let wire = Buffer.concat([
            ...sent.map((data) => sealer.data(Buffer.from(data))),
            sealer.closeNotify(),
          ]);
          for (let i = 0; wire.length > 0; i++) {
            const cut = cuts[i % cuts.length] ?? 1;
            opener.feed(Buffer.from(wire.subarray(0, cut)));
            wire = wire.subarray(cut);
          }
          expect(seen.content.equals(Buffer.concat(sent))).toBe(true);
          expect(seen.ended).toBe(1);
        },
      ),
      { numRuns: suite.includes("CHACHA") ? 10 : 60 },
    );
  });

  test("a key update changes the keys of the direction, in step", () => {
    const { sealer, opener, seen } = ends(suite);
    opener.feed(sealer.data(Buffer.from("before ")));
    opener.feed(sealer.keyUpdate());
    opener.feed(sealer.data(Buffer.from("after")));
    expect(seen.content.toString()).toBe("before after");
  });

  test("a changed, repeated, left out or reordered record is refused", () => {
    const records = () => {
      const { sealer, opener } = ends(suite);
      return { opener, a: sealer.data(Buffer.from("one")), b: sealer.data(Buffer.from("two")) };
    };
    const flipped = records();
    flipped.a[7] = (flipped.a[7] ?? 0) ^ 1;
    expect(() => flipped.opener.feed(flipped.a)).toThrow("changed on its way");
    const repeated = records();
    repeated.opener.feed(Buffer.from(repeated.a));
    expect(() => repeated.opener.feed(Buffer.from(repeated.a))).toThrow("changed on its way");
    const leftOut = records();
    expect(() => leftOut.opener.feed(leftOut.b)).toThrow("changed on its way");
  });
});

describe("hostile records", () => {
  test.each([
    ["a record that is longer than TLS allows", Buffer.from([23, 3, 3, 0xff, 0xff]), "too long"],
    ["a handshake record in clear", Buffer.from([22, 3, 3, 0, 4, 0, 0, 0, 0]), "breaks TLS|changed"],
    ["a fatal alert in clear", Buffer.from([21, 3, 3, 0, 2, 2, 40]), "alert 40"],
    ["a record without room for its tag", Buffer.from([23, 3, 3, 0, 1, 0]), "changed on its way|breaks TLS"],
    ["an empty record", Buffer.from([23, 3, 3, 0, 0]), "changed on its way|breaks TLS"],
  ])("%s is refused", (_, wire, message) => {
    expect(() => ends().opener.feed(Buffer.from(wire))).toThrow(new RegExp(message));
  });

  test("an alert about our certificate is CERTIFICATE_REFUSED", () => {
    const { sealer, opener } = ends();
    expect(() => opener.feed(sealer.alert(48))).toThrow(
      new SallyportError("CERTIFICATE_REFUSED", "The other end refused our certificate: unknown_ca."),
    );
  });

  test("a flood of key updates is refused", () => {
    const { sealer, opener } = ends();
    expect(() => {
      for (let i = 0; i < 40; i++) opener.feed(sealer.keyUpdate());
    }).toThrow("too many records without data");
  });

  test("what follows close_notify is ignored", () => {
    const { sealer, opener, seen } = ends();
    opener.feed(Buffer.concat([sealer.closeNotify(), sealer.data(Buffer.from("late"))]));
    opener.feed(randomBytes(100));
    expect(seen).toEqual({ content: Buffer.alloc(0), ended: 1, wanted: 0 });
  });

  test("B1 any bytes end with a verdict, not with a crash", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 50 }), (bytes, cut) => {
        const { opener } = ends();
        try {
          for (let at = 0; at < bytes.length; at += cut)
            opener.feed(Buffer.from(bytes.subarray(at, at + cut)));
        } catch (error) {
          expect(error).toBeInstanceOf(SallyportError);
        }
      }),
      { numRuns: 400 },
    );
  });
});
