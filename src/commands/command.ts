import type { ArgsDef, CommandDef, ParsedArgs } from "citty";
import { SallyportError } from "../telemetry/error.ts";

/** What a command's `run` gets. `repeated` reads a flag that may be given several times. */
export interface Invocation<A extends ArgsDef> {
  args: ParsedArgs<A>;
  rawArgs: string[];
  repeated(flag: keyof A & string): string[];
}

interface Definition<A extends ArgsDef> {
  name: string;
  description: string;
  /** Left out of the list of commands. */
  hidden?: boolean;
  args?: A;
  run(invocation: Invocation<A>): Promise<void> | void;
}

/**
 * A leaf command. On top of citty it refuses what citty lets pass: unknown flags, a flag without its value and
 * surplus arguments all end with exit code 2 and one sentence, before anything is done.
 */
export function command<const A extends ArgsDef = Record<never, never>>(
  definition: Definition<A>,
): CommandDef<A> {
  const { name, description, hidden = false, run } = definition;
  const args = definition.args ?? ({} as A);
  return {
    meta: { name, description, hidden },
    args,
    run(context) {
      checkRawArgs(name, context.rawArgs, args);
      return run({
        args: context.args,
        rawArgs: context.rawArgs,
        repeated: (flag) => valuesOf(flag, context.rawArgs, args),
      });
    },
  };
}

/** A noun with verbs: `group("gateway", "...", { start: () => import("./start.ts") })`. Verbs load when called. */
export function group(
  name: string,
  description: string,
  // biome-ignore lint/suspicious/noExplicitAny: each command has its own argument type
  verbs: Record<string, () => Promise<{ default: CommandDef<any> }>>,
): CommandDef {
  const subCommands = Object.fromEntries(
    Object.entries(verbs).map(([verb, load]) => [verb, async () => (await load()).default]),
  );
  return { meta: { name, description }, subCommands };
}

interface Token {
  flag: string;
  value: string | undefined;
}

function checkRawArgs(name: string, rawArgs: string[], args: ArgsDef): void {
  const positionals = Object.values(args).filter((arg) => arg.type === "positional").length;
  const { flags, words } = tokens(rawArgs, args);
  for (const { flag, value } of flags) {
    const definition = definitionOf(flag, args);
    if (!definition) throw usage(`Unknown flag ${flag} for "${name}"`);
    const takesValue = definition.type === "string" || definition.type === "enum";
    if (takesValue && value === undefined) throw usage(`The flag ${flag} needs a value`);
    if (!takesValue && value !== undefined && value !== "true" && value !== "false") {
      throw usage(`The flag ${flag} takes no value`);
    }
  }
  if (words.length > positionals) throw usage(`Unexpected argument ${JSON.stringify(words[positionals])}`);
}

function valuesOf(flag: string, rawArgs: string[], args: ArgsDef): string[] {
  return tokens(rawArgs, args).flags.flatMap((token) =>
    definitionOf(token.flag, args) === args[flag] && token.value !== undefined ? [token.value] : [],
  );
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

function usage(what: string): SallyportError {
  return new SallyportError("USAGE", `${what}. Add --help to see what is accepted.`);
}
