import { afterAll, expect, test } from "bun:test";
import { rename, rm, writeFile } from "node:fs/promises";
import { directorySource } from "../../../src/pki/directory.ts";
import { Workspace } from "../../support/workspace.ts";

const workspace = await Workspace.open("directory-source");
afterAll(() => workspace.close());

/** A directory with an identity, a source on it that looks every 10 ms, and the next time that it is stale. */
async function watched(name: string) {
  const directory = await workspace.directory(name);
  await workspace.file(`${name}/identity.json`, "one");
  const read = (path: string) => Bun.file(`${path}/identity.json`).text();
  const source = workspace.own(directorySource(directory, read, 10));
  let count = 0;
  let wake: (() => void) | undefined;
  source.onStale(() => {
    count++;
    wake?.();
  });
  const stale = () => new Promise<void>((resolve) => (wake = resolve));
  return { directory, source, stale, count: () => count };
}

test("a changed file makes the credentials stale, and they load anew", async () => {
  const { directory, source, stale } = await watched("changed");
  expect(await source.load()).toBe("one");
  const next = stale();
  await writeFile(`${directory}/identity.json`, "two");
  await next;
  expect(await source.load()).toBe("two");
});

test("a directory that was replaced is noticed", async () => {
  const { directory, source, stale } = await watched("replaced");
  await source.load();
  const next = stale();
  await workspace.file("replacement/identity.json", "two");
  await rename(directory, `${directory}-old`);
  await rename(workspace.join("replacement"), directory);
  await next;
  expect(await source.load()).toBe("two");
});

test("F16 a directory without its identity is being written and not loaded", async () => {
  const { directory, source, stale, count } = await watched("half");
  await source.load();
  await rm(`${directory}/identity.json`);
  await writeFile(`${directory}/tls-key.pem`, "new");
  await Bun.sleep(100);
  expect(count()).toBe(0);
  const next = stale();
  await writeFile(`${directory}/identity.json`, "two");
  await next;
  expect(await source.load()).toBe("two");
});

test("SIGHUP makes the credentials stale at once", async () => {
  const { source, stale } = await watched("hup");
  await source.load();
  const next = stale();
  process.kill(process.pid, "SIGHUP");
  await next;
});

test("nothing is called after close, which may be called twice", async () => {
  const { directory, source, count } = await watched("closed");
  await source.load();
  const listeners = process.listenerCount("SIGHUP");
  source.close();
  source.close();
  expect(process.listenerCount("SIGHUP")).toBe(listeners - 1);
  await writeFile(`${directory}/identity.json`, "two");
  await Bun.sleep(60);
  expect(count()).toBe(0);
});
