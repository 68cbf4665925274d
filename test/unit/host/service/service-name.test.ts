import { describe, expect, test } from "bun:test";
import { serviceName } from "../../../../src/host/service/service-name.ts";

describe("service names", () => {
  test("B4 a gateway that is called like a unit of the machine does not shadow it", () => {
    for (const name of ["ssh", "systemd-journald", "dbus", "infisical-gateway"]) {
      expect(serviceName("gateway", name)).toBe(`sallyport-gateway-${name}`);
    }
    expect(serviceName("relay", "edge")).not.toBe(serviceName("gateway", "edge"));
  });

  const hostile = [
    "../x",
    ".",
    "",
    "a".repeat(256),
    "A",
    "a b",
    "x\n",
    "$(x)",
    "%n",
    "a@b",
    "x.service",
    "a\u202eb",
    "-a",
  ];
  test.each(hostile)("B4 %j becomes no unit name", (name) => {
    expect(() => serviceName("gateway", name)).toThrow(/is no gateway name/);
    expect(() => serviceName("relay", name)).toThrow(/is no relay name/);
  });
});
