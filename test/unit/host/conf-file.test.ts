import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { findConf, readConf, requireConfWritable, writeConf } from "../../../src/host/conf-file.ts";
import { parseConf, renderConf } from "../../../src/host/conf-text.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";

const key = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,20}$/);
const value = fc.string({ unit: "grapheme", maxLength: 60 }).filter((text) => !/\p{Cc}/u.test(text));
const conf = fc.dictionary(key, value).map((values) => new Map(Object.entries(values)));

describe("conf text", () => {
  test("B1 what is rendered is parsed to the same values", () => {
    fc.assert(
      fc.property(conf, (values) => expect(parseConf(renderConf(values))).toEqual(values)),
      {
        numRuns: 500,
      },
    );
  });

  test("B1 rendering over any older text still gives the same values", () => {
    const anyText = fc.oneof(
      fc.string({ maxLength: 200 }),
      conf.map((values) => renderConf(values)),
    );
    fc.assert(
      fc.property(conf, anyText, (values, previous) => {
        expect(parseConf(renderConf(values, previous))).toEqual(values);
      }),
      { numRuns: 500 },
    );
  });

  test("B1 random bytes are parsed or refused with a sentence, never a crash", () => {
    const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array).toString("utf8"));
    const nearly = fc
      .array(fc.constantFrom("A=", "K", "=", '"', "'", "\\", "\n", "\r", "#", " ", "x", "\u0000"), {
        maxLength: 80,
      })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(bytes, nearly), (text) => {
        try {
          for (const parsed of parseConf(text).values()) expect(parsed).not.toMatch(/\p{Cc}/u);
        } catch (error) {
          expect(error).toBeInstanceOf(SallyportError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("B1 64 KiB of quotes and backslashes take no time", () => {
    for (const unit of ['"', "''", "\\", '"\\', " '", '\\" ']) {
      try {
        parseConf(`A=${unit.repeat(65_536 / unit.length)}`);
      } catch (error) {
        expect(error).toBeInstanceOf(SallyportError);
      }
    }
  });

  test("values are read as systemd's EnvironmentFile reads them", () => {
    const text = [
      "\uFEFF# a comment",
      "; another",
      "",
      "PLAIN=abc.def-123",
      "SPACED =  abc  def  ",
      'DOUBLE="a \\"b\\" \\$c \\n"',
      "SINGLE='a \\ \"b\"'",
      "JOINED=\"a b\"'c d'e",
      "ESCAPED=a\\ b\\\\c\\ ",
      "EQUALS=a=b==",
      "INSIDE=it's",
      "EMPTY=",
      "TWICE=1",
      "TWICE=2",
      "not an assignment",
      "1BAD=x",
      "CRLF=x\r",
    ].join("\n");
    expect(Object.fromEntries(parseConf(text))).toEqual({
      PLAIN: "abc.def-123",
      SPACED: "abc  def",
      DOUBLE: 'a "b" $c \\n',
      SINGLE: 'a \\ "b"',
      JOINED: "a bc de",
      ESCAPED: "a b\\c ",
      EQUALS: "a=b==",
      INSIDE: "it's",
      EMPTY: "",
      TWICE: "2",
      CRLF: "x",
    });
  });

  test("a quote that is not closed is refused by its line, without its value", () => {
    expect(() => parseConf('A=1\nTOKEN="gwe_secret')).toThrow(/^line 2 opens a quote/);
    expect(() => parseConf('A=1\nTOKEN="gwe_secret')).not.toThrow(/gwe_secret/);
  });

  test.each(["a\nINFISICAL_GATEWAY_DOMAIN=https://evil", "a\rb", "a\u0000b", "a\u001bb", "a\u0085b"])(
    "a value with control characters is not written: %j",
    (bad) => {
      expect(() => renderConf(new Map([["TOKEN", bad]]))).toThrow(
        /the value of TOKEN holds control characters/,
      );
    },
  );

  test("a key that would not be read back is not written", () => {
    for (const bad of ["", "A B", "A=B", "1A", "A\nB", "ä"]) {
      expect(() => renderConf(new Map([[bad, "x"]]))).toThrow(/no key of a conf file/);
    }
  });

  test("comments, order and unknown keys stay; removed keys go", () => {
    const previous = "# mine\nOTHER=keep me\n\n; note\nTOKEN=old\nGONE=1\nrubbish\n";
    const values = new Map([
      ["OTHER", "keep me"],
      ["TOKEN", "new"],
      ["ADDED", "1"],
    ]);
    expect(renderConf(values, previous)).toBe('# mine\nOTHER="keep me"\n\n; note\nTOKEN=new\nADDED=1\n');
  });
});

describe("conf file", () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "conf-"));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  test("is written 0600 in a 0700 directory and read back", async () => {
    const path = join(home, "deep", "gateways", "edge.conf");
    await writeConf(path, new Map([["INFISICAL_GATEWAY_NAME", "edge"]]));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, "deep", "gateways"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(home, "deep"))).mode & 0o777).toBe(0o711);
    expect(await readConf(path)).toEqual(new Map([["INFISICAL_GATEWAY_NAME", "edge"]]));
  });

  test("a file that anybody could read is 0600 after the next write", async () => {
    const path = join(home, "edge.conf");
    await writeFile(path, "A=1\n", { mode: 0o644 });
    await writeConf(path, new Map([["A", "2"]]));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toBe("A=2\n");
  });

  test("a refused value leaves the old file as it was", async () => {
    const path = join(home, "edge.conf");
    await writeConf(path, new Map([["A", "1"]]));
    await expect(writeConf(path, new Map([["A", "1\nB=2"]]))).rejects.toThrow(/control characters/);
    expect(await readFile(path, "utf8")).toBe("A=1\n");
    expect(await readdir(home)).toEqual(["edge.conf"]);
  });

  test("a missing file is no conf; a large one, a directory and a device are refused", async () => {
    expect(await readConf(join(home, "none.conf"))).toBeUndefined();
    const large = join(home, "large.conf");
    await writeFile(large, `A=${"x".repeat(70_000)}`);
    await expect(readConf(large)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    await expect(readConf(home)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    await expect(readConf("/dev/zero")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  });

  test("requireConfWritable makes the directory, leaves nothing, and says why not", async () => {
    const path = join(home, "gateways", "edge.conf");
    await requireConfWritable(path);
    expect(await readdir(join(home, "gateways"))).toEqual([]);
    await writeFile(join(home, "file"), "");
    await expect(requireConfWritable(join(home, "file", "edge.conf"))).rejects.toMatchObject({
      code: "FILE_UNWRITABLE",
    });
    await mkdir(path);
    await expect(requireConfWritable(path)).rejects.toThrow(/no regular file/);
  });

  test("the conf of a name is found by its path first, then in the older single file of the same name", async () => {
    const machine = { env: { SALLYPORT_CONF_DIR: home }, uid: 1000, home };
    await writeFile(join(home, "gateway.conf"), "INFISICAL_GATEWAY_NAME=edge\nFROM=single\n");
    expect((await findConf("gateway", "edge", machine))?.values.get("FROM")).toBe("single");
    expect(await findConf("gateway", "other", machine)).toBeUndefined();
    await writeConf(join(home, "gateways", "edge.conf"), new Map([["FROM", "named"]]));
    expect((await findConf("gateway", "edge", machine))?.values.get("FROM")).toBe("named");
  });

  test("the conf of Infisical's relay service is found", async () => {
    const machine = { env: { SALLYPORT_CONF_DIR: home }, uid: 1000, home };
    await writeConf(join(home, "relays", "r1.env.conf"), new Map([["INFISICAL_RELAY_NAME", "r1"]]));
    expect((await findConf("relay", "r1", machine))?.path).toBe(join(home, "relays", "r1.env.conf"));
  });
});
