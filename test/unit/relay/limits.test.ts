import { describe, expect, test } from "bun:test";
import { environmentName, RELAY_LIMITS, readLimits } from "../../../src/relay/limits.ts";

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

  test("every limit can be set by flag and by variable, and the flag wins", () => {
    for (const row of RELAY_LIMITS) {
      const value = row.least + 1;
      const env = { [environmentName(row)]: String(row.least + 2) };
      expect(readLimits([`${row.name}=${value}`], env)[row.key]).toBe(value);
      expect(readLimits([], env)[row.key]).toBe(row.least + 2);
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
  ])("%p is refused", (flag) =>
    expect(() => readLimits([flag], {})).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" })),
  );
});
