import { beforeEach, describe, expect, test } from "bun:test";
import { addressesOf } from "../../../../src/tunnel/dial/addresses.ts";
import { firstOf } from "../../../../src/tunnel/dial/first-of.ts";
import { FakeClock, settle } from "../../../support/fake-clock.ts";

let clock: FakeClock;
/** Attempts under way, and when they began. */
let begun: Map<string, { at: number } & PromiseWithResolvers<string>>;
let discarded: string[];

beforeEach(() => {
  clock = new FakeClock(0);
  begun = new Map();
  discarded = [];
});

function race(candidates: string[], signal?: AbortSignal): Promise<string> {
  return firstOf(candidates, {
    attempt(candidate) {
      const attempt = Promise.withResolvers<string>();
      begun.set(candidate, { at: clock.now(), ...attempt });
      return attempt.promise;
    },
    discard: (late) => discarded.push(late),
    staggerMs: 250,
    clock,
    signal,
  });
}

describe("happy eyeballs (RFC 8305)", () => {
  test("the second address starts 250 ms after the first, and the first answer wins", async () => {
    const winner = race(["v6", "v4", "third"]);
    await clock.advance(249);
    expect([...begun.keys()]).toEqual(["v6"]);
    await clock.advance(1);
    expect(begun.get("v4")?.at).toBe(250);
    begun.get("v4")?.resolve("v4");
    expect(await winner).toBe("v4");
    await clock.advance(1000);
    expect([...begun.keys()]).toEqual(["v6", "v4"]);
    begun.get("v6")?.resolve("v6");
    await settle();
    expect(discarded).toEqual(["v6"]);
    expect(clock.sleeping).toBe(0);
  });

  test("a failure starts the next at once; when all have failed the first one's reason counts", async () => {
    const none = race(["v6", "v4"]);
    const failure = none.catch((error: Error) => error.message);
    begun.get("v6")?.reject(new Error("no route"));
    await settle();
    expect(begun.get("v4")?.at).toBe(0);
    begun.get("v4")?.reject(new Error("refused"));
    expect(await failure).toBe("no route");
    expect(clock.sleeping).toBe(0);
  });

  test("a caller who gives up is told at once, and what answers later is dropped", async () => {
    const stop = new AbortController();
    const given = race(["v6", "v4"], stop.signal).catch((error: Error) => error.message);
    stop.abort(new Error("enough"));
    expect(await given).toBe("enough");
    begun.get("v6")?.resolve("v6");
    await clock.advance(1000);
    expect(discarded).toEqual(["v6"]);
    expect(begun.size).toBe(1);
    expect(await race(["x"], stop.signal).catch((error: Error) => error.message)).toBe("enough");
  });

  test("no address at all is a failure", async () => {
    await expect(race([])).rejects.toThrow("there is no address");
  });

  test("families take turns, the resolver's first choice first, eight addresses at most", async () => {
    const resolve = async () => ["::1", "::2", "::3", "1.1.1.1", "2.2.2.2", "::1"];
    expect(await addressesOf("name", resolve)).toEqual(["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]);
    expect(await addressesOf("name", async () => ["1.1.1.1", "::1", "::2"])).toEqual([
      "1.1.1.1",
      "::1",
      "::2",
    ]);
    const many = Array.from({ length: 20 }, (_, i) => `10.0.0.${i}`);
    expect(await addressesOf("name", async () => many)).toHaveLength(8);
  });

  test("an address is not looked up, with or without brackets and zone", async () => {
    const never = () => Promise.reject(new Error("looked up"));
    expect(await addressesOf("[2001:db8::1]", never)).toEqual(["2001:db8::1"]);
    expect(await addressesOf("10.0.0.1", never)).toEqual(["10.0.0.1"]);
    expect(await addressesOf("fe80::1%eth0", never)).toEqual(["fe80::1%eth0"]);
  });
});
