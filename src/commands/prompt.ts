import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { SallyportError } from "../telemetry/error.ts";

/** Ctrl-C at a question: nothing more is said. */
export class Interrupted extends Error {}

const IN_A_TERMINAL = "run this in a terminal";

/**
 * Asks the person at the terminal, on stderr.
 * @param otherwise what to do where there is none
 * @throws SallyportError USAGE without a terminal or an answer; Interrupted
 */
export async function ask(question: string, otherwise = IN_A_TERMINAL): Promise<string> {
  return await prompt(question, { hidden: false, otherwise });
}

/** The same without showing what is typed. @throws SallyportError USAGE without a terminal */
export async function askHidden(question: string, otherwise = IN_A_TERMINAL): Promise<string> {
  return await prompt(question, { hidden: true, otherwise });
}

/** A new password, typed twice. @throws SallyportError USAGE without a terminal, or when the two differ */
export async function askNewPassword(otherwise = IN_A_TERMINAL): Promise<string> {
  const password = await askHidden("New password, at least 12 characters: ", otherwise);
  if (password === (await askHidden("The same again: ", otherwise))) return password;
  throw new SallyportError("USAGE", "The two passwords differ: try again.");
}

async function prompt(
  question: string,
  { hidden, otherwise }: { hidden: boolean; otherwise: string },
): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new SallyportError("USAGE", `There is no terminal to ask at: ${otherwise}.`);
  }
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? silent : process.stderr,
    terminal: true,
  });
  const gone = new AbortController();
  let interrupted = false;
  lines.once("SIGINT", () => {
    interrupted = true;
    gone.abort();
  });
  try {
    if (hidden) process.stderr.write(question);
    const answer = await lines.question(hidden ? "" : question, { signal: gone.signal });
    if (hidden) process.stderr.write("\n");
    return answer;
  } catch (error) {
    process.stderr.write("\n");
    if (interrupted) throw new Interrupted();
    throw new SallyportError("USAGE", `There was no answer: ${otherwise}.`, { cause: error });
  } finally {
    lines.close();
  }
}
