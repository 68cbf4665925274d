import type { ArgsDef, CommandDef } from "citty";
import { type Chosen, choose } from "./dispatch.ts";
import { examplesOf } from "./examples.ts";
import { resolve } from "./resolve.ts";
import { SECTIONS } from "./sections.ts";

const INDENT = "  ";
/** Longer names stand on a line of their own. */
const WIDEST_NAME = 30;
const NARROWEST = 40;
const WIDEST = 110;

/**
 * The help of the deepest command that the words name, as plain text.
 * @param columns of the terminal
 * @throws SallyportError USAGE for a word that is no command
 */
export async function help(root: CommandDef, words: string[], columns = 80): Promise<string> {
  const chosen = await choose(root, words);
  const width = Math.min(Math.max(columns, NARROWEST), WIDEST);
  const blocks = chosen.command.subCommands
    ? await blocksOfGroup(root, chosen, width)
    : await blocksOfCommand(chosen, width);
  return blocks.map((block) => block.join("\n")).join("\n\n");
}

async function blocksOfGroup(
  root: CommandDef,
  { path, command }: Chosen,
  width: number,
): Promise<string[][]> {
  const known = await descriptionsBelow(command);
  const lists =
    command === root
      ? SECTIONS.map(({ title, nouns }) => [
          `${title}:`,
          ...columnsOf(
            nouns.map((noun) => [noun, known.get(noun) ?? ""]),
            width,
          ),
        ])
      : [["Commands:", ...columnsOf([...known], width)]];
  return [
    await heading(command, width),
    [`Usage: ${path} <command>`],
    ...lists,
    wrap(`"${path} <command> --help" says what a command takes.`, width),
  ];
}

async function descriptionsBelow(command: CommandDef): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for (const [name, sub] of Object.entries((await resolve(command.subCommands)) ?? {})) {
    const meta = await resolve((await resolve(sub)).meta);
    if (!meta?.hidden) known.set(name, meta?.description ?? "");
  }
  return known;
}

async function blocksOfCommand({ path, command }: Chosen, width: number): Promise<string[][]> {
  const args = Object.entries((await resolve(command.args)) ?? {});
  const positionals = args.filter(([, arg]) => arg.type === "positional");
  const flags = args.filter(([, arg]) => arg.type !== "positional");
  const words = [
    ...positionals.map(([name, arg]) => (arg.required === false ? `[<${name}>]` : `<${name}>`)),
    ...flags.filter(([, arg]) => arg.required).map(flagName),
    ...(flags.some(([, arg]) => !arg.required) ? ["[flags]"] : []),
  ];
  const blocks = [await heading(command, width), [`Usage: ${[path, ...words].join(" ")}`]];
  if (positionals.length > 0) {
    const rows = positionals.map(([name, arg]): Row => [`<${name}>`, arg.description ?? ""]);
    blocks.push(["Arguments:", ...columnsOf(rows, width)]);
  }
  if (flags.length > 0) {
    blocks.push([
      "Flags:",
      ...columnsOf(
        flags.map((flag): Row => [flagName(flag), flagText(flag)]),
        width,
      ),
    ]);
  }
  const examples = examplesOf(path);
  if (examples.length > 0) blocks.push(["Examples:", ...examples.map((line) => INDENT + line)]);
  return blocks;
}

async function heading(command: CommandDef, width: number): Promise<string[]> {
  return wrap(`${(await resolve(command.meta))?.description ?? ""}.`, width);
}

type Flag = [string, ArgsDef[string]];

function flagName([name, arg]: Flag): string {
  if (arg.type === "boolean") return arg.default === true ? `--[no-]${name}` : `--${name}`;
  if (arg.type === "enum") return `--${name} <${arg.options?.join("|")}>`;
  return `--${name} <${arg.valueHint ?? name}>`;
}

function flagText([, arg]: Flag): string {
  const aliases = "alias" in arg && arg.alias ? [arg.alias].flat() : [];
  const remarks = [
    ...(typeof arg.default === "string" ? [`default ${arg.default}`] : []),
    ...(aliases.length > 0 ? [`also ${aliases.map((alias) => `--${alias}`).join(", ")}`] : []),
  ];
  return [arg.description ?? "", ...(remarks.length > 0 ? [`(${remarks.join("; ")})`] : [])].join(" ").trim();
}

type Row = [name: string, text: string];

/** Names on the left, their texts wrapped on the right. */
function columnsOf(rows: Row[], width: number): string[] {
  const left = Math.min(WIDEST_NAME, Math.max(...rows.map(([name]) => name.length)), Math.floor(width / 2));
  const margin = " ".repeat(INDENT.length + left + 2);
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, width - margin.length).map((line) => margin + line);
    if (name.length > left) return [INDENT + name, ...lines];
    const [first = "", ...others] = lines;
    return [`${INDENT}${name.padEnd(left)}  ${first.trimStart()}`.trimEnd(), ...others];
  });
}

/** Breaks between words; a word that is too long stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
