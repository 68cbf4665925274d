import type { ArgsDef } from "citty";
import { SallyportError } from "../telemetry/error.ts";
import { examplesOf } from "./examples.ts";
import { didYouMean } from "./nearest.ts";

interface Token {
  flag: string;
  value: string | undefined;
}

/**
 * Refuses what citty lets pass or says badly: unknown flags, a flag without its value or with a wrong one, surplus,
 * missing and empty arguments. What is empty was meant to be something, for example a shell's variable that is not set:
 * `--allow "$ONLY_THESE"` must not come to allow everything.
 * @param path the command as it is typed, for example `sallyport gateway create`
 * @throws SallyportError USAGE, one sentence that says what to type instead
 */
export function checkArguments(path: string, rawArgs: string[], args: ArgsDef): void {
  const { flags, words } = tokens(rawArgs, args);
  for (const { flag, value } of flags) checkFlag(path, flag, value, args);
  const positionals = Object.entries(args).filter(([, arg]) => arg.type === "positional");
  const surplus = words[positionals.length];
  if (surplus !== undefined) {
    throw usage(`Unexpected argument ${JSON.stringify(surplus)} for "${path}": ${seeHelp(path)}`);
  }
  const empty = words.indexOf("");
  if (empty >= 0) throw usage(`<${positionals[empty]?.[0]}> is empty: say which one, or ${seeHelp(path)}`);
  const missing = [
    ...positionals.slice(words.length).filter(([, arg]) => arg.required !== false),
    ...Object.entries(args).filter(
      ([name, arg]) =>
        arg.type !== "positional" &&
        arg.required === true &&
        !flags.some(({ flag }) => definitionOf(flag, args) === args[name]),
    ),
  ].map(([name, arg]) => (arg.type === "positional" ? `<${name}>` : `--${name}`));
  if (missing.length === 0) return;
  const example = examplesOf(path)[0];
  throw usage(
    `"${path}" needs ${missing.join(" and ")}${example ? `, for example: ${example}` : `: ${seeHelp(path)}`}`,
  );
}

/** "see ... --help." */
export function seeHelp(path: string): string {
  return `see "${path} --help".`;
}

/** Every value that was given for a flag, under any of its names, in their order. */
export function valuesOf(flag: string, rawArgs: string[], args: ArgsDef): string[] {
  return tokens(rawArgs, args).flags.flatMap((token) =>
    definitionOf(token.flag, args) === args[flag] && token.value !== undefined ? [token.value] : [],
  );
}

function checkFlag(path: string, flag: string, value: string | undefined, args: ArgsDef): void {
  const definition = definitionOf(flag, args);
  if (!definition) {
    const known = Object.keys(args).filter((name) => args[name]?.type !== "positional");
    const meant = didYouMean(flag.replace(/^--?/, ""), known, (name) => `--${name}`);
    throw usage(`Unknown flag ${flag} for "${path}": ${meant ?? seeHelp(path)}`);
  }
  const takesValue = definition.type === "string" || definition.type === "enum";
  if (takesValue && value === undefined) {
    throw usage(`The flag ${flag} needs a value: ${seeHelp(path)}`);
  }
  if (takesValue && value?.trim() === "") {
    throw usage(
      `The flag ${flag} needs a value, and this one is empty: leave the flag out, or ${seeHelp(path)}`,
    );
  }
  if (!takesValue && value !== undefined && value !== "true" && value !== "false") {
    throw usage(`The flag ${flag} takes no value: leave "=${value}" out.`);
  }
  if (definition.type === "enum" && value !== undefined && !definition.options?.includes(value)) {
    throw usage(`${flag} takes ${definition.options?.join(", ")}, not ${JSON.stringify(value)}.`);
  }
}

function tokens(rawArgs: string[], args: ArgsDef): { flags: Token[]; words: string[] } {
  const flags: Token[] = [];
  const words: string[] = [];
  for (let i = 0; i < rawArgs.length; i++) {
    const arg = rawArgs[i] ?? "";
    if (arg === "--") {
      words.push(...rawArgs.slice(i + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    if (equals > 0) {
      flags.push({ flag: arg.slice(0, equals), value: arg.slice(equals + 1) });
      continue;
    }
    const type = definitionOf(arg, args)?.type;
    const next = rawArgs[i + 1];
    const takesNext =
      (type === "string" || type === "enum") && next !== undefined && (next === "-" || !next.startsWith("-"));
    flags.push({ flag: arg, value: takesNext ? next : undefined });
    if (takesNext) i++;
  }
  return { flags, words };
}

function definitionOf(flag: string, args: ArgsDef): ArgsDef[string] | undefined {
  const name = flag.replace(/^--?/, "");
  const positive = name.replace(/^no-/, "");
  for (const [key, definition] of Object.entries(args)) {
    if (definition.type === "positional") continue;
    const aliases = "alias" in definition && definition.alias ? [definition.alias].flat() : [];
    if (key === name || aliases.includes(name)) return definition;
    if (key === positive && definition.type === "boolean") return definition;
  }
  return undefined;
}

function usage(message: string): SallyportError {
  return new SallyportError("USAGE", message);
}
