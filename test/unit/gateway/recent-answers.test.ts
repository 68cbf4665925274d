import { expect, test } from "bun:test";
import { recentAnswers } from "../../../src/gateway/recent-answers.ts";

/** A resolver that counts what it is asked. */
function counting(answer: (name: string, count: number) => Promise<string[]>) {
  const asked: string[] = [];
  const clock = { now: 0 };
  const resolve = recentAnswers(
    (name) => {
      asked.push(name);
      return answer(name, asked.length);
    },
    () => clock.now,
  );
  return { resolve, asked, clock };
}

test("a name is asked for once a second, however many connections come", async () => {
  const { resolve, asked, clock } = counting(async (_, count) => [`10.0.0.${count}`]);
  expect(await Promise.all(["db", "db", "web", "db"].map(resolve))).toEqual([
    ["10.0.0.1"],
    ["10.0.0.1"],
    ["10.0.0.2"],
    ["10.0.0.1"],
  ]);
  clock.now = 999;
  expect(await resolve("db")).toEqual(["10.0.0.1"]);
  clock.now = 1000;
  expect(await resolve("db")).toEqual(["10.0.0.3"]);
  expect(asked).toEqual(["db", "web", "db"]);
});

test("a failure is not used again", async () => {
  const { resolve } = counting(async (_, count) => {
    if (count === 1) throw new Error("no such name");
    return ["10.0.0.1"];
  });
  expect(resolve("db")).rejects.toThrow("no such name");
  await Bun.sleep(0);
  expect(await resolve("db")).toEqual(["10.0.0.1"]);
});

test("a lookup that hangs holds a name up for a second only", async () => {
  const { resolve, clock } = counting((_, count) =>
    count === 1 ? new Promise(() => {}) : Promise.resolve(["10.0.0.1"]),
  );
  void resolve("db");
  clock.now = 1000;
  expect(await resolve("db")).toEqual(["10.0.0.1"]);
});

test("no more than 256 names are kept", async () => {
  const { resolve, asked } = counting(async () => []);
  for (let i = 0; i <= 256; i++) await resolve(`name-${i}`);
  asked.length = 0;
  await resolve("name-256");
  await resolve("name-0");
  expect(asked).toEqual(["name-0"]);
});
