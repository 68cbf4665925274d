import { expect, test } from "bun:test";
import { runProcess } from "../../support/processes.ts";

/** Bytes that the collector counts, and resident ones, gained by two calls. */
const SCRIPT = `
  import { heapStats } from "bun:jsc";
  import { carryBallast } from "${import.meta.dir}/../../../src/tunnel/heap-ballast.ts";
  const measure = () => ({ counted: heapStats().extraMemorySize, resident: process.memoryUsage.rss() });
  Bun.gc(true);
  const before = measure();
  carryBallast();
  carryBallast();
  Bun.gc(true);
  const after = measure();
  console.log(JSON.stringify([after.counted - before.counted, after.resident - before.resident]));
`;

test("the ballast counts for the collector, once, and takes no memory", async () => {
  const { stdout } = await runProcess([process.execPath, "-e", SCRIPT]);
  const [counted, resident] = JSON.parse(stdout) as [number, number];
  const MIB = 1024 * 1024;
  expect(counted).toBeGreaterThan(31 * MIB);
  expect(counted).toBeLessThan(48 * MIB);
  expect(resident).toBeLessThan(16 * MIB);
});
