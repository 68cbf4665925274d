import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { openCore } from "../../../src/platform/open-core.ts";
import {
  givenRootKey,
  localRootKey,
  parseRootKey,
  rootKeyPath,
} from "../../../src/platform/services/keys/root-key.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let dataDir = "";
beforeEach(async () => {
  workspace = await Workspace.open("root-key");
  dataDir = workspace.join("data");
  await mkdir(dataDir);
});
afterEach(() => workspace.close());

const load = (inUse = false) => localRootKey({ dataDir, inUse });

describe("the root key", () => {
  test("is read as base64, base64url or hex", () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 8));
    for (const encoding of ["base64", "base64url", "hex"] as const) {
      expect(Buffer.from(parseRootKey(key.toString(encoding)))).toEqual(key);
    }
  });

  test.each([
    "",
    "short",
    Buffer.alloc(31).toString("base64"),
    Buffer.alloc(33).toString("hex"),
    "g".repeat(64),
  ])("%j is refused", (text) => {
    expect(() => parseRootKey(text)).toThrow("32 random bytes");
  });

  test("with SQLite is made once, 0600 and outside the data directory", async () => {
    const first = await load();
    const path = rootKeyPath(dataDir);
    expect(first.made).toBe(path);
    expect(path.startsWith(`${dataDir}/`)).toBe(false);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const second = await load(true);
    expect(second.made).toBeUndefined();
    expect(second.key).toEqual(first.key);
  });

  test("made by several processes at once is one key", async () => {
    const keys = await Promise.all([load(), load(), load(), load()]);
    const text = (await readFile(rootKeyPath(dataDir), "utf8")).trim();
    for (const { key } of keys) expect(Buffer.from(key).toString("base64")).toBe(text);
  });

  test("that went missing is not replaced by a new one", async () => {
    await expect(load(true)).rejects.toMatchObject({ code: "ROOT_KEY_MISMATCH" });
  });

  test("that is damaged is told, not replaced", async () => {
    await writeFile(rootKeyPath(dataDir), "damaged\n");
    await expect(load()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("may be given, itself or in a file", async () => {
    const text = Buffer.alloc(32, 7).toString("base64");
    const file = await workspace.file("key", `${text}\n`);
    for (const env of [{ SALLYPORT_ROOT_KEY: text }, { SALLYPORT_ROOT_KEY_FILE: file }]) {
      expect(Buffer.from((await givenRootKey(env)) ?? [])).toEqual(Buffer.alloc(32, 7));
    }
    expect(await givenRootKey({})).toBeUndefined();
  });

  test("that everybody can read, or that is older than its database, is worth a warning", async () => {
    const start = async () => {
      const log = new RecordingLog();
      const core = await openCore({ dataDir, env: {}, publicUrl: () => "", log });
      await core.store.close();
      return log.entries.map(({ message }) => message).join();
    };
    for (const _ of ["made", "found"]) expect(await start()).not.toMatch(/here before|Everybody/);
    await chmod(rootKeyPath(dataDir), 0o644);
    expect(await start()).toContain("Everybody on this machine can read");
    await rm(dataDir, { recursive: true });
    expect(await start()).toContain("The database is new, but its root key was here before");
  });
});
