import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { SallyportError } from "../telemetry/error.ts";

/** Asks the person at the terminal, on stderr. @throws SallyportError USAGE without a terminal */
export async function ask(question: string): Promise<string> {
  return await prompt(question, false);
}

/** The same without showing what is typed. @throws SallyportError USAGE without a terminal */
export async function askHidden(question: string): Promise<string> {
  return await prompt(question, true);
}

async function prompt(question: string, hidden: boolean): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new SallyportError("USAGE", "There is no terminal to ask at: give a token with --token-file.");
  }
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? silent : process.stderr,
    terminal: true,
  });
  try {
    if (hidden) process.stderr.write(question);
    const answer = await lines.question(hidden ? "" : question);
    if (hidden) process.stderr.write("\n");
    return answer;
  } finally {
    lines.close();
  }
}
