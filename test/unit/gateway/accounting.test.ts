import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, stat } from "node:fs/promises";
import { ConnectionJournal } from "../../../src/gateway/accounting.ts";
import { ConnectionSpool } from "../../../src/gateway/connection-spool.ts";
import type { ConnectionRecord } from "../../../src/platform-client/connections.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

const away = new SallyportError("PLATFORM_UNREACHABLE", "away");

describe("the account of connections", () => {
  let workspace: Workspace;
  let clock: FakeClock;
  let log: RecordingLog;
  let sent: ConnectionRecord[][];
  let fail: SallyportError | undefined;
  beforeEach(async () => {
    workspace = await Workspace.open("accounting");
    clock = new FakeClock();
    log = new RecordingLog();
    sent = [];
    fail = undefined;
  });
  afterEach(() => workspace.close());

  function open(limitBytes?: number): ConnectionJournal {
    const journal = new ConnectionJournal({
      async send({ records }) {
        sent.push(records);
        if (fail) throw fail;
      },
      spool: new ConnectionSpool(workspace.path, log, limitBytes),
      clock,
      log,
    });
    journal.start();
    return journal;
  }

  const record = (instance: string): ConnectionRecord => ({
    id: crypto.randomUUID(),
    instance,
    openedAt: "2026-01-01T00:00:00.000Z",
    serial: "a1",
    mode: "tcp",
    actor: { type: "user", id: "u", name: "mia@example.com" },
    target: "db:5432",
  });
  const add = (journal: ConnectionJournal, count: number) => {
    const records = Array.from({ length: count }, () => record(journal.instance));
    for (const one of records) journal.add(one);
    return records;
  };
  const spoolPath = () => workspace.join("connections.jsonl");
  /** The journal works with files, which take real time. */
  const pass = async (milliseconds: number, done: () => boolean) => {
    await clock.advance(milliseconds);
    await until(done);
  };

  test("X10 is sent in batches every 5 s", async () => {
    const journal = open();
    const records = add(journal, 65);
    await clock.advance(4900);
    expect(sent).toEqual([]);
    await pass(200, () => sent.length === 3);
    expect(sent.map((batch) => batch.length)).toEqual([30, 30, 5]);
    expect(sent.flat()).toEqual(records);
    await journal.close();
  });

  test("X10 waits in a 0600 file while the platform is away, and is sent when it is back, oldest first", async () => {
    fail = away;
    const journal = open();
    const first = add(journal, 2);
    await pass(5000, () => log.entries.length === 1);
    expect((await stat(spoolPath())).mode & 0o777).toBe(0o600);
    const second = add(journal, 1);
    await pass(5000, () => sent.length === 2);
    await Bun.sleep(20);
    fail = undefined;
    sent = [];
    await pass(5000, () => sent.length === 1);
    expect(sent.flat()).toEqual([...first, ...second]);
    await until(() => !Bun.file(spoolPath()).size);
    expect(log.entries).toHaveLength(1);
    await journal.close();
  });

  test("what a process that ended could not send, the next one sends", async () => {
    fail = away;
    const before = open();
    const records = add(before, 3);
    await before.close();
    expect((await readFile(spoolPath(), "utf8")).trim().split("\n")).toHaveLength(3);
    // A crash in the middle of a line costs that line only.
    await Bun.write(spoolPath(), `${await readFile(spoolPath(), "utf8")}{"id":"cut`);
    fail = undefined;
    sent = [];
    const after = open();
    await pass(5000, () => sent.length === 1);
    expect(sent.flat()).toEqual(records);
    await after.close();
  });

  test("X10 the spool is bounded, and what is lost is said", async () => {
    fail = away;
    const journal = open(1000);
    add(journal, 20);
    await pass(5000, () => log.entries.length === 2);
    expect((await stat(spoolPath())).size).toBeLessThanOrEqual(1000);
    expect(log.entries.some(({ fields }) => Number(fields.lost) > 10)).toBe(true);
    await journal.close();
  });

  test("F10 waits in memory while neither the platform nor the disk takes it: nothing is lost", async () => {
    // In place of the spool, so that nobody can write one; root may write anywhere else.
    await mkdir(spoolPath());
    const journal = open();
    fail = away;
    const records = add(journal, 3);
    const stays = () => log.entries.filter(({ fields }) => fields.code === "STATE_UNWRITABLE").length;
    await pass(5000, () => stays() === 1);
    records.push(...add(journal, 2));
    await pass(5000, () => sent.length > 1);
    expect(stays()).toBe(1);
    await rmdir(spoolPath());
    await pass(5000, () => existsSync(spoolPath()));
    fail = undefined;
    sent = [];
    await pass(5000, () => sent.length > 0);
    expect(sent.flat()).toEqual(records);
    await journal.close();
  });

  test("a platform that keeps no account is asked once", async () => {
    fail = new SallyportError("NOT_FOUND", "nothing there");
    const journal = open();
    add(journal, 1);
    await pass(5000, () => log.entries.length === 1);
    add(journal, 1);
    await clock.advance(60_000);
    expect(sent).toHaveLength(1);
    await journal.close();
  });

  test("a record that is refused does not hold up the others", async () => {
    fail = new SallyportError("REQUEST_INVALID", "no");
    const journal = open();
    add(journal, 1);
    await pass(5000, () => log.entries.length === 1);
    fail = undefined;
    sent = [];
    const records = add(journal, 1);
    await pass(5000, () => sent.length === 1);
    expect(sent.flat()).toEqual(records);
    await journal.close();
  });
});
