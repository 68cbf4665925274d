import { expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { printJson, printLine, say, tableLines } from "../../../src/commands/output.ts";
import { createLogger } from "../../../src/telemetry/log.ts";
import { visible } from "../../../src/telemetry/visible.ts";

/** What a stolen gateway might call its trouble: clears the screen, by both spellings, and turns the text around. */
const NASTY = "a\u001b[2J\u009b2J\u0007\r\u202eb";
const SHOWN = "a\\u001b[2J\\u009b2J\\u0007\\u000d\\u202eb";

test("control characters and turned text are shown, lines and tabs stay", () => {
  expect(visible(NASTY)).toBe(SHOWN);
  expect(visible("a\n\tb é 漢 🛡")).toBe("a\n\tb é 漢 🛡");
});

test("B1 no text reaches a terminal as control characters, and JSON means the same", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const shown = visible(JSON.stringify({ text }));
      expect(shown).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      expect(JSON.parse(shown)).toEqual({ text });
    }),
  );
});

test("what commands print of peers, in lines, tables and messages, moves no cursor", () => {
  const written: string[] = [];
  const note = (text: string | Uint8Array) => written.push(String(text)) > 0;
  const spies = [process.stdout, process.stderr].map((stream) =>
    spyOn(stream, "write").mockImplementation(note),
  );
  try {
    printLine(NASTY);
    say(NASTY);
    printJson({ text: NASTY });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  expect(written.slice(0, 2)).toEqual([`${SHOWN}\n`, `${SHOWN}\n`]);
  expect(JSON.parse(written[2] ?? "")).toEqual({ text: NASTY });
  expect(tableLines(["NAME", "TEXT"], [["x", "one\nFORGED  line\ttwo"]])).toEqual([
    "NAME  TEXT",
    "x     one FORGED  line two",
  ]);
});

test.each(["text", "json"] as const)(
  "a log of the format %s holds no control characters in one line",
  (format) => {
    const lines: string[] = [];
    createLogger({ format, write: (line) => lines.push(line) }).info(NASTY, { reason: `${NASTY}\n` });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\p{Cc}\u202e]/u);
  },
);
