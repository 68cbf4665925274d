import { beforeEach, describe, expect, test } from "bun:test";
import { type Attempt, type KnownWays, Ways } from "../../../src/client/ways.ts";
import type { ClientCredentials } from "../../../src/pki/credentials.ts";
import type { Code } from "../../../src/telemetry/codes.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";

const none = { certificate: "", privateKey: "", serverAuthorities: "" };

function way(relayHost: string): ClientCredentials {
  return {
    ...{ gatewayId: "g", gatewayName: "edge", relayHost, relayPort: 8443, relay: none, gateway: none },
    ...{ target: undefined, requireGatewayUri: true },
  };
}

let now: number;
let tried: { relay: string; patience: number | undefined }[];
/** How long all of each attempt may take. */
let limits: (number | undefined)[];
/** What goes wrong at a relay; nothing unless said. */
let faults: Map<string, Code>;
/** How long an attempt there takes. */
let delays: Map<string, number>;
let known: KnownWays;
let better: KnownWays | undefined;
/** What was said to have failed, each time that somebody asked. */
let asked: (KnownWays | undefined)[];
let ways: Ways;

beforeEach(() => {
  now = 0;
  tried = [];
  limits = [];
  faults = new Map();
  delays = new Map();
  known = { ways: [way("a"), way("b")] };
  better = undefined;
  asked = [];
  ways = new Ways({
    now: () => now,
    async ways(failed) {
      asked.push(failed);
      if (failed && better) known = better;
      return known;
    },
  });
});

async function work({ credentials: { relayHost }, relayTimeoutMs, timeoutMs }: Attempt): Promise<string> {
  limits.push(timeoutMs);
  tried.push({ relay: relayHost, patience: relayTimeoutMs });
  now += delays.get(relayHost) ?? 0;
  const fault = faults.get(relayHost);
  if (fault) throw new SallyportError(fault, `${relayHost} failed.`);
  return relayHost;
}

const order = () => tried.map(({ relay }) => relay);

describe("the ways to a gateway", () => {
  test("the best one is used, and waits 2 s for its relay while there is another", async () => {
    expect(await ways.through(work)).toBe("a");
    expect(tried).toEqual([{ relay: "a", patience: 2000 }]);
  });

  test.each<Code>([
    "RELAY_UNREACHABLE",
    "TLS_FAILED",
    "TLS_UNTRUSTED",
    "GATEWAY_NOT_CONNECTED",
    "GATEWAY_BUSY",
    "RESOURCE_SHORTAGE",
    "DRAINING",
    "TIMEOUT",
  ])("F1 F8 %s at one relay leads to the other, which has all the time", async (code) => {
    faults.set("a", code);
    expect(await ways.through(work)).toBe("b");
    expect(tried).toEqual([
      { relay: "a", patience: 2000 },
      { relay: "b", patience: undefined },
    ]);
  });

  test.each<Code>([
    "TARGET_REFUSED",
    "TARGET_DENIED",
    "CERTIFICATE_REFUSED",
    "GATEWAY_REVOKED",
    "SESSION_ENDED",
  ])("%s would be the same through any relay", async (code) => {
    faults.set("a", code);
    await expect(ways.through(work)).rejects.toMatchObject({ code });
    expect(order()).toEqual(["a"]);
  });

  test("a time-out long after the relay has answered is the target's, and not tried twice", async () => {
    faults.set("a", "TIMEOUT");
    delays.set("a", 10_000);
    await expect(ways.through(work)).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(order()).toEqual(["a"]);
  });

  test("a relay that has just failed is tried last for 30 s", async () => {
    faults.set("a", "RELAY_UNREACHABLE");
    await ways.through(work);
    now += 29_000;
    await ways.through(work);
    expect(order()).toEqual(["a", "b", "b"]);
    faults.clear();
    now += 2000;
    await ways.through(work);
    expect(order()).toEqual(["a", "b", "b", "a"]);
  });

  test("when all have failed the platform is asked once more, and may know another relay", async () => {
    faults.set("a", "RELAY_UNREACHABLE");
    faults.set("b", "GATEWAY_NOT_CONNECTED");
    const first = known;
    better = { ways: [way("c")] };
    expect(await ways.through(work)).toBe("c");
    expect(asked).toEqual([undefined, first]);
    expect(order()).toEqual(["a", "b", "c"]);
  });

  test("F7 a certificate that is refused is replaced once by what the platform has now", async () => {
    faults.set("a", "CERTIFICATE_REFUSED");
    const first = known;
    better = { ways: [way("c")] };
    expect(await ways.through(work)).toBe("c");
    expect(asked).toEqual([undefined, first]);
    expect(order()).toEqual(["a", "c"]);
  });

  test("when it knows none, what the first way came to is said", async () => {
    faults.set("a", "DRAINING");
    faults.set("b", "RELAY_UNREACHABLE");
    await expect(ways.through(work)).rejects.toMatchObject({ code: "DRAINING" });
    expect(order()).toEqual(["a", "b"]);
  });
});

describe("the ways to a pool of gateways", () => {
  beforeEach(() => {
    known = { ways: [way("a")], pooled: true };
    better = { ways: [way("b")], pooled: true };
  });

  test.each<Code>(["GATEWAY_NOT_CONNECTED", "GATEWAY_REVOKED", "RELAY_UNREACHABLE", "TLS_FAILED", "TIMEOUT"])(
    "%s at the first leads to another one, which has all the time",
    async (code) => {
      faults.set("a", code);
      expect(await ways.through(work)).toBe("b");
      expect(limits).toEqual([12_000, undefined]);
    },
  );

  test("two are tried and no third", async () => {
    for (const relay of ["a", "b"]) faults.set(relay, "GATEWAY_NOT_CONNECTED");
    await expect(ways.through(work)).rejects.toMatchObject({ message: "b failed." });
    expect(order()).toEqual(["a", "b"]);
    expect(asked).toHaveLength(2);
  });

  test.each<Code>(["TARGET_REFUSED", "TARGET_DENIED", "TARGET_TIMEOUT", "SESSION_ENDED"])(
    "%s is the target's affair: it may have been touched, so nothing is tried again",
    async (code) => {
      faults.set("a", code);
      await expect(ways.through(work)).rejects.toMatchObject({ code });
      expect(order()).toEqual(["a"]);
    },
  );

  test("when the platform has no other one, what the first came to is said", async () => {
    faults.set("a", "GATEWAY_NOT_CONNECTED");
    const refusing = new Ways({
      async ways(failed) {
        if (failed)
          throw new SallyportError("GATEWAY_NOT_CONNECTED", "Gateway pool has no healthy gateways.");
        return known;
      },
    });
    await expect(refusing.through(work)).rejects.toMatchObject({ message: "a failed." });
    expect(order()).toEqual(["a"]);
  });
});
