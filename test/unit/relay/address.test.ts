import { describe, expect, test } from "bun:test";
import { matchAddresses } from "../../../src/host/address-ranges.ts";
import { addressGroup } from "../../../src/relay/address.ts";

describe("addresses as peers", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::ffff", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
  ])("%s counts as %s", (address, group) => expect(addressGroup(address)).toBe(group));

  test("ranges match addresses inside them, mapped ones too", () => {
    const inside = matchAddresses(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
    expect(["10.255.1.1", "::ffff:10.0.0.1", "192.0.2.7", "2001:db8:ffff::1"].map(inside)).toEqual(
      Array(4).fill(true),
    );
    expect(["11.0.0.1", "192.0.2.8", "2001:db9::1", "not an address"].map(inside)).toEqual(
      Array(4).fill(false),
    );
  });

  test.each(["10.0.0.0/33", "10.0.0/8", "2001:db8::/129", "localhost", "10.0.0.0/8/8", "10.0.0.0/", ""])(
    "%p is refused as a range",
    (range) => expect(() => matchAddresses([range])).toThrow(/is no address range/),
  );
});
