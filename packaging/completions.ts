import { join } from "node:path";

/** Writes `completions/` anew, for packages to ship: run after commands or flags changed. */
const ROOT = join(import.meta.dir, "..");
const FILES = { bash: "sallyport.bash", zsh: "_sallyport", fish: "sallyport.fish" };

for (const [shell, name] of Object.entries(FILES)) {
  const run = Bun.spawnSync([process.execPath, "src/main.ts", "completions", shell], {
    cwd: ROOT,
    stderr: "inherit",
  });
  if (run.exitCode !== 0) process.exit(1);
  await Bun.write(join(ROOT, "completions", name), run.stdout);
}
