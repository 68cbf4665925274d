import { afterAll, expect, test } from "bun:test";
import { readTextFile } from "../../../src/host/bounded-file.ts";
import { Workspace } from "../../support/workspace.ts";

const workspace = await Workspace.open("bounded-file");
afterAll(() => workspace.close());

test("a file up to the limit is read whole", async () => {
  expect(await readTextFile(await workspace.file("full", "é".repeat(50)), 100)).toBe("é".repeat(50));
  expect(await readTextFile(await workspace.file("empty", ""), 100)).toBe("");
});

test("a file above the limit is an error, also one without a size", async () => {
  const large = await workspace.file("large", "x".repeat(101));
  await expect(readTextFile(large, 100)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  await expect(readTextFile("/dev/zero", 100)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
});

test("a file that does not exist is undefined, a directory is an error", async () => {
  const file = await workspace.file("file", "x");
  expect(await readTextFile(workspace.join("none"), 100)).toBeUndefined();
  expect(await readTextFile(`${file}/below`, 100)).toBeUndefined();
  await expect(readTextFile(workspace.path, 100)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
});
