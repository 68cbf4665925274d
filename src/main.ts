import { type CommandDef, renderUsage, runCommand } from "citty";
import { root } from "./commands/root.ts";
import { describe, SallyportError } from "./telemetry/error.ts";
import { visible } from "./telemetry/visible.ts";
import { VERSION } from "./version.ts";

async function main(rawArgs: string[]): Promise<number> {
  if (rawArgs.length === 1 && (rawArgs[0] === "--version" || rawArgs[0] === "-v")) {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  const wantsHelp = rawArgs.includes("--help") || rawArgs.includes("-h");
  if (wantsHelp || rawArgs.length === 0) {
    process.stdout.write(`${plain(await help(rawArgs))}\n`);
    return rawArgs.length === 0 ? 2 : 0;
  }
  try {
    refuseUncheckedTls();
    await runCommand(root, { rawArgs });
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    return report(error);
  }
}

/** With this variable every TLS connection of the process would take any certificate. */
function refuseUncheckedTls(): void {
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED !== "0") return;
  throw new SallyportError(
    "CONFIG_INVALID",
    "NODE_TLS_REJECT_UNAUTHORIZED=0 switches certificate checks off: unset it, and name your authority with --ca-file",
  );
}

/** citty colours its usage; pipes and NO_COLOR (https://no-color.org) get plain text. */
function plain(text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? text : Bun.stripANSI(text);
}

/** The usage of the deepest command that the words name. */
async function help(rawArgs: string[]): Promise<string> {
  let command: CommandDef = root;
  const path: string[] = [];
  for (const word of rawArgs) {
    if (word.startsWith("-")) continue;
    const subCommands = await resolve(command.subCommands);
    const next = subCommands && Object.hasOwn(subCommands, word) ? subCommands[word] : undefined;
    if (!next) break;
    path.push((await resolve(command.meta))?.name ?? "");
    command = (await resolve(next)) as CommandDef;
  }
  return renderUsage(command, { meta: { name: path.join(" ") } });
}

async function resolve<T>(value: T | (() => T | Promise<T>) | Promise<T>): Promise<T> {
  return typeof value === "function" ? (value as () => T | Promise<T>)() : value;
}

/** One sentence and the documented exit code; the stack only with SALLYPORT_DEBUG=1. */
function report(error: unknown): number {
  if (process.env.SALLYPORT_DEBUG === "1") console.error(error);
  if (error instanceof SallyportError) {
    process.stderr.write(`sallyport: ${visible(error.message)} [${error.code}]\n`);
    return error.exitCode;
  }
  if (error instanceof Error && error.name === "CLIError") {
    process.stderr.write(
      `sallyport: ${Bun.stripANSI(describe(error)).replace(/\.$/, "")}. Add --help to see what is accepted. [USAGE]\n`,
    );
    return 2;
  }
  process.stderr.write(
    `sallyport: Unexpected error: ${visible(describe(error))}. Run again with SALLYPORT_DEBUG=1 for details. [INTERNAL]\n`,
  );
  return 1;
}

const exitCode = await main(process.argv.slice(2));
// A pipe takes large output only in parts: leave when the last one has gone.
process.stdout.write("", () => process.exit(exitCode));
