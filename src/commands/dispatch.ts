import { type CommandDef, runCommand } from "citty";
import { SallyportError } from "../telemetry/error.ts";
import { checkArguments, seeHelp } from "./arguments.ts";
import { didYouMean } from "./nearest.ts";
import { resolve } from "./resolve.ts";

/** What the words of a command line name. */
export interface Chosen {
  /** As it is typed: `sallyport gateway create`. */
  path: string;
  command: CommandDef;
  /** What comes after it. */
  rest: string[];
}

/**
 * Runs the command that the words name, once it is clear that all of them make sense.
 * @throws SallyportError USAGE; whatever the command throws
 */
export async function dispatch(root: CommandDef, rawArgs: string[]): Promise<void> {
  const { path, command, rest } = await choose(root, rawArgs);
  const verbs = await verbsOf(command);
  if (verbs.length > 0) {
    throw new SallyportError("USAGE", `Say what to do: ${path} ${verbs.join(" | ")}`);
  }
  checkArguments(path, rest, (await resolve(command.args)) ?? {});
  await runCommand(command, { rawArgs: rest });
}

/**
 * Follows the words down the tree of commands.
 * @throws SallyportError USAGE with the nearest commands for a word that is none, and for a flag in front of a command
 */
export async function choose(root: CommandDef, rawArgs: string[]): Promise<Chosen> {
  let command = root;
  let path = (await resolve(root.meta))?.name ?? "";
  let rest = rawArgs;
  for (;;) {
    const subCommands = await resolve(command.subCommands);
    const [word] = rest;
    if (!subCommands || word === undefined) return { path, command, rest };
    if (word.startsWith("-")) {
      throw new SallyportError("USAGE", `Unknown flag ${word} for "${path}": flags come after the command.`);
    }
    const next = Object.hasOwn(subCommands, word) ? await resolve(subCommands[word]) : undefined;
    if (!next) throw await unknownCommand(root, { path, command, rest }, word);
    command = next;
    path = `${path} ${word}`;
    rest = rest.slice(1);
  }
}

async function unknownCommand(
  root: CommandDef,
  { path, command }: Chosen,
  word: string,
): Promise<SallyportError> {
  const verbs = await verbsOf(command);
  const meant =
    didYouMean(word, verbs, (verb) => `"${path} ${verb}"`) ??
    (command === root ? await nounsWith(root, path, word) : undefined);
  return new SallyportError("USAGE", `"${path}" has no command "${word}": ${meant ?? seeHelp(path)}`);
}

/** Somebody who leaves out the noun: `sallyport status`. */
async function nounsWith(root: CommandDef, path: string, verb: string): Promise<string | undefined> {
  const nouns: string[] = [];
  for (const noun of await verbsOf(root)) {
    const below = await resolve((await resolve(root.subCommands))?.[noun]);
    if (below && (await verbsOf(below)).includes(verb)) nouns.push(`"${path} ${noun} ${verb}"`);
  }
  return nouns.length === 0 ? undefined : `there is ${nouns.join(", ")}.`;
}

/** The names of what is below a command, without what is hidden. */
async function verbsOf(command: CommandDef): Promise<string[]> {
  const names: string[] = [];
  for (const [name, sub] of Object.entries((await resolve(command.subCommands)) ?? {})) {
    const meta = await resolve((await resolve(sub)).meta);
    if (!meta?.hidden) names.push(name);
  }
  return names;
}
