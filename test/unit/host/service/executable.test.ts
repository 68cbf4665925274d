import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { requireInstalled } from "../../../../src/host/service/executable.ts";
import { FakeSystemd } from "../../../support/fake-systemd.ts";
import { Workspace } from "../../../support/workspace.ts";

let space: Workspace;
let systemd: FakeSystemd;

beforeEach(async () => {
  space = await Workspace.open("executable");
  systemd = await FakeSystemd.open(space.path);
});
afterEach(() => space.close());

async function program(path: string): Promise<string> {
  await mkdir(space.join(dirname(path)), { recursive: true });
  await writeFile(space.join(path), "x");
  await chmod(space.join(path), 0o755);
  return requireInstalled({ ...systemd.host(), program: { compiled: true, path } });
}

describe("the program of a service", () => {
  test("is the file behind symbolic links", async () => {
    await program("/opt/sallyport/1.0/sallyport");
    await symlink(space.join("opt/sallyport/1.0/sallyport"), space.join("usr/local/bin/sp"));
    const host = { ...systemd.host(), program: { compiled: true, path: "/usr/local/bin/sp" } };
    expect(await requireInstalled(host)).toBe("/opt/sallyport/1.0/sallyport");
  });

  test.each([
    "/tmp/sallyport",
    "/var/tmp/a/sallyport",
    "/home/ada/sallyport",
    "/root/bin/sallyport",
    "/dev/shm/s",
  ])("is refused in %s, with the command that helps", async (path) => {
    const wanted = `sudo install -m 755 ${path} /usr/local/bin/sallyport`;
    await expect(program(path)).rejects.toThrow(wanted);
  });

  test("is refused in the caller's own home, wherever that is", async () => {
    await expect(program("/nobody/bin/sallyport")).rejects.toThrow("can't run from /nobody");
    expect(await program("/nobodys/bin/sallyport")).toBe("/nobodys/bin/sallyport");
  });

  test("is refused where everybody can replace it", async () => {
    await program("/opt/x/sallyport");
    await chmod(space.join("opt/x"), 0o777);
    await expect(program("/opt/x/sallyport")).rejects.toThrow("everybody can write to /opt/x");
    await chmod(space.join("opt/x"), 0o755);
    await chmod(space.join("opt/x/sallyport"), 0o757);
    const host = { ...systemd.host(), program: { compiled: true, path: "/opt/x/sallyport" } };
    await expect(requireInstalled(host)).rejects.toThrow("everybody can write to /opt/x/sallyport");
  });

  test("is never the interpreter of a checkout", async () => {
    const host = { ...systemd.host(), program: { compiled: false, path: "/usr/local/bin/sallyport" } };
    await expect(requireInstalled(host)).rejects.toThrow(/runs from source.*install -m 755 dist\/sallyport/);
  });
});
