import { beforeEach, describe, expect, test } from "bun:test";
import { type Attempt, Ways } from "../../../src/client/ways.ts";
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
/** What goes wrong at a relay; nothing unless said. */
let faults: Map<string, Code>;
/** How long an attempt there takes. */
let delays: Map<string, number>;
let known: ClientCredentials[];
let better: ClientCredentials[] | undefined;
let asked: boolean[];
let ways: Ways;

beforeEach(() => {
  now = 0;
  tried = [];
  faults = new Map();
  delays = new Map();
  known = [way("a"), way("b")];
  better = undefined;
  asked = [];
  ways = new Ways({
    now: () => now,
    async ways(anew) {
      asked.push(anew);
      if (anew && better) known = better;
      return known;
    },
  });
});

async function work({ credentials: { relayHost }, relayTimeoutMs }: Attempt): Promise<string> {
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
    better = [way("c")];
    expect(await ways.through(work)).toBe("c");
    expect(asked).toEqual([false, true]);
    expect(order()).toEqual(["a", "b", "c"]);
  });

  test("when it knows none, what the first way came to is said", async () => {
    faults.set("a", "DRAINING");
    faults.set("b", "RELAY_UNREACHABLE");
    await expect(ways.through(work)).rejects.toMatchObject({ code: "DRAINING" });
    expect(order()).toEqual(["a", "b"]);
  });
});
