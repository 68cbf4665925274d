import { afterAll, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { readRelayDirectory } from "../../src/pki/directory.ts";
import { atDesk } from "../../src/pki/offline/desk.ts";
import { SallyportError } from "../../src/telemetry/error.ts";
import { isPrivate, makeOfflineCa } from "../support/offline-ca.ts";
import { runProduct, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

const workspace = await Workspace.open("ca-killed");
afterAll(() => workspace.close());
const home = workspace.path;
/** A dozen runs of the product, on a machine that may be busy. */
const DEADLINE_MS = 60_000;

/** Files that a run goes through one after the other; hidden ones are those being written. */
async function entries(directory: string): Promise<number> {
  try {
    return (await readdir(directory)).length;
  } catch {
    return 0;
  }
}

/** Runs `sallyport ca ...` and kills it once the directory holds that many entries. False if it was over before. */
async function killAt(args: string[], directory: string, count: number): Promise<boolean> {
  const child = startProduct(["ca", ...args], { home });
  let over = false;
  void child.exited.then(() => (over = true));
  while (!over && (await entries(directory)) < count) await Bun.sleep(0);
  const killed = !over;
  if (killed) child.kill();
  await child.exited;
  return killed;
}

test(
  "F16 a killed issue leaves a directory that is complete or says what to do, and can be repeated",
  async () => {
    const ca = await makeOfflineCa(workspace, "issue");
    let killed = 0;
    for (const count of [1, 2, 4, 6, 8]) {
      const out = workspace.join(`relay-${count}`);
      const args = [
        "issue",
        "relay",
        `relay-${count}`,
        "--dir",
        ca.directory,
        "--host",
        "r.example",
        "--out",
        out,
      ];
      if (await killAt(args, out, count)) killed++;
      const state = await readRelayDirectory(out).then(
        () => "complete",
        (error) => (error instanceof SallyportError ? error.code : String(error)),
      );
      expect(["complete", "NOT_FOUND"]).toContain(state);
      expect((await runProduct(["ca", ...args], { home })).exitCode).toBe(0);
      expect((await readRelayDirectory(out)).relayName).toBe(`relay-${count}`);
      expect(await isPrivate(out)).toBe(true);
      expect((await readdir(out)).filter((name) => name.startsWith("."))).toEqual([]);
    }
    expect(killed).toBeGreaterThan(0);
  },
  DEADLINE_MS,
);

test(
  "F16 a killed init leaves a CA that opens or none, and can be repeated",
  async () => {
    for (let count = 1; count <= 3; count++) {
      const directory = workspace.join(`init-${count}`, "ca");
      const init = ["init", "--dir", directory, "--org", "acme"];
      await killAt(init, directory, count);
      const again = await runProduct(["ca", ...init], { home });
      if (again.exitCode !== 0) expect(again.stderr).toContain("ALREADY_EXISTS");
      expect(await atDesk({ directory, env: {} }, async (desk) => desk.ca.orgName)).toBe("acme");
    }
  },
  DEADLINE_MS,
);
