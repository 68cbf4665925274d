import { describe, expect, test } from "bun:test";
import { HostRule } from "../../../src/platform/services/host-rule.ts";

const strict = new HostRule({ allowPrivate: false, onLoopback: false });
const local = new HostRule({ allowPrivate: false, onLoopback: true });
const lenient = new HostRule({ allowPrivate: true, onLoopback: false });

describe("where a relay may be", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["Relay.Example.com.", "relay.example.com"],
    ["2606:4700:0:0:0:0:0:1", "[2606:4700::1]"],
    ["[2606:4700::1]", "[2606:4700::1]"],
  ])("%s is stored as %s", (text, stored) => {
    expect(strict.normalise(text)).toBe(stored);
  });

  test.each(["10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fd12::1"])(
    "the private address %s needs --allow-private-hosts",
    (address) => {
      expect(() => strict.normalise(address)).toThrow("--allow-private-hosts");
      expect(() => local.normalise(address)).toThrow("--allow-private-hosts");
      expect(lenient.normalise(address)).toContain(address);
    },
  );

  test.each(["127.0.0.1", "::1", "localhost", "relay.localhost"])(
    "loopback (%s) is for a platform that is itself on loopback, or for --allow-private-hosts",
    (host) => {
      expect(() => strict.normalise(host)).toThrow("--allow-private-hosts");
      expect(local.normalise(host)).toContain(host);
      expect(lenient.normalise(host)).toContain(host);
    },
  );

  test.each([
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "0.0.0.0",
    "::",
    "fe80::1",
    "224.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "::127.0.0.1",
  ])("%s is never a relay", (address) => {
    expect(() => lenient.normalise(address)).toThrow("nothing to dial has such an address");
  });

  test.each([
    "",
    "a b",
    "relay:8443",
    "http://relay",
    "a_b.example",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "x".repeat(254),
  ])("%j is no host", (text) => {
    expect(() => lenient.normalise(text)).toThrow("DNS name or an address");
  });
});

describe("B11 which address is dialled", () => {
  const resolving = (addresses: string[]) =>
    new HostRule({ allowPrivate: false, onLoopback: false, resolve: async () => addresses });

  test("a name is dialled at the address that was judged", async () => {
    expect(await resolving(["203.0.113.7", "203.0.113.8"]).addressOf("relay.example.com")).toBe(
      "203.0.113.7",
    );
  });

  test("one address inside among others is enough to refuse", async () => {
    const rule = resolving(["203.0.113.7", "10.0.0.1"]);
    await expect(rule.addressOf("relay.example.com")).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  });

  test("a name without address and one that can't be resolved are unreachable", async () => {
    await expect(resolving([]).addressOf("x.example")).rejects.toMatchObject({ code: "RELAY_UNREACHABLE" });
    const failing = new HostRule({
      allowPrivate: false,
      onLoopback: false,
      resolve: async () => {
        throw new Error("SERVFAIL");
      },
    });
    await expect(failing.addressOf("x.example")).rejects.toMatchObject({ code: "RELAY_UNREACHABLE" });
  });

  test("a stored address is judged again: the rule may be stricter than when it was stored", async () => {
    await expect(strict.addressOf("127.0.0.1")).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    expect(await lenient.addressOf("[fd12::1]")).toBe("fd12::1");
  });
});
