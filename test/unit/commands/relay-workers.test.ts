import { expect, test } from "bun:test";
import { workerCount } from "../../../src/commands/relay/flags.ts";

test.each([
  [undefined, undefined],
  ["1", undefined],
  ["2", 2],
  ["64", 64],
])("--workers %p is %p processes besides the supervisor", (text, count) => {
  expect(workerCount(text)).toBe(count);
});

test.each(["0", "65", "two", "-1", "2.5"])("--workers %s is refused", (text) => {
  expect(() => workerCount(text)).toThrow(/--workers is .* from 1 to 64/);
});
