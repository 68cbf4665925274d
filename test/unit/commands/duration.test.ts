import { expect, test } from "bun:test";
import { parseDuration } from "../../../src/commands/duration.ts";

for (const [text, seconds] of [
  ["30d", 2_592_000],
  ["12h", 43_200],
  ["90m", 5400],
  ["45s", 45],
  ["1d12h", 129_600],
  ["3650d", 315_360_000],
] as const) {
  test(`${text} is ${seconds} s`, () => expect(parseDuration(text, "--ttl")).toBe(seconds));
}

for (const text of ["", "0s", "30", "d", "-1d", "1.5h", "1h1d", "3651d", "1w", " 1h", "99999999999999d"]) {
  test(`${JSON.stringify(text)} is refused and the flag is named`, () => {
    expect(() => parseDuration(text, "--ttl")).toThrow("--ttl must be a time");
  });
}
