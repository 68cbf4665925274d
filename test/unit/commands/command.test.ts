import { expect, test } from "bun:test";
import { command, group } from "../../../src/commands/command.ts";
import { dispatch } from "../../../src/commands/dispatch.ts";

interface Seen {
  name?: string | undefined;
  allow: string[];
  json: boolean | undefined;
}

async function run(...rawArgs: string[]): Promise<Seen> {
  let seen: Seen | undefined;
  const definition = command({
    name: "try",
    description: "A command to try",
    args: {
      name: { type: "positional", required: false },
      allow: { type: "string", alias: ["permit"] },
      level: { type: "enum", options: ["low", "high"] },
      json: { type: "boolean" },
    },
    run({ args, repeated }) {
      seen = { name: args.name, allow: repeated("allow"), json: args.json };
    },
  });
  const program = group("sallyport", "A program", { try: async () => ({ default: definition }) });
  await dispatch(program, ["try", ...rawArgs]);
  if (!seen) throw new Error("the command did not run");
  return seen;
}

test("a flag may be repeated, under any of its names and in both spellings", async () => {
  const { allow } = await run("--allow", "a", "--permit=b", "--allow=c");
  expect(allow).toEqual(["a", "b", "c"]);
});

test("- alone is a value, not a flag", async () => {
  expect((await run("--allow", "-")).allow).toEqual(["-"]);
});

test.each([
  [["--alow", "x"], "Unknown flag --alow"],
  [["-x"], "Unknown flag -x"],
  [["--allow"], "--allow needs a value"],
  [["--allow", "--json"], "--allow needs a value"],
  [["--allow="], "--allow needs a value, and this one is empty: leave the flag out"],
  [["--allow", "a", "--permit", " "], "--permit needs a value, and this one is empty"],
  [[""], "<name> is empty: say which one"],
  [["--json=maybe"], "--json takes no value"],
  [["one", "two"], 'Unexpected argument "two"'],
  [["one", "--", "two"], 'Unexpected argument "two"'],
  [["--level", "middle"], '--level takes low, high, not "middle"'],
  [["--jso"], "did you mean --json?"],
])("%p is refused with one sentence before anything is done", async (rawArgs, message) => {
  const refusal = await run(...rawArgs).catch((error: Error) => error);
  expect(refusal).toBeInstanceOf(Error);
  expect((refusal as Error).message).toContain(message);
});
