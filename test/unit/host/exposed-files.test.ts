import { expect, test } from "bun:test";
import { warnOfExposed } from "../../../src/host/exposed-files.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { Workspace } from "../../support/workspace.ts";

test("files that everybody can read are warned of in one line; private, group's and missing ones are not", async () => {
  await using space = await Workspace.open("exposed");
  const [open, wide] = [await space.file("open", "x", 0o644), await space.file("wide", "x", 0o604)];
  const [mine, group] = [await space.file("mine", "x", 0o600), await space.file("group", "x", 0o640)];
  const log = new RecordingLog();
  await warnOfExposed([mine, group, space.join("missing"), undefined], log);
  expect(log.entries).toEqual([]);
  await warnOfExposed([mine, open, group, wide], log);
  expect(log.entries).toMatchObject([{ level: "warn", fields: { fix: `chmod 600 ${open} ${wide}` } }]);
});
