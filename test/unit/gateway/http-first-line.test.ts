import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseHttpConfig, readFirstLine } from "../../../src/gateway/http/first-line.ts";
import { PulledStream } from "../../../src/tunnel/pulled-stream.ts";
import { type MemoryStream, streamPair } from "../../support/stream-pair.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const CA = Buffer.from(PEM).toString("base64");
const refused = expect.objectContaining({ code: "CONFIG_INVALID" });

describe("the CONFIG line", () => {
  test.each<[string, { authorities: string | undefined; verify: boolean }]>([
    ["CONFIG", { authorities: undefined, verify: false }],
    ["", { authorities: undefined, verify: false }],
    ["anything at all", { authorities: undefined, verify: false }],
    [`CONFIG ca=${CA} verify=true`, { authorities: PEM, verify: true }],
    [`CONFIG ca=${CA} verify=true\r`, { authorities: PEM, verify: true }],
    [`CONFIG verify=1 ca=${CA} future=x`, { authorities: PEM, verify: true }],
    ["CONFIG verify=T", { authorities: undefined, verify: true }],
    ["CONFIG verify=TRUE", { authorities: undefined, verify: true }],
    ["CONFIG verify=false", { authorities: undefined, verify: false }],
    ["CONFIG verify=yes", { authorities: undefined, verify: false }],
    ["CONFIG verify=", { authorities: undefined, verify: false }],
    ["CONFIG verify=true verify=false", { authorities: undefined, verify: false }],
    ["CONFIG ca=", { authorities: undefined, verify: false }],
    ["CONFIG xverify=true", { authorities: undefined, verify: false }],
  ])("%p", (line, config) => {
    expect(parseHttpConfig(line)).toEqual(config);
  });

  test.each(["CONFIG ca=!!!", "CONFIG ca=aGVsbG8=", `CONFIG ca=${CA.slice(0, 8)}`, "CONFIG ca=\u0000"])(
    "%p is refused",
    (line) => {
      expect(() => parseHttpConfig(line)).toThrow(refused);
    },
  );

  test("B1 no line crashes the parser", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("CONFIG", "ca=", "verify=", `ca=${CA}`, "\t", "=", "\u0000"),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), fc.constantFrom(" ", "", "\t"), (words, glue) => {
        try {
          expect(typeof parseHttpConfig(words.join(glue)).verify).toBe("boolean");
        } catch (error) {
          expect(error).toEqual(refused);
        }
      }),
    );
  });
});

describe("reading it", () => {
  /** What the client writes, and the gateway's end of it. */
  function opened(): [client: MemoryStream, source: PulledStream] {
    const [client, gateway] = streamPair();
    client.attach({ data() {}, end() {}, written() {}, closed() {} });
    return [client, new PulledStream(gateway)];
  }

  test("B1 the line is found wherever the pieces are cut, and the rest stays in the stream", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10))),
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        fc.array(fc.nat(600), { maxLength: 5 }),
        async (line, rest, cuts) => {
          const all = Buffer.concat([line, Buffer.from("\n"), rest]);
          const [client, source] = opened();
          const read = readFirstLine(source);
          let from = 0;
          for (const cut of [...cuts.sort((a, b) => a - b), all.length]) {
            if (cut > from) client.write(all.subarray(from, cut));
            from = Math.max(from, Math.min(cut, all.length));
            if (cut % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
          client.end();
          expect(await read).toBe(line.toString("latin1"));
          const remaining: Buffer[] = [];
          for (let chunk = await source.read(); chunk; chunk = await source.read()) remaining.push(chunk);
          expect(Buffer.concat(remaining)).toEqual(rest);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("B1 more than 64 KiB without a line feed is refused, and no more is read", async () => {
    const [client, source] = opened();
    client.write(Buffer.alloc(1 << 20, "a"));
    await expect(readFirstLine(source)).rejects.toThrow(refused);
    expect(source.received).toBeLessThanOrEqual(512 * 1024);
  });

  test("just 64 KiB are taken", async () => {
    const [client, source] = opened();
    client.write(Buffer.from(`${"a".repeat(64 * 1024)}\n`));
    expect((await readFirstLine(source)).length).toBe(64 * 1024);
  });

  test("a stream that ends before the line feed is refused, one that breaks says why", async () => {
    const [ended, fromEnded] = opened();
    ended.write(Buffer.from("CONFIG"));
    ended.end();
    await expect(readFirstLine(fromEnded)).rejects.toThrow(refused);
    const [broken, fromBroken] = opened();
    const read = readFirstLine(fromBroken);
    broken.destroy();
    await expect(read).rejects.toThrow("connection reset");
  });

  test("a silent peer is given up", async () => {
    await expect(readFirstLine(opened()[1], 10)).rejects.toThrow(
      expect.objectContaining({ code: "TIMEOUT" }),
    );
  });
});
