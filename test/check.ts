import { join } from "node:path";
import { type SharedServer, startSharedServer } from "./support/database-server.ts";
import { installMissingPackages } from "./support/packages.ts";
import { type Finished, runProcess } from "./support/processes.ts";

/**
 * Everything that must hold before a change goes in: lint, types, the build, and every test. One line per step, the
 * whole output of a step that fails, and as the very last line `N passed, N failed`. Two cores are enough: steps run
 * one after the other, tests in two processes: many of them wait for a time-out or a timer, not for a core.
 */
const ROOT = join(import.meta.dir, "..");

/** A step that is not over by then hangs. */
const STEP_DEADLINE_MS = 15 * 60_000;

interface Step {
  name: string;
  command: string[];
  /** Count its tests; otherwise the step as a whole passes or fails. */
  tests?: boolean;
  /** Name of a step that must have passed. */
  after?: string;
}

const bun = process.execPath;
const STEPS: Step[] = [
  { name: "lint", command: [bun, "x", "--bun", "biome", "check", "--error-on-warnings", "."] },
  { name: "types", command: [bun, "x", "--bun", "tsc", "--noEmit"] },
  { name: "build", command: [bun, "packaging/build.ts"] },
  tests("unit"),
  tests("interop"),
  tests("faults"),
  { ...tests("e2e"), after: "build" },
];

process.exit(await check());

async function check(): Promise<number> {
  let server: SharedServer;
  try {
    await installMissingPackages(console.log);
    server = await startSharedServer();
  } catch (error) {
    console.log(error instanceof Error ? error.message : String(error));
    console.log("0 passed, 1 failed");
    return 1;
  }
  const total = await runAll(server.env);
  await server.close();
  if (total.passed === 0 && total.failed === 0) console.log("No test ran.");
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

interface Counts {
  passed: number;
  failed: number;
}

async function runAll(env: Record<string, string>): Promise<Counts> {
  const total = { passed: 0, failed: 0 };
  const failedSteps = new Set<string>();
  for (const step of STEPS) {
    if (step.after !== undefined && failedSteps.has(step.after)) {
      console.log(`${step.name.padEnd(8)} not run, because ${step.after} failed`);
      continue;
    }
    const { passed, failed } = await run(step, env);
    total.passed += passed;
    total.failed += failed;
    if (failed > 0) failedSteps.add(step.name);
  }
  return total;
}

async function run(step: Step, env: Record<string, string>): Promise<Counts> {
  if (step.tests && !(await hasTests(step.name))) {
    console.log(`${step.name.padEnd(8)} no tests`);
    return { passed: 0, failed: 0 };
  }
  const started = performance.now();
  const { exitCode, stdout, stderr } = await runStep(step.command, env);
  const ok = exitCode === 0;
  const counted = step.tests ? countTests(stderr) : { passed: 0, failed: 0 };
  // A run that crashed, or failed outside of a test, has no failed test to show.
  const failed = ok ? counted.failed : Math.max(1, counted.failed);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const outcome = step.tests ? `${counted.passed} passed, ${failed} failed` : ok ? "ok" : "FAILED";
  console.log(`${step.name.padEnd(8)} ${outcome} (${seconds} s)`);
  if (!ok) console.log(`--- ${step.name}: ${step.command.join(" ")}\n${stdout}${stderr}---`);
  else if (step.name === "build") console.log(indent(stdout));
  return { passed: counted.passed, failed };
}

/** A step that hangs is killed and reads like one that failed. */
async function runStep(command: string[], more: Record<string, string>): Promise<Finished> {
  const env = { HOME: process.env.HOME ?? "/", NO_COLOR: "1", ...more };
  try {
    return await runProcess(command, { cwd: ROOT, env, deadlineMs: STEP_DEADLINE_MS });
  } catch (error) {
    return { exitCode: 1, stdout: "", stderr: `${error}\n` };
  }
}

/** bun test writes its summary to stderr: ` 12 pass`, ` 0 fail`. */
function countTests(stderr: string): { passed: number; failed: number } {
  const last = (word: string) =>
    Number([...stderr.matchAll(new RegExp(`^ *(\\d+) ${word}`, "gm"))].pop()?.[1] ?? 0);
  return { passed: last("pass"), failed: last("fail") };
}

async function hasTests(directory: string): Promise<boolean> {
  const found = new Bun.Glob("**/*.test.ts").scan({ cwd: join(ROOT, "test", directory) });
  return !(await found.next()).done;
}

function tests(name: string): Step {
  // Bun 1.4.5 ignores the time limit in bunfig.toml; its own of 5 s is too short for busy machines.
  const flags = ["--only-failures", "--timeout=60000", "--parallel=2"];
  const command = [bun, "test", ...flags, `./test/${name}/`];
  return { name, tests: true, command };
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, " ".repeat(9));
}
