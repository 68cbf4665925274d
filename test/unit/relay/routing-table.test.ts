import { beforeEach, describe, expect, test } from "bun:test";
import { type Claim, type Routed, RoutingTable } from "../../../src/relay/routing-table.ts";

interface Session extends Routed {
  label: string;
}

let now = 0;
let table: RoutingTable<Session>;

beforeEach(() => {
  now = 1_000_000;
  table = new RoutingTable(() => now);
});

function session(label: string, generation = 0, remoteAddress = "192.0.2.1"): Session {
  return { gatewayId: "g", label, generation, remoteAddress };
}

const taken = (loser?: Session): Claim<Session> => ({ taken: true, loser });
const present = () => table.find("g")?.label;

describe("X3 one session serves a gateway", () => {
  test("F3 a second connection of the same gateway replaces the first", () => {
    const first = session("first");
    expect(table.claim(first)).toEqual(taken());
    expect(table.claim(session("second"))).toEqual(taken(first));
    expect(present()).toBe("second");
  });

  test("F3 a higher generation replaces a lower one", () => {
    const old = session("old", 3);
    table.claim(old);
    expect(table.claim(session("new", 4, "192.0.2.2"))).toEqual(taken(old));
    expect(present()).toBe("new");
  });

  test("F3 a lower generation is refused while the higher one is here", () => {
    table.claim(session("new", 4));
    expect(table.claim(session("old", 3))).toEqual({ taken: false, reason: "lower-generation" });
    expect(present()).toBe("new");
  });

  test("F3 after re-enrolment the old host never serves again, also while the new one is away", () => {
    const fresh = session("new", 4);
    table.claim(fresh);
    table.release(fresh);
    expect(table.claim(session("old", 3))).toEqual({ taken: false, reason: "lower-generation" });
    expect(table.find("g")).toBeUndefined();
  });

  test("the end of a replaced session leaves its successor in place", () => {
    const first = session("first");
    table.claim(first);
    table.claim(session("second"));
    table.release(first);
    expect(present()).toBe("second");
  });

  test("gateways do not disturb each other", () => {
    table.claim(session("mine"));
    table.claim({ ...session("other"), gatewayId: "h" });
    expect(table.sessions().map(({ label }) => label)).toEqual(["mine", "other"]);
  });
});

describe("X3 two hosts with one credential", () => {
  /** Hosts a and b take the place from each other, `times` replacements, `pauseMs` apart. */
  function alternate(times: number, pauseMs = 1_000): void {
    table.claim(session("a", 0, "192.0.2.1"));
    for (let i = 0; i < times; i++) {
      now += pauseMs;
      const host = i % 2 === 0 ? "b" : "a";
      table.claim(session(host, 0, host === "a" ? "192.0.2.1" : "192.0.2.2"));
    }
  }

  test("F3 after three replacements within a minute the present session stays for 60 s", () => {
    alternate(3);
    expect(present()).toBe("b");
    const newcomer = session("a", 0, "192.0.2.1");
    expect(table.claim(newcomer)).toEqual({ taken: false, reason: "duplicate" });
    now += 59_999;
    expect(table.claim(newcomer)).toEqual({ taken: false, reason: "duplicate" });
    now += 1;
    expect(table.claim(newcomer)).toMatchObject({ taken: true });
  });

  test("F3 the condition names the gateway and both addresses, and ends with the refusal", () => {
    alternate(3);
    expect(table.duplicates()).toEqual([]);
    table.claim(session("a", 0, "192.0.2.1"));
    expect(table.duplicates()).toEqual([
      { gatewayId: "g", addresses: ["192.0.2.2", "192.0.2.1"], since: now },
    ]);
    now += 60_000;
    expect(table.duplicates()).toEqual([]);
  });

  test("slow changes of the address are no duplicate", () => {
    alternate(10, 30_000);
    expect(table.duplicates()).toEqual([]);
  });

  test("reconnects from one address always get the place", () => {
    for (let i = 0; i < 20; i++) expect(table.claim(session(`try-${i}`))).toMatchObject({ taken: true });
  });

  test("while newcomers are refused, the present host may reconnect and a higher generation may take over", () => {
    alternate(3);
    table.claim(session("a", 0, "192.0.2.1"));
    expect(table.claim(session("b again", 0, "192.0.2.2"))).toMatchObject({ taken: true });
    expect(table.claim(session("enrolled anew", 1, "192.0.2.3"))).toMatchObject({ taken: true });
    expect(table.duplicates()).toEqual([]);
  });

  test("a free place is taken also by the one refused before", () => {
    alternate(3);
    const loser = session("a", 0, "192.0.2.1");
    table.claim(loser);
    const winner = table.find("g");
    if (winner) table.release(winner);
    expect(table.claim(loser)).toMatchObject({ taken: true });
  });
});

test("memory of gateways that are gone is bounded, and a live session keeps its generation", () => {
  table.claim(session("live", 5));
  for (let i = 0; i < 10_001; i++) table.claim({ ...session("other", 1), gatewayId: `other-${i}` });
  expect(table.claim(session("older", 4, "192.0.2.2"))).toEqual({ taken: false, reason: "lower-generation" });
});
