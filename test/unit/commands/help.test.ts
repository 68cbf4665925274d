import { expect, test } from "bun:test";
import type { CommandDef } from "citty";
import { checkArguments } from "../../../src/commands/arguments.ts";
import { choose, dispatch } from "../../../src/commands/dispatch.ts";
import { examplesOf } from "../../../src/commands/examples.ts";
import { help } from "../../../src/commands/help.ts";
import { resolve } from "../../../src/commands/resolve.ts";
import { root } from "../../../src/commands/root.ts";
import { commandLines, shellWords } from "../../support/command-lines.ts";

interface Leaf {
  path: string;
  command: CommandDef;
}

async function leaves(command: CommandDef = root, path = "sallyport"): Promise<Leaf[]> {
  if ((await resolve(command.meta))?.hidden) return [];
  if (!command.subCommands) return [{ path, command }];
  const below = Object.entries((await resolve(command.subCommands)) ?? {});
  const found = await Promise.all(
    below.map(async ([name, sub]) => leaves(await resolve(sub), `${path} ${name}`)),
  );
  return found.flat();
}

/** Throws when the product would refuse these words before it does anything. */
async function check(line: string): Promise<void> {
  const [program, ...words] = shellWords(line);
  expect(program).toBe("sallyport");
  const { path, command, rest } = await choose(root, words);
  expect(command.subCommands).toBeUndefined();
  checkArguments(path, rest, (await resolve(command.args)) ?? {});
}

const all = await leaves();

test.each(all.map(({ path }) => [path]))("%s --help has examples that are accepted", async (path) => {
  const examples = examplesOf(path);
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) await check(example);
});

test.each([
  ["README.md", 20],
  ["docs/guide.md", 35],
  ["docs/operating.md", 20],
])("every command in %s is accepted as printed", async (document, least) => {
  const text = await Bun.file(new URL(`../../../${document}`, import.meta.url)).text();
  const lines = commandLines(text);
  expect(lines.length).toBeGreaterThan(least);
  for (const line of lines) await check(line);
});

test("the help of the program names every command once", async () => {
  const text = await help(root, []);
  const nouns = Object.keys((await resolve(root.subCommands)) ?? {}).filter((noun) => noun !== "demo-target");
  for (const noun of nouns) expect(text.match(new RegExp(`^  ${noun} `, "gm"))).toHaveLength(1);
});

test.each([40, 80, 200])("help fits a terminal of %d columns", async (columns) => {
  for (const { path } of [...all, { path: "sallyport" }, { path: "sallyport gateway" }]) {
    const text = await help(root, path.split(" ").slice(1), columns);
    const [prose = ""] = text.split("\n\nExamples:");
    for (const line of prose.split("\n").filter((line) => !line.startsWith("Usage:"))) {
      const wordsThatBreak = line.trim().includes(" ");
      if (wordsThatBreak && !line.trimStart().startsWith("--"))
        expect(line.length).toBeLessThanOrEqual(columns);
    }
    expect(text).not.toMatch(/ $/m);
  }
});

test.each([
  [["gatway", "list"], 'did you mean "sallyport gateway"?'],
  [["gateways", "list"], 'did you mean "sallyport gateway"?'],
  [["gateway", "strat"], 'did you mean "sallyport gateway start"?'],
  [["gateway", "lsit"], 'did you mean "sallyport gateway list"?'],
  [["relay", "inst"], 'did you mean "sallyport relay install"?'],
  [["enroll"], 'there is "sallyport gateway enroll", "sallyport relay enroll"'],
  [["frobnicate"], 'see "sallyport --help"'],
  [["gateway"], "Say what to do: sallyport gateway enroll | start"],
  [["--json", "gateway", "list"], "flags come after the command"],
  [["gateway", "list", "--jsn"], "did you mean --json?"],
  [
    ["gateway", "create"],
    '"sallyport gateway create" needs <gateway>, for example: sallyport gateway create office',
  ],
  [["relay", "create", "edge"], "needs --host, for example: sallyport relay create edge --host"],
  [["pool", "add"], "needs <pool> and <gateway>"],
])("%p says what was meant", async (words, message) => {
  const refusal = await dispatch(root, words).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "USAGE", message: expect.stringContaining(message) });
});
