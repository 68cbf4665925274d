import { describe, expect, test } from "bun:test";
import { createLogger } from "../../../src/telemetry/log.ts";

function recording(format: "text" | "json") {
  const lines: string[] = [];
  const log = createLogger({ format, now: () => new Date(0), write: (line) => lines.push(line) });
  return { log, lines };
}

describe("the log of a daemon", () => {
  test("as text begins the lines of a connection with its id", () => {
    const { log, lines } = recording("text");
    log.child({ connection: "c17" }).info("Session opened", { target: "db:5432" });
    log.info("Plain");
    expect(lines).toEqual([
      "1970-01-01T00:00:00.000Z INFO  [c17] Session opened target=db:5432",
      "1970-01-01T00:00:00.000Z INFO  Plain",
    ]);
  });

  test("as JSON has the id under its key", () => {
    const { log, lines } = recording("json");
    log.child({ connection: "c17" }).warn("Late", { milliseconds: 3 });
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      time: "1970-01-01T00:00:00.000Z",
      level: "warn",
      message: "Late",
      connection: "c17",
      milliseconds: 3,
    });
  });

  test("says more or less as soon as its level is changed, its children too", () => {
    const { log, lines } = recording("json");
    const child = log.child({ connection: "c1" });
    child.debug("unseen");
    log.level = "debug";
    child.debug("seen");
    log.level = "error";
    child.warn("unseen");
    expect(log.level).toBe("error");
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(["seen"]);
  });

  test("a peer's text forges no second line", () => {
    const { log, lines } = recording("text");
    log.child({ connection: "c1\nroot logged in" }).info("a\nb", { reason: "x\u001b[2J" });
    expect(lines).toHaveLength(1);
    for (const control of ["\n", "\u001b"]) expect(lines[0]).not.toContain(control);
  });
});
