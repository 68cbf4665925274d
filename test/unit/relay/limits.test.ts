import { describe, expect, test } from "bun:test";
import { DEFAULT_GATEWAY_LIMITS, readGatewayLimits } from "../../../src/gateway/limits.ts";
import { DEFAULT_RELAY_LIMITS, RELAY_LIMITS, readLimits } from "../../../src/relay/limits.ts";
import { environmentName } from "../../../src/tunnel/limit-table.ts";

describe("limits", () => {
  test("the defaults are those of the acceptance list", () => {
    expect(readLimits([], {})).toEqual({
      loginGraceMs: 10_000,
      authTries: 3,
      tlsHandshakeMs: 5_000,
      proxyHeaderMs: 3_000,
      unauthenticated: 100,
      unauthenticatedPerAddress: 10,
      penaltyMs: 5_000,
      penaltyCapMs: 60_000,
      channels: 1_000,
      opensPerSecond: 200,
      opensBurst: 500,
      openTimeoutMs: 10_000,
      windowBudgetBytes: 268_435_456,
      initialWindowBytes: 262_144,
      maxWindowBytes: 16_777_216,
      minWindowBytes: 65_536,
      rekeyBytes: 1_073_741_824,
      rekeyMs: 3_600_000,
      keepaliveMs: 10_000,
      deadAfterMs: 20_000,
      tcpKeepaliveMs: 30_000,
      drainMs: 30_000,
      adviceMs: 3_000,
    });
  });

  test("who is told none has the same as who reads none", () => {
    expect(DEFAULT_RELAY_LIMITS).toEqual(readLimits([], {}));
    expect(DEFAULT_GATEWAY_LIMITS).toEqual(readGatewayLimits([], {}));
  });

  test("every limit can be set by flag and by variable, and the flag wins", () => {
    const env = Object.fromEntries(RELAY_LIMITS.map((row) => [environmentName(row), String(row.least + 2)]));
    const flags = RELAY_LIMITS.map(({ name, least }) => `${name}=${least + 1}`);
    const fromFlags = readLimits(flags, env);
    const fromVariables = readLimits([], env);
    for (const { key, least } of RELAY_LIMITS) {
      expect(fromFlags[key]).toBe(least + 1);
      expect(fromVariables[key]).toBe(least + 2);
    }
    expect(RELAY_LIMITS.map(environmentName)).toContain("SALLYPORT_LIMIT_LOGIN_GRACE_MS");
  });

  test.each([
    "channels",
    "channels=",
    "channels=0",
    "channels=-1",
    "channels=1e3",
    "channels=1.5",
    "chanels=5",
    "=5",
    // A timer of more than 2^31 - 1 ms fires at once, over and over.
    "rekey-ms=2147483648",
    "keepalive-ms=999999999999999",
    "max-window-bytes=4294967296",
    "channels=999999999",
  ])("%p is refused", (flag) =>
    expect(() => readLimits([flag], {})).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" })),
  );

  test("a month between two keys is no limit too long", () => {
    expect(readLimits(["rekey-ms=2147483647"], {}).rekeyMs).toBe(2_147_483_647);
  });

  test.each([
    [["dead-after-ms=5000"], /dead-after-ms is 5000 and keepalive-ms 10000/],
    [["keepalive-ms=60000"], /make dead-after-ms twice keepalive-ms/],
    [["initial-window-bytes=33554432"], /max-window-bytes \(16777216\)/],
    [["min-window-bytes=1048576"], /initial-window-bytes \(262144\)/],
  ])("limits that cut everybody are refused: %p", (flags, sentence) => {
    expect(() => readLimits(flags, {})).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringMatching(sentence) }),
    );
    const both = readLimits(["dead-after-ms=5000", "keepalive-ms=2500"], {});
    expect(both).toMatchObject({ deadAfterMs: 5000, keepaliveMs: 2500 });
  });
});
