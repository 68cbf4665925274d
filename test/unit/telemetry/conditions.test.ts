import { describe, expect, test } from "bun:test";
import { CONDITIONS, type ConditionCode, EXPLAINS } from "../../../src/telemetry/condition-codes.ts";
import { Conditions } from "../../../src/telemetry/conditions.ts";

const say = { text: "It is so.", fix: "Do this." };

function conditions(start = 0) {
  let time = start;
  const store = new Conditions(() => new Date(time));
  return { store, pass: (milliseconds: number) => (time += milliseconds) };
}

function codes(store: Conditions): ConditionCode[] {
  return store.list().map(({ code }) => code);
}

describe("conditions", () => {
  test("X7 a condition says code, title, severity, since, text, fix and whether traffic suffers", () => {
    const { store } = conditions(1000);
    store.raise("platform", "PLATFORM_UNREACHABLE", say);
    expect(store.list()).toEqual([
      {
        code: "PLATFORM_UNREACHABLE",
        title: "The platform cannot be reached",
        severity: "warning",
        since: "1970-01-01T00:00:01.000Z",
        text: "It is so.",
        fix: "Do this.",
        impactsTraffic: false,
      },
    ]);
  });

  test("raised again it keeps its since and takes the newer words; another code at its place starts anew", () => {
    const { store, pass } = conditions();
    store.raise("relay edge", "RELAY_UNREACHABLE", say);
    pass(5000);
    store.raise("relay edge", "RELAY_UNREACHABLE", { ...say, text: "Still." });
    expect(store.list()).toMatchObject([{ since: "1970-01-01T00:00:00.000Z", text: "Still." }]);
    store.raise("relay edge", "RELAY_REFUSED", say);
    expect(store.list()).toMatchObject([{ code: "RELAY_REFUSED", since: "1970-01-01T00:00:05.000Z" }]);
    store.clear("relay edge");
    expect(store.list()).toEqual([]);
  });

  test("X7 of one code, what is about no relay in particular is said once", () => {
    const { store } = conditions();
    store.raise("relay a", "ACCESS_REVOKED", { ...say, text: "Relay a says so.", about: "a" });
    store.raise("relay b", "ACCESS_REVOKED", { ...say, text: "Relay b says so.", about: "b" });
    expect(codes(store)).toEqual(["ACCESS_REVOKED", "ACCESS_REVOKED"]);
    store.raise("platform", "ACCESS_REVOKED", { ...say, text: "The platform says so." });
    expect(store.list()).toMatchObject([{ code: "ACCESS_REVOKED", text: "The platform says so." }]);
  });

  test("X7 a cause hides what it explains, and takes over how bad that is", () => {
    const { store } = conditions();
    store.raise("tunnels", "NO_TUNNEL", say);
    store.raise("probe", "PROBE_FAILED", say);
    expect(codes(store)).toEqual(["NO_TUNNEL"]);
    store.raise("relay a", "RELAY_UNREACHABLE", say);
    expect(store.list()).toMatchObject([
      { code: "RELAY_UNREACHABLE", severity: "error", impactsTraffic: true },
    ]);
    store.clear("tunnels");
    expect(store.list()).toMatchObject([
      { code: "RELAY_UNREACHABLE", severity: "warning", impactsTraffic: false },
    ]);
  });

  test("neither platform nor relay reachable is one condition about this machine's network", () => {
    const { store, pass } = conditions();
    store.raise("platform", "PLATFORM_UNREACHABLE", say);
    store.raise("relay a", "RELAY_UNREACHABLE", say);
    expect(codes(store)).toEqual(["PLATFORM_UNREACHABLE", "RELAY_UNREACHABLE"]);
    pass(7000);
    store.raise("tunnels", "NO_TUNNEL", say);
    expect(store.list()).toMatchObject([
      { code: "NETWORK_DOWN", severity: "error", impactsTraffic: true, since: "1970-01-01T00:00:07.000Z" },
    ]);
  });

  test("the worst comes first", () => {
    const { store } = conditions();
    store.raise("relays", "ONE_RELAY", say);
    store.raise("platform", "PLATFORM_UNREACHABLE", say);
    store.raise("clock", "CLOCK_WRONG", say);
    expect(store.list().map(({ severity }) => severity)).toEqual(["error", "warning", "info"]);
  });

  test("places that are gone take their conditions with them", () => {
    const { store } = conditions();
    store.raise("relay a", "RELAY_UNREACHABLE", { ...say, text: "a" });
    store.raise("relay b", "RELAY_UNREACHABLE", { ...say, text: "b" });
    store.clearOthers("relay ", new Set(["relay b"]));
    expect(store.list().map(({ text }) => text)).toEqual(["b"]);
  });

  test("the same words about two places are said once", () => {
    const { store } = conditions();
    store.raise("platform", "PLATFORM_UNREACHABLE", say);
    store.raise("probe", "PLATFORM_UNREACHABLE", say);
    expect(store.list()).toHaveLength(1);
  });

  test("a peer can't fill the memory with conditions", () => {
    const { store } = conditions();
    for (let i = 0; i < 5000; i++) store.raise(`gateway ${i}`, "GATEWAY_DUPLICATE", { ...say, text: `${i}` });
    expect(store.list()).toHaveLength(1000);
  });

  test("no condition explains its own cause", () => {
    const reach = (code: ConditionCode, seen = new Set<ConditionCode>()): Set<ConditionCode> => {
      for (const effect of EXPLAINS[code] ?? []) {
        if (!seen.has(effect)) reach(effect, seen.add(effect));
      }
      return seen;
    };
    const codes = Object.keys(CONDITIONS) as ConditionCode[];
    expect(codes.filter((code) => reach(code).has(code))).toEqual([]);
  });
});
