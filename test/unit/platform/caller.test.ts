import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { matchAddresses } from "../../../src/host/address-ranges.ts";
import { callerOf } from "../../../src/platform/listen/caller.ts";

const isProxy = matchAddresses(["10.0.0.0/8", "2001:db8:ff::/48"]);

function call(peer: string, forwardedFor?: string, proto?: string, overTls = false) {
  const headers = new Headers();
  if (forwardedFor !== undefined) headers.set("x-forwarded-for", forwardedFor);
  if (proto !== undefined) headers.set("x-forwarded-proto", proto);
  return callerOf(headers, peer, { isProxy, overTls });
}

describe("who calls", () => {
  test("is the other end of the connection, whatever it says, unless it is a trusted proxy", () => {
    expect(call("203.0.113.9", "198.51.100.1", "https")).toEqual({
      address: "203.0.113.9",
      https: undefined,
    });
    expect(call("::ffff:203.0.113.9", "198.51.100.1").address).toBe("203.0.113.9");
    expect(call("203.0.113.9", undefined, "http", true).https).toBe(true);
  });

  test.each([
    ["the one hop", "198.51.100.1", "198.51.100.1"],
    ["what a caller claims stands further left", "192.0.2.66, 10.9.9.9, 198.51.100.1", "198.51.100.1"],
    ["the hop before a second proxy", "192.0.2.66, 198.51.100.1, 10.0.0.7", "198.51.100.1"],
    ["with a port", "198.51.100.1:50123", "198.51.100.1"],
    ["an IPv6 hop in brackets", "[2001:db8::5]:443", "2001:db8::5"],
    ["an IPv6 proxy in between", "198.51.100.1, 2001:db8:ff::2", "198.51.100.1"],
    ["all of them proxies: the farthest", "10.0.0.2, 10.0.0.3", "10.0.0.2"],
    ["rubbish: the last proxy that is known", "198.51.100.1, unknown", "10.0.0.1"],
    ["rubbish further left is not looked at", "_hidden, 198.51.100.1", "198.51.100.1"],
    ["nothing", "", "10.0.0.1"],
  ])("behind trusted proxies is the rightmost hop that is none: %s", (_, header, address) => {
    expect(call("10.0.0.1", header).address).toBe(address);
  });

  test.each([
    ["https", true],
    ["http", false],
    ["https, http", false],
    ["HTTPS", true],
  ])("a trusted proxy says the scheme, the nearest one last: %s", (proto, https) => {
    expect(call("10.0.0.1", "198.51.100.1", proto).https).toBe(https);
  });

  test("a proxy that says no scheme leaves it open", () => {
    expect(call("10.0.0.1", "198.51.100.1").https).toBeUndefined();
  });

  test("is an address whatever a proxy passes on", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 200 }), (text) => {
        const { address } = call("10.0.0.1", text.trim());
        expect(address).toMatch(/^[\d.]+$|^[0-9a-f:.]+$/i);
      }),
    );
  });
});
