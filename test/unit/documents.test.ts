import { expect, test } from "bun:test";
import { join } from "node:path";
import { RELAY_LIMITS } from "../../src/relay/limits.ts";
import { CODES } from "../../src/telemetry/codes.ts";

const ROOT = join(import.meta.dir, "../..");
const readme = await Bun.file(join(ROOT, "README.md")).text();

test.each(RELAY_LIMITS.map((limit) => [limit.name, limit] as const))(
  "the README's table has the limit %s as it is",
  (_, { name, standard, unit, meaning }) => {
    expect(readme).toContain(`| \`${name}\` | ${standard} ${unit} | ${meaning} |`);
  },
);

test("every code that the README explains exists", () => {
  const table = readme.slice(readme.indexOf("| code |"), readme.indexOf("Daemons log one line"));
  const named = [...table.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1] ?? "");
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((code) => !Object.hasOwn(CODES, code))).toEqual([]);
});

test.each([
  ["bash", "sallyport.bash"],
  ["zsh", "_sallyport"],
  ["fish", "sallyport.fish"],
])("the %s completions in the repository are those of this program", async (shell, file) => {
  const run = Bun.spawnSync([process.execPath, "src/main.ts", "completions", shell], { cwd: ROOT });
  expect(run.stdout.toString()).toBe(await Bun.file(join(ROOT, "completions", file)).text());
});
