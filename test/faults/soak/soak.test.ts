import { describe, expect, test } from "bun:test";
import { judge, type Sample, slope } from "./judge.ts";
import { soak, table, tallied } from "./run.ts";

const LEVEL: Sample = {
  ...{ rssMB: 100, heapMB: 10, descriptors: 20, timers: 12, sockets: 6, promises: 100, functions: 4000 },
};

describe("the judge of a soak", () => {
  const noisy = (i: number) => (i % 3) - 1;

  test("calls noise flat", () => {
    const samples = Array.from({ length: 100 }, (_, i) => ({
      ...LEVEL,
      rssMB: 100 + 9 * noisy(i),
      descriptors: 20 + noisy(i),
    }));
    expect(judge(samples).filter(({ leaks }) => leaks)).toEqual([]);
  });

  test("sees a descriptor that is lost every tenth round", () => {
    const samples = Array.from({ length: 100 }, (_, i) => ({
      ...LEVEL,
      descriptors: 20 + Math.floor(i / 10),
    }));
    expect(judge(samples).filter(({ leaks }) => leaks)).toMatchObject([{ measure: "descriptors" }]);
  });

  test("is not led astray by a few odd samples", () => {
    expect(slope([5, 5, 5, 900, 5, 5, 5, 5])).toBe(0);
    expect(slope([0, 2, 4, 6, 8])).toBe(2);
  });
});

test("F12 a soak of a minute and a half: memory, descriptors, timers and sockets of all who stay are flat", async () => {
  const verdict = await soak({ minutes: 1.5 });
  console.log(`${tallied(verdict.tally)}\n${table(verdict)}`);
  expect(verdict.findings.filter(({ finding }) => finding.leaks)).toEqual([]);
  expect(verdict.samples).toBeGreaterThanOrEqual(3);
  for (const what of ["echoed", "slow readers", "aborted", "half a handshake", "rotations", "g-flaps killed"])
    expect(verdict.tally[what]).toBeGreaterThan(0);
}, 240_000);
