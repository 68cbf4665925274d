import { describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { parseHttpConfig, readFirstLine } from "../../../src/gateway/http/first-line.ts";

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
  test("B1 the line is found wherever the chunks are cut, and the rest stays in the stream", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10))),
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        fc.array(fc.nat(600), { maxLength: 5 }),
        async (line, rest, cuts) => {
          const all = Buffer.concat([line, Buffer.from("\n"), rest]);
          const source = new PassThrough();
          const read = readFirstLine(source);
          let from = 0;
          for (const cut of [...cuts.sort((a, b) => a - b), all.length]) {
            if (cut > from) source.write(all.subarray(from, cut));
            from = Math.max(from, Math.min(cut, all.length));
            if (cut % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
          source.end();
          expect(await read).toBe(line.toString("latin1"));
          const remaining: Buffer[] = [];
          for await (const chunk of source) remaining.push(chunk);
          expect(Buffer.concat(remaining)).toEqual(rest);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("B1 more than 64 KiB without a line feed is refused, and no more is read", async () => {
    const source = new PassThrough({ highWaterMark: 1 << 20 });
    const read = readFirstLine(source);
    for (let i = 0; i < 65; i++) source.write(Buffer.alloc(1024, "a"));
    await expect(read).rejects.toThrow(refused);
    expect(source.listenerCount("readable")).toBe(0);
  });

  test("just 64 KiB are taken", async () => {
    const source = new PassThrough({ highWaterMark: 1 << 20 });
    source.end(`${"a".repeat(64 * 1024)}\n`);
    expect((await readFirstLine(source)).length).toBe(64 * 1024);
  });

  test("a stream that ends or breaks before the line feed is refused", async () => {
    const ended = new PassThrough();
    ended.end("CONFIG");
    await expect(readFirstLine(ended)).rejects.toThrow(refused);
    const broken = new PassThrough();
    const read = readFirstLine(broken);
    broken.destroy();
    await expect(read).rejects.toThrow(refused);
  });

  test("a silent peer is given up", async () => {
    await expect(readFirstLine(new PassThrough(), 10)).rejects.toThrow(
      expect.objectContaining({ code: "TIMEOUT" }),
    );
  });
});
