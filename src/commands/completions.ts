import type { ArgsDef, CommandDef } from "citty";
import { SallyportError } from "../telemetry/error.ts";
import { command } from "./command.ts";
import { printLine } from "./output.ts";
import { resolve } from "./resolve.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

export default command({
  name: "completions",
  description: "Print the completions of a shell: bash, zsh or fish",
  args: {
    shell: { type: "positional", required: true, description: SHELLS.join(", ") },
  },
  async run({ args }) {
    const shell = SHELLS.find((name) => name === args.shell);
    if (!shell) throw new SallyportError("USAGE", `There are completions for ${SHELLS.join(", ")}`);
    const { root } = await import("./root.ts");
    printLine(completions(shell, await wordsOf(root)));
  },
});

/** What may follow a command: its path as words, then sub-commands and flags. */
interface Words {
  path: string[];
  next: string[];
}

/** Every command of the tree, the root first. Hidden ones are left out. */
async function wordsOf(command: CommandDef, path: string[] = []): Promise<Words[]> {
  const flags = Object.entries((await resolve(command.args)) ?? {}).flatMap(flagWords);
  const below: Words[] = [];
  const names: string[] = [];
  for (const [name, sub] of Object.entries((await resolve(command.subCommands)) ?? {})) {
    const loaded = await resolve(sub);
    if ((await resolve(loaded.meta))?.hidden) continue;
    names.push(name);
    below.push(...(await wordsOf(loaded, [...path, name])));
  }
  return [{ path, next: [...names, ...flags, "--help"] }, ...below];
}

function flagWords([name, definition]: [string, ArgsDef[string]]): string[] {
  return definition.type === "positional" ? [] : [`--${name}`];
}

function completions(shell: Shell, words: Words[]): string {
  if (shell === "fish") return fish(words);
  return shell === "bash" ? bash(words) : zsh(words);
}

/** The words before the cursor that are no flags choose the list. */
function bash(words: Words[]): string {
  return `# bash completion of sallyport: source this file, or put it into /etc/bash_completion.d
_sallyport() {
  local word path="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ "$word" == -* ]] || path="$path $word"
  done
  case "\${path# }" in
${cases(words, (next) => `COMPREPLY=($(compgen -W "${next}" -- "\${COMP_WORDS[COMP_CWORD]}"))`)}
  esac
}
complete -o default -F _sallyport sallyport`;
}

function zsh(words: Words[]): string {
  return `#compdef sallyport
# zsh completion of sallyport: put this file, named _sallyport, into a directory of $fpath
_sallyport() {
  local word path="" i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    [[ "$word" == -* ]] || path="$path $word"
  done
  case "\${path# }" in
${cases(words, (next) => `compadd -- ${next}`)}
  esac
}
compdef _sallyport sallyport`;
}

/** Longer paths first: an argument after the command keeps the command's flags. */
function cases(words: Words[], offer: (next: string) => string): string {
  return words
    .toSorted((a, b) => b.path.length - a.path.length)
    .map(({ path, next }) => {
      const pattern = path.length === 0 ? '""' : `"${path.join(" ")}"|"${path.join(" ")} "*`;
      return `    ${pattern}) ${offer(next.join(" "))} ;;`;
    })
    .join("\n");
}

function fish(words: Words[]): string {
  const lines = words.flatMap(({ path, next }) => {
    const here = path.map((word) => `; and __fish_seen_subcommand_from ${word}`).join("");
    const verbs = next.filter((word) => !word.startsWith("-"));
    const none = verbs.length > 0 ? `; and not __fish_seen_subcommand_from ${verbs.join(" ")}` : "";
    return next.map((word) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c sallyport -n "true${here}${none}" ${what}`;
    });
  });
  return `# fish completion of sallyport: put this file into ~/.config/fish/completions\n${lines.join("\n")}`;
}
