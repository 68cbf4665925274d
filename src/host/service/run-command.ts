/** How a program ended. */
export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; a program that does not exist ends with 127. */
export type Run = (command: string[]) => Promise<Ran>;

/** Draining is part of stopping; nothing a service manager does takes longer. */
const DEADLINE_MS = 5 * 60_000;

/** Runs it with plain English output and without a pager. Killed after five minutes. */
export const runCommand: Run = async (command) => {
  const [program = ""] = command;
  if (Bun.which(program) === null) {
    return { exitCode: 127, stdout: "", stderr: `${program}: no such program` };
  }
  const child = Bun.spawn(command, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, LC_ALL: "C", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" },
    timeout: DEADLINE_MS,
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exitCode, stdout, stderr };
};
