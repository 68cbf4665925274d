import { describe, expect, test } from "bun:test";
import { GATEWAY_LIMITS, readGatewayLimits } from "../../../src/gateway/limits.ts";
import { RELAY_LIMITS } from "../../../src/relay/limits.ts";

describe("a gateway's limits", () => {
  test("are those of the acceptance list", () => {
    expect(readGatewayLimits([], {})).toEqual({
      innerHandshakeMs: 10_000,
      targetDialMs: 10_000,
      channels: 1_000,
      opensPerSecond: 200,
      opensBurst: 500,
      windowBudgetBytes: 268_435_456,
      initialWindowBytes: 262_144,
      maxWindowBytes: 16_777_216,
      minWindowBytes: 65_536,
      rekeyBytes: 1_073_741_824,
      rekeyMs: 3_600_000,
      keepaliveMs: 10_000,
      deadAfterMs: 20_000,
      drainMs: 30_000,
    });
  });

  test("have the relay's names where both have them, so that one variable raises both", () => {
    const names = new Set(GATEWAY_LIMITS.map(({ name }) => name));
    const shared = RELAY_LIMITS.filter(({ name }) => names.has(name));
    expect(shared.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["channels", "opens-per-second", "keepalive-ms"]),
    );
    const env = { SALLYPORT_LIMIT_CHANNELS: "5000" };
    expect(readGatewayLimits(["target-dial-ms=3000"], env)).toMatchObject({
      channels: 5000,
      targetDialMs: 3000,
    });
  });

  test.each(["login-grace-ms=5000", "channels=0", "dead-after-ms=5000", "drain-ms=4000000000"])(
    "%p is refused",
    (flag) =>
      expect(() => readGatewayLimits([flag], {})).toThrow(
        expect.objectContaining({ code: "CONFIG_INVALID" }),
      ),
  );
});
