import { mkdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { WITHOUT_ADDONS } from "./without-addons.ts";

/**
 * Compiles the product into one executable and runs it: a binary whose bytecode failed to generate builds with exit
 * code 0 and crashes at start. `--target bun-linux-arm64` (and so on) builds for another platform, whose runtime Bun
 * takes from the npm registry; such a binary cannot be run here.
 */
const ROOT = join(import.meta.dir, "..");

/** Slowest acceptable `sallyport --version`, p50 in milliseconds, on a quiet machine. */
const START_BUDGET_MS = 15;

const { values } = parseArgs({
  options: { target: { type: "string" }, outfile: { type: "string" } },
});

process.exit(await build(values.target, values.outfile));

async function build(target: string | undefined, outfile: string | undefined): Promise<number> {
  if (target !== undefined && !isCompileTarget(target)) {
    console.error("--target is the system to build for, as bun-linux-arm64 or bun-darwin-x64.");
    return 2;
  }
  const path = outfile ?? join(ROOT, "dist", fileName(target));
  await mkdir(join(ROOT, "dist"), { recursive: true });
  const started = performance.now();
  if (!(await compile(path, target))) return 1;
  const megabytes = Math.round((await stat(path)).size / 1e6);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${relative(process.cwd(), path)}: ${megabytes} MB in ${seconds} s`);
  if (target !== undefined) {
    console.log(`Built for ${target}; not run here.`);
    return 0;
  }
  return (await runsAsBuilt(path)) ? 0 : 1;
}

async function compile(path: string, target: Bun.Build.CompileTarget | undefined): Promise<boolean> {
  const { success, logs } = await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts")],
    minify: true,
    bytecode: true,
    format: "esm",
    splitting: true,
    plugins: [WITHOUT_ADDONS],
    compile: {
      outfile: path,
      // A daemon must not pick up a .env or bunfig.toml that lies in the directory it is started from.
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(target === undefined ? {} : { target }),
    },
    throw: false,
  });
  const bytecodeMissing = logs.some(({ message }) => message.includes("Failed to generate bytecode"));
  if (success && !bytecodeMissing) return true;
  console.error(`The build failed:\n${logs.join("\n")}`);
  return false;
}

function isCompileTarget(text: string): text is Bun.Build.CompileTarget {
  return /^bun-(linux|darwin|windows)-(x64|arm64)(-(baseline|modern|musl|glibc))*$/.test(text);
}

/** The new binary says its version, in JSON, and starts fast. */
async function runsAsBuilt(path: string): Promise<boolean> {
  const run = Bun.spawnSync([path, "version", "--json"]);
  const answer = run.stdout.toString();
  if (run.exitCode !== 0 || versionIn(answer) !== manifest.version) {
    console.error(
      `${path} was built but does not run (exit code ${run.exitCode}):\n${answer}${run.stderr.toString()}`,
    );
    return false;
  }
  const p50 = startTimeMs(path);
  const verdict =
    p50 <= START_BUDGET_MS ? "" : ` (over the budget of ${START_BUDGET_MS} ms, or the machine is busy)`;
  console.log(`sallyport --version: ${p50.toFixed(1)} ms p50${verdict}`);
  return true;
}

function versionIn(json: string): unknown {
  try {
    const facts: unknown = JSON.parse(json);
    return typeof facts === "object" && facts !== null && "version" in facts ? facts.version : undefined;
  } catch {
    return undefined;
  }
}

function startTimeMs(path: string): number {
  const times = Array.from({ length: 31 }, () => {
    const started = performance.now();
    Bun.spawnSync([path, "--version"]);
    return performance.now() - started;
  });
  return times.sort((a, b) => a - b)[15] ?? 0;
}

function fileName(target: string | undefined): string {
  const suffix = target === undefined ? "" : target.replace(/^bun/, "");
  return `sallyport${suffix}${target?.includes("windows") ? ".exe" : ""}`;
}
