import { expect, test } from "bun:test";
import { agentReport, makeAgentReport } from "../../../src/platform-client/agent-report.ts";
import { Conditions } from "../../../src/telemetry/conditions.ts";

test("X7 what a daemon says of itself always fits what the platform accepts", () => {
  const conditions = new Conditions();
  const long = "x".repeat(5000);
  for (let i = 0; i < 100; i++) {
    conditions.raise(`relay r${i}`, "RELAY_UNREACHABLE", { text: `${i} ${long}`, fix: long, about: `r${i}` });
  }
  conditions.raise("clock", "CLOCK_WRONG", { text: "The clock is wrong.", fix: "Set it." });
  const report = makeAgentReport(conditions.list(), new Date());
  expect(agentReport.parse(report)).toEqual(report);
  expect(report.conditions).toHaveLength(32);
  expect(report.conditions[0]).toMatchObject({ code: "CLOCK_WRONG" });
  expect(report.conditions[1]).toMatchObject({ about: expect.stringMatching(/^r\d+$/) });
});

test("two reports of one process name the same instance", () => {
  const [a, b] = [makeAgentReport([], new Date()), makeAgentReport([], new Date())];
  expect(a.instance).toBe(b.instance);
});
