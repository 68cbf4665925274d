import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { z } from "zod";
import { type RunningProcess, runProduct, startProduct } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { Workspace } from "../support/workspace.ts";

const RESULT = z.object({
  ok: z.literal(true),
  gateway: z.literal("Healthy"),
  connectMs: z.number().positive(),
  rttMs: z.number().positive(),
  upMBps: z.number().positive(),
  downMBps: z.number().positive(),
  steps: z.array(z.object({ name: z.string(), ms: z.number() })).min(5),
});

test("quickstart --check --json does the main job once and leaves nothing behind", async () => {
  await using workspace = await Workspace.open("quickstart");
  const temporary = await workspace.directory("tmp");
  const { exitCode, stdout, stderr } = await runProduct(["quickstart", "--check", "--json"], {
    home: workspace.path,
    build: "binary",
    env: { TMPDIR: temporary },
  });
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  RESULT.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
  expect(await readdir(temporary)).toEqual([]);
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "quickstart tells its story, runs until %s and then cleans up, however often it hears of it",
  async (signal) => {
    await using workspace = await Workspace.open("quickstart");
    const { quickstart, temporary } = await start(workspace);
    try {
      await quickstart.waitForLog("Ctrl-C stops all of it");
      const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(quickstart.stderr.text)?.[0] ?? "";
      expect(await (await fetch(url, { headers: { connection: "close" } })).text()).toContain("Hello");
      // A terminal tells all processes of the command; npx and bun, which run it, pass that on.
      process.kill(-quickstart.pid, signal);
      quickstart.signal(signal);
      expect(await quickstart.exited).toBe(0);
    } finally {
      await quickstart.close();
    }
    expect(await readdir(temporary)).toEqual([]);
  },
);

test.each(["2. The platform", "4. A gateway", "6. A local port"])(
  "quickstart that is told to stop at %p has nothing to say and leaves nothing behind",
  async (step) => {
    await using workspace = await Workspace.open("quickstart");
    const { quickstart, temporary } = await start(workspace);
    try {
      await until(() => quickstart.stderr.text.includes(step));
      await Bun.sleep(150);
      expect(await quickstart.stop()).toBe(0);
    } finally {
      await quickstart.close();
    }
    expect(quickstart.stderr.text).not.toContain("sallyport:");
    expect(await readdir(temporary)).toEqual([]);
  },
);

async function start(workspace: Workspace): Promise<{ quickstart: RunningProcess; temporary: string }> {
  const temporary = await workspace.directory("tmp");
  const env = { TMPDIR: temporary };
  return {
    quickstart: startProduct(["quickstart"], { home: workspace.path, build: "binary", env }),
    temporary,
  };
}
