import { describe, expect, test } from "bun:test";
import { parsePolicy } from "../../../src/gateway/target-policy.ts";

const policy = (allow: string[] = [], deny: string[] = []) =>
  parsePolicy({ allow, deny, gatewayName: "prod" });

function decide(address: string, port = 443, o: { allow?: string[]; deny?: string[]; host?: string } = {}) {
  return policy(o.allow, o.deny).decide(o.host ?? address, port, address);
}

describe("B9 without rules, everything is open except what could be turned against the gateway", () => {
  test.each([
    ["169.254.169.254", "metadata"],
    ["169.254.170.2", "metadata"],
    ["100.100.100.200", "metadata"],
    ["fd00:ec2::254", "metadata"],
    ["169.254.1.1", "link-local"],
    ["fe80::1", "link-local"],
    ["febf::1", "link-local"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["::1", "loopback"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["::", "unspecified"],
    ["224.0.0.1", "multicast"],
    ["239.255.255.255", "multicast"],
    ["ff02::1", "multicast"],
    ["255.255.255.255", "broadcast"],
    ["2130706433", "loopback"],
    ["0x7f000001", "loopback"],
    ["0177.0.0.1", "loopback"],
    ["127.1", "loopback"],
    ["2852039166", "metadata"],
    ["0251.0376.0251.0376", "metadata"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:a9fe:a9fe", "metadata"],
    ["::7f00:1", "loopback"],
    ["::169.254.169.254", "metadata"],
    ["::ffff:0:169.254.169.254", "metadata"],
    ["64:ff9b::169.254.169.254", "metadata"],
    ["64:ff9b::7f00:1", "loopback"],
    ["64:ff9b::6464:64c8", "metadata"],
    ["2002:a9fe:a9fe::1", "metadata"],
    ["2002:7f00:1:ffff::", "loopback"],
    ["2002:e000:1::", "multicast"],
  ])("%s is refused as a %s address", (address, what) => {
    const decision = decide(address);
    expect(decision).toMatchObject({ allowed: false, rule: expect.stringContaining(`built-in: ${what}`) });
  });

  test.each([
    "10.0.0.5",
    "192.168.1.1",
    "172.16.0.1",
    "8.8.8.8",
    "169.253.255.255",
    "126.255.255.255",
    "128.0.0.1",
    "1.0.0.0",
    "223.255.255.255",
    "240.0.0.1",
    "100.100.100.201",
    "::ffff:10.0.0.5",
    "64:ff9b::10.0.0.5",
    "2002:a00:5::1",
    "fd00:ec2::253",
    "fd12:3456::1",
    "2001:db8::1",
    "fec0::1",
  ])("%s is allowed", (address) => {
    expect(decide(address)).toEqual({ allowed: true });
  });

  test("what is no address is refused", () => {
    expect(decide("localhost")).toMatchObject({ allowed: false });
    expect(decide("fe80::1%eth0")).toMatchObject({ allowed: false });
  });
});

describe("B9 a built-in denial is lifted by an address or a block inside it, never by a name", () => {
  const everything = ["0.0.0.0/0", "::/0"];
  test.each<[string[], string, boolean]>([
    [["127.0.0.1"], "127.0.0.1", true],
    [["127.0.0.1"], "::ffff:127.0.0.1", true],
    [["127.0.0.1"], "127.0.0.2", false],
    [["127.0.0.1:443"], "127.0.0.1", true],
    [["127.0.0.1:444"], "127.0.0.1", false],
    [["127.0.0.1:400-500"], "127.0.0.1", true],
    [["127.0.0.0/8"], "127.3.2.1", true],
    [["127.0.0.0/16"], "127.0.200.1", true],
    [["127.0.0.0/7".replace("127", "126")], "127.0.0.1", false],
    [everything, "127.0.0.1", false],
    [everything, "::1", false],
    [everything, "169.254.169.254", false],
    [everything, "fe80::1", false],
    [["*.internal", "db.internal"], "127.0.0.1", false],
    [["localhost"], "127.0.0.1", true],
    [["localhost"], "::1", true],
    [["localhost"], "127.0.0.2", false],
    [["localhost:443"], "::1", true],
    [["localhost:444"], "::1", false],
    [["LOCALHOST."], "127.0.0.1", true],
    [["169.254.0.0/16"], "169.254.7.7", true],
    [["169.254.0.0/16"], "169.254.169.254", false],
    [["169.254.169.254"], "169.254.169.254", true],
    [["169.254.169.254"], "64:ff9b::169.254.169.254", false],
    [["64:ff9b::169.254.169.254"], "64:ff9b::169.254.169.254", true],
    [["64:ff9b::/96"], "64:ff9b::169.254.169.254", false],
    [["[fe80::]:443", "fe80::/10"], "fe80::1", true],
    [["::1"], "::1", true],
    [["0.0.0.0"], "0.0.0.0", true],
  ])("--allow %p: %s allowed is %p", (allow, address, allowed) => {
    expect(decide(address, 443, { allow, host: "db.internal" }).allowed).toBe(allowed);
  });
});

describe("an allow list", () => {
  test.each<[string[], { host?: string; address: string; port?: number }, boolean]>([
    [["10.0.0.5"], { address: "10.0.0.5" }, true],
    [["10.0.0.5"], { address: "10.0.0.6" }, false],
    [["10.0.0.5"], { host: "db.internal", address: "10.0.0.5" }, true],
    [["10.0.0.0/24"], { address: "10.0.0.77" }, true],
    [["10.0.0.0/24"], { address: "10.0.1.0" }, false],
    [["10.0.0.0/24:5432"], { address: "10.0.0.1", port: 5432 }, true],
    [["10.0.0.0/24:5432"], { address: "10.0.0.1", port: 5433 }, false],
    [["10.0.0.0/24:5000-5999"], { address: "10.0.0.1", port: 5999 }, true],
    [["10.0.0.0/24:5000-5999"], { address: "10.0.0.1", port: 6000 }, false],
    [["db.internal"], { host: "db.internal", address: "10.0.0.5" }, true],
    [["db.internal"], { host: "DB.Internal.", address: "10.0.0.5" }, true],
    [["db.internal"], { host: "xdb.internal", address: "10.0.0.5" }, false],
    [["db.internal"], { address: "10.0.0.5" }, false],
    [["db.internal:5432"], { host: "db.internal", address: "10.0.0.5", port: 22 }, false],
    [["*.internal"], { host: "a.b.internal", address: "10.0.0.5" }, true],
    [["*.internal"], { host: "internal", address: "10.0.0.5" }, false],
    [["*.internal"], { host: "xinternal", address: "10.0.0.5" }, false],
    [["bücher.example"], { host: "xn--bcher-kva.example", address: "10.0.0.5" }, true],
    [["[2001:db8::/32]:443"], { address: "2001:db8:9::1" }, true],
    [["2001:db8::1"], { address: "2001:db8::1" }, true],
    [["[2001:db8::1]:80"], { address: "2001:db8::1" }, false],
    [["::/0"], { address: "10.0.0.5" }, false],
    [["0.0.0.0/0"], { address: "::ffff:10.0.0.5" }, true],
    [["localhost"], { address: "10.0.0.5" }, false],
    [["server1"], { host: "server1", address: "10.0.0.5" }, true],
  ])("%p on %p: %p", (allow, { host, address, port }, allowed) => {
    expect(decide(address, port, { allow, ...(host && { host }) }).allowed).toBe(allowed);
  });

  test("loses to a deny rule, on names, addresses and ports", () => {
    const rules = { allow: ["10.0.0.0/8"], deny: ["10.0.0.9", "secret.internal", "10.1.0.0/16:22"] };
    expect(decide("10.0.0.8", 443, rules).allowed).toBe(true);
    expect(decide("10.0.0.9", 443, rules)).toMatchObject({ allowed: false, rule: "--deny 10.0.0.9" });
    expect(decide("10.0.0.8", 443, { ...rules, host: "secret.internal" }).allowed).toBe(false);
    expect(decide("10.1.0.1", 22, rules).allowed).toBe(false);
    expect(decide("10.1.0.1", 443, rules).allowed).toBe(true);
    expect(decide("127.0.0.1", 443, { allow: ["127.0.0.1"], deny: ["localhost"] }).allowed).toBe(false);
  });
});

describe("B9 the gateway's own ports", () => {
  const own = { ports: () => [9464], addresses: () => ["192.168.7.7", "fd12::7"] };
  const withOwn = (allow: string[]) => parsePolicy({ allow, deny: [], own });
  test.each<[string[], string, number, boolean]>([
    [[], "192.168.7.7", 9464, false],
    [[], "fd12::7", 9464, false],
    [[], "192.168.7.7", 9465, true],
    [[], "192.168.7.8", 9464, true],
    [["127.0.0.1"], "127.0.0.1", 9464, false],
    [["127.0.0.1"], "127.0.0.1", 9465, true],
    [["localhost"], "::1", 9464, false],
    [["0.0.0.0/0"], "192.168.7.7", 9464, false],
    [["192.168.7.7:9464"], "192.168.7.7", 9464, true],
    [["127.0.0.1:9464"], "127.0.0.1", 9464, true],
  ])("--allow %p: %s port %d allowed is %p", (allow, address, port, allowed) => {
    expect(withOwn(allow).decide(address, port, address).allowed).toBe(allowed);
  });
});

describe("a refusal names the rule and the command that lifts it", () => {
  test.each([
    [{ allow: ["10.9.9.9"] }, "10.0.0.5", "10.0.0.5", "not in the --allow list", "--allow 10.0.0.5:5432"],
    [
      { allow: ["10.9.9.9"] },
      "db.internal",
      "10.0.0.5",
      "not in the --allow list",
      "--allow db.internal:5432",
    ],
    [{ allow: ["10.9.9.9"] }, "db", "2001:db8::1", "not in the --allow list", "--allow db:5432"],
    [{ allow: ["x"] }, "::1", "::1", "built-in: loopback address", "--allow [::1]:5432"],
    [{ allow: ["x"] }, "127.1", "127.0.0.1", "built-in: loopback address", "--allow 127.0.0.1:5432"],
    [{ deny: ["10.0.0.0/8"] }, "db", "10.0.0.5", "--deny 10.0.0.0/8", "without --deny 10.0.0.0/8"],
  ])("%p %s at %s: %s, %s", (rules, host, address, rule, fix) => {
    const decision = decide(address, 5432, { ...rules, host });
    expect(decision).toEqual({ allowed: false, rule, fix: `sallyport gateway start prod ${fix}` });
  });

  test("and warns that the first --allow shuts everything else", () => {
    const decision = decide("127.0.0.1", 5432);
    expect(decision).toMatchObject({ fix: expect.stringMatching(/--allow 127\.0\.0\.1:5432 \(.*only.*\)/) });
  });
});

test.each([
  "",
  ":5432",
  "10.0.0.5/8",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "10.0.0.0/-1",
  "::/129",
  "127.1",
  "0177.0.0.1",
  "2130706433",
  "256.0.0.1",
  "db:0",
  "db:65536",
  "db:20-10",
  "db:http",
  "db:",
  "*",
  "*.",
  "*.*.internal",
  "a..b",
  "a b",
  "http://db",
  "db\n",
  "[db]:1",
  "[10.0.0.1]:1",
  "$(x)",
])("the rule %p is refused and named", (rule) => {
  expect(() => policy([rule])).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});
