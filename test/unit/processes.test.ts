import { expect, test } from "bun:test";
import { runProcess } from "../support/processes.ts";

test("a process that is not over in time is ended, and the error has its last words", async () => {
  const script = "trap 'echo hung in here >&2; exit 1' TERM; while :; do sleep 0.05; done";
  const run = runProcess(["sh", "-c", script], { deadlineMs: 2_000 });
  await expect(run).rejects.toThrow(/was not over after 2000 ms\n--- stderr\nhung in here/);
});
