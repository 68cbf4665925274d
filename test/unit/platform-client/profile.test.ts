import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  deleteProfile,
  profilePath,
  readProfile,
  writeProfile,
} from "../../../src/platform-client/profile.ts";

let home = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "sallyport-profile-"));
});
afterEach(() => rm(home, { recursive: true }));

describe("login profile", () => {
  test("lives under XDG_CONFIG_HOME, or ~/.config where that is not absolute", () => {
    expect(profilePath({ XDG_CONFIG_HOME: "/x", HOME: "/h" })).toBe("/x/sallyport/profile.json");
    expect(profilePath({ XDG_CONFIG_HOME: "x", HOME: "/h" })).toBe("/h/.config/sallyport/profile.json");
  });

  test("is written 0600 and read back; logging out removes it", async () => {
    const path = profilePath({ XDG_CONFIG_HOME: home });
    expect(await readProfile(path)).toBeUndefined();
    await writeProfile({ domain: "https://a.example", token: "spt_x" }, path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readProfile(path)).toEqual({ domain: "https://a.example", token: "spt_x" });
    expect(await deleteProfile(path)).toBe(true);
    expect(await deleteProfile(path)).toBe(false);
  });

  test.each(["", "{", "[]", '{"domain":1,"token":"x"}'])("damage (%p) is told, not guessed", async (text) => {
    const path = join(home, "profile.json");
    await writeFile(path, text);
    await expect(readProfile(path)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});
