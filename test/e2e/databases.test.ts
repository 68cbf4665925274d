import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Network, startNetwork } from "../support/network.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { mustRun } from "../support/processes.ts";
import { startRedis } from "../support/redis.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let network: Network;
let postgres: Postgres;

beforeAll(async () => {
  workspace = await Workspace.open("e2e");
  postgres = workspace.own(await startPostgres());
  network = await startNetwork(workspace, { build: "binary" });
});
afterAll(() => workspace.close());

test("psql queries a private PostgreSQL, a large result included", async () => {
  const { port } = await network.forward(`127.0.0.1:${postgres.port}`);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  expect(await postgres.client("psql", ["-qAt", "-c", "SELECT 6 * 7", url])).toBe("42\n");
  const rows = await postgres.client("psql", [
    ...["-qAt", "-c", "SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 20000) AS n", url],
  ]);
  const last = rows.trimEnd().split("\n").at(-1) ?? "";
  expect(last).toStartWith("20000|");
  expect(last.length).toBe("20000|".length + 256);
});

test("pgbench with 16 clients loses no transaction", async () => {
  const { port } = await network.forward(`127.0.0.1:${postgres.port}`);
  await postgres.createDatabase("bench");
  const url = `postgres://postgres@127.0.0.1:${port}/bench`;
  await postgres.client("pgbench", ["--initialize", "--quiet", "--scale", "1", url]);
  const load = ["--client", "16", "--jobs", "2", "--no-vacuum"];
  // Sixteen lasting connections, then a new connection for each transaction.
  for (const [transactions, flags] of [[100, []] as const, [10, ["--connect"]] as const]) {
    const words = [...load, "--transactions", String(transactions), ...flags, url];
    const report = await postgres.client("pgbench", words);
    const all = 16 * transactions;
    expect(report).toContain(`number of transactions actually processed: ${all}/${all}`);
    expect(report).toContain("number of failed transactions: 0");
  }
  const balanced =
    "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history)";
  expect(await postgres.client("psql", ["-qAt", "-c", balanced, postgres.url("bench")])).toBe("t\n");
});

test("redis-benchmark with 50 connections and pipelining runs to its end", async () => {
  const redis = await startRedis(workspace);
  const { port } = await network.forward(`127.0.0.1:${redis.port}`);
  const report = await mustRun(
    [
      "redis-benchmark",
      ...["-h", "127.0.0.1", "-p", String(port), "--csv"],
      ...["-t", "set,get", "-n", "20000", "-c", "50", "-P", "8", "-d", "512"],
    ],
    { deadlineMs: 60_000 },
  );
  expect(report).toMatch(/"SET","\d/);
  expect(report).toMatch(/"GET","\d/);
  const calls = await mustRun(["redis-cli", "-p", String(redis.port), "INFO", "commandstats"]);
  expect(calls).toContain("cmdstat_set:calls=20000");
  expect(calls).toContain("cmdstat_get:calls=20000");
});
