import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { followClientDirectory } from "../../../src/client/client-directory.ts";
import { makeOfflineCa, type OfflineCa } from "../../support/offline-ca.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let ca: OfflineCa;
beforeAll(async () => {
  workspace = await Workspace.open("client-directory");
  ca = await makeOfflineCa(workspace, "ca");
  await ca.relay("relay-a");
  await ca.gateway("gateway-a");
});
afterAll(() => workspace.close());

async function follow(name: string) {
  const clock = { now: new Date() };
  const { directory } = await ca.client({ out: workspace.join(name) });
  return { directory, clock, read: followClientDirectory(directory, () => clock.now) };
}

describe("F7 a client directory", () => {
  test("is used as it is from when it was issued again", async () => {
    const { directory, read } = await follow("again");
    const first = await read();
    await ca.client({ out: directory });
    const second = await read();
    expect(second.gateway.certificate).not.toBe(first.gateway.certificate);
    expect(second.relay.certificate).not.toBe(first.relay.certificate);
  });

  test("serves on as it was while it is written", async () => {
    const { directory, read } = await follow("unfinished");
    const first = await read();
    const identity = join(directory, "identity.json");
    await rename(identity, `${identity}.away`);
    expect(await read()).toBe(first);
    await writeFile(join(directory, "gateway-key.pem"), "half a k");
    await rename(`${identity}.away`, identity);
    expect(await read()).toBe(first);
  });

  test("is refused for what is wrong with it when it is not whole after 30 s, until it is", async () => {
    const { directory, read, clock } = await follow("damaged");
    const first = await read();
    const key = join(directory, "gateway-key.pem");
    await rename(key, `${key}.away`);
    expect(await read()).toBe(first);
    clock.now = new Date(clock.now.getTime() + 29_999);
    expect(await read()).toBe(first);
    clock.now = new Date(clock.now.getTime() + 1);
    await expect(read()).rejects.toMatchObject({
      message: expect.stringContaining("gateway-key.pem is missing"),
    });
    await rename(`${key}.away`, key);
    await read();
    await rm(key);
    expect((await read()).gateway.certificate).toBe(first.gateway.certificate);
  });

  test("is refused at once when its last certificates have expired", async () => {
    const { directory, read, clock } = await follow("expired");
    await read();
    await rm(join(directory, "gateway-key.pem"));
    await read();
    clock.now = new Date(Date.now() + 366 * 86_400_000);
    await expect(read()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("is refused at once when it has never been whole", async () => {
    const { directory, read } = await follow("never");
    await rm(join(directory, "identity.json"));
    await expect(read()).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
