import type { ArgsDef, CommandDef, ParsedArgs } from "citty";
import { valuesOf } from "./arguments.ts";

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

/** A leaf command. What it is called with has been checked by `dispatch`. */
export function command<const A extends ArgsDef = Record<never, never>>(
  definition: Definition<A>,
): CommandDef<A> {
  const { name, description, hidden = false, run } = definition;
  const args = definition.args ?? ({} as A);
  return {
    meta: { name, description, hidden },
    args,
    run(context) {
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
