import { expect, test } from "bun:test";
import { requireDialHost } from "../../../src/host/dial-host.ts";

for (const [text, host] of [
  ["relay.example.com", "relay.example.com"],
  ["Relay.Example.COM", "relay.example.com"],
  ["localhost", "localhost"],
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8::7", "2001:db8::7"],
  ["[2001:DB8::7]", "2001:db8::7"],
] as const) {
  test(`${text} can be dialled as ${host}`, () => expect(requireDialHost(text, "--host")).toBe(host));
}

for (const text of [
  "",
  "relay.example.com:8443",
  "https://relay.example.com",
  "user@relay",
  "a b",
  "a\nb",
  "-a.example",
  "a..b",
  "a.example.",
  "1.2.3",
  "0x7f000001",
  "$(x)",
  "%n",
  "fe80::1%eth0",
  `${"a".repeat(64)}.example`,
  "a.".repeat(127).concat("aaaa"),
]) {
  test(`B4 ${JSON.stringify(text.slice(0, 40))} can't be dialled`, () => {
    expect(() => requireDialHost(text, "--host")).toThrow("--host must be a DNS name or an IP address");
  });
}
