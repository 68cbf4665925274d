import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdir, readFile, stat, utimes } from "node:fs/promises";
import { writeFileWhole } from "../../../src/host/atomic-file.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
beforeEach(async () => {
  workspace = await Workspace.open("atomic-file");
});
afterEach(() => workspace.close());

/** A temporary file as a killed process leaves it. */
async function leftover(name: string, ageMs: number): Promise<void> {
  const written = new Date(Date.now() - ageMs);
  await utimes(await workspace.file(name, "half a ke"), written, written);
}

describe("writing a file whole", () => {
  test("replaces what was there, for the owner only, and leaves nothing else behind", async () => {
    const path = await workspace.file("state.json", "old", 0o644);
    await writeFileWhole(path, "new");
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(workspace.path)).toEqual(["state.json"]);
  });

  test("that fails leaves the old content, and says which file it was", async () => {
    await workspace.directory("state.json");
    const path = workspace.join("state.json");
    await expect(writeFileWhole(path, "new")).rejects.toMatchObject({
      code: "FILE_UNWRITABLE",
      message: expect.stringContaining(path),
    });
    expect(await readdir(workspace.path)).toEqual(["state.json"]);
  });

  test("F16 removes what killed processes left of it, and nothing of other files or of a write under way", async () => {
    await leftover(".state.json.0123456789ab", 120_000);
    await leftover(".state.json.ba9876543210", 1_000);
    await leftover(".other.json.0123456789ab", 120_000);
    await leftover(".state.json.notes", 120_000);
    await writeFileWhole(workspace.join("state.json"), "new");
    expect(new Set(await readdir(workspace.path))).toEqual(
      new Set(["state.json", ".state.json.ba9876543210", ".other.json.0123456789ab", ".state.json.notes"]),
    );
  });
});
