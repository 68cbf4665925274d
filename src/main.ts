import { dispatch } from "./commands/dispatch.ts";
import { help } from "./commands/help.ts";
import { Interrupted } from "./commands/prompt.ts";
import { root } from "./commands/root.ts";
import { sentence, withList } from "./commands/sentence.ts";
import { describe, SallyportError, systemCode } from "./telemetry/error.ts";
import { visible } from "./telemetry/visible.ts";
import { VERSION } from "./version.ts";

async function main(rawArgs: string[]): Promise<number> {
  if (rawArgs.length === 1 && (rawArgs[0] === "--version" || rawArgs[0] === "-v")) {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  try {
    const asked = askedForHelp(rawArgs);
    if (asked) {
      process.stdout.write(`${await help(root, asked, columns())}\n`);
      return rawArgs.length === 0 ? 2 : 0;
    }
    refuseUncheckedTls();
    await dispatch(root, rawArgs);
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    return report(error);
  }
}

/** The words whose help is wanted: `help gateway`, `gateway help`, `gateway --help`, `gateway -h`, or nothing at all. */
function askedForHelp(rawArgs: string[]): string[] | undefined {
  const end = rawArgs.indexOf("--");
  const ours = end < 0 ? rawArgs : rawArgs.slice(0, end);
  const words = ours.filter((word) => !word.startsWith("-"));
  if (words[0] === "help") return words.slice(1);
  const asked = rawArgs.length === 0 || ours.includes("--help") || ours.includes("-h");
  return asked ? words : undefined;
}

/** As wide as the terminal; pipes get what fits one of the usual width. */
function columns(): number | undefined {
  return process.stdout.columns ?? (Number(process.env.COLUMNS) || undefined);
}

/** With this variable every TLS connection of the process would take any certificate. */
function refuseUncheckedTls(): void {
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED !== "0") return;
  throw new SallyportError(
    "CONFIG_INVALID",
    "NODE_TLS_REJECT_UNAUTHORIZED=0 switches certificate checks off: unset it, and name your authority with --ca-file",
  );
}

/** One sentence and the documented exit code; the stack only with SALLYPORT_DEBUG=1. */
function report(error: unknown): number {
  if (error instanceof Interrupted) return 130;
  if (process.env.SALLYPORT_DEBUG === "1") console.error(error);
  if (error instanceof SallyportError) {
    process.stderr.write(`sallyport: ${visible(sentence(withList(error.message)))} [${error.code}]\n`);
    return error.exitCode;
  }
  process.stderr.write(
    `sallyport: Unexpected error: ${visible(describe(error))}. Run again with SALLYPORT_DEBUG=1 for details. [INTERNAL]\n`,
  );
  return 1;
}

let outputLost: Error | undefined;
process.stdout.on("error", (error) => {
  // Whoever closed the pipe has read enough, as `head` has.
  if (systemCode(error) !== "EPIPE") outputLost = error;
});
const exitCode = await main(process.argv.slice(2));
// A pipe takes large output only in parts: leave when the last one has gone.
process.stdout.write("", () => setImmediate(leave));

/** One turn later than the last write: only then is it known whether an earlier one failed. */
function leave(): void {
  if (!outputLost) process.exit(exitCode);
  const why = describe(outputLost);
  process.exit(report(new SallyportError("FILE_UNWRITABLE", `The output could not be written: ${why}.`)));
}
