import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { runProduct, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

let workspace: Workspace;
let data: string[];
beforeAll(async () => {
  workspace = await Workspace.open("root-key-killed");
  data = ["--data-dir", workspace.join("data")];
  const words = ["platform", "bootstrap", ...data, "--org", "Acme", "--email", "admin@example.com"];
  expect((await run(...words)).exitCode).toBe(0);
});
afterAll(() => workspace.close());

const run = (...args: string[]) => runProduct(args, { home: workspace.path });

/** Whether the key at hand opens the database: a backup begins with that. */
let backups = 0;
const opens = () => run("platform", "backup", "--out", workspace.join(`b${++backups}`), ...data);

test("F16 a rotation of the root key killed at any moment: the key at hand opens, or the message says how to go on", async () => {
  const rotate = ["platform", "rotate-root-key", ...data];
  const began = performance.now();
  expect((await run(...rotate)).exitCode).toBe(0);
  const whole = performance.now() - began;
  for (let part = 1; part <= 8; part++) {
    const rotation = startProduct(rotate, { home: workspace.path });
    await Bun.sleep((whole * (part + 4)) / 12);
    rotation.kill();
    await rotation.exited;
    const { exitCode, stderr } = await opens();
    if (exitCode !== 0) expect(stderr).toContain('run "sallyport platform rotate-root-key" again');
    expect((await run(...rotate)).exitCode).toBe(0);
    expect((await opens()).exitCode).toBe(0);
  }
});
