import { describe, expect, test } from "bun:test";
import { chooseProxy, type Destination, describeProxy, namesProxy } from "../../../src/host/proxy.ts";

const api: Destination = { protocol: "https", host: "api.example.com", port: 443 };
const plain: Destination = { protocol: "http", host: "api.example.com", port: 80 };
const relay: Destination = { protocol: "tunnel", host: "relay.example.com", port: 2222 };
const PROXY = "http://proxy.example:3128";

function chosen(env: Record<string, string>, to: Destination): string | undefined {
  const proxy = chooseProxy(env, to);
  return proxy && describeProxy(proxy);
}

/** Whether this NO_PROXY makes the connection a direct one. */
function isDirect(list: string, host: string, port = 443): boolean {
  return chosen({ HTTPS_PROXY: PROXY, NO_PROXY: list }, { protocol: "https", host, port }) === undefined;
}

describe("F11 the proxy of the environment", () => {
  test("each destination has its variables, in order, in upper or lower case", () => {
    expect(chosen({}, api)).toBeUndefined();
    expect(chosen({ HTTPS_PROXY: "a:1", ALL_PROXY: "b:2", HTTP_PROXY: "c:3" }, api)).toBe("http://a:1");
    expect(chosen({ HTTPS_PROXY: "a:1", ALL_PROXY: "b:2", HTTP_PROXY: "c:3" }, plain)).toBe("http://c:3");
    expect(chosen({ HTTPS_PROXY: "a:1", ALL_PROXY: "b:2", HTTP_PROXY: "c:3" }, relay)).toBe("http://b:2");
    expect(chosen({ HTTPS_PROXY: "a:1" }, relay)).toBe("http://a:1");
    expect(chosen({ HTTP_PROXY: "a:1" }, relay)).toBeUndefined();
    expect(chosen({ https_proxy: "a:1" }, api)).toBe("http://a:1");
    expect(chosen({ HTTPS_PROXY: "", https_proxy: "a:1" }, api)).toBe("http://a:1");
    expect(chosen({ all_proxy: "socks5://a:1" }, api)).toBe("socks5://a:1");
    expect(namesProxy({ NO_PROXY: "*" })).toBe(false);
    expect(namesProxy({ http_proxy: "a:1" })).toBe(true);
  });

  test.each([
    ["proxy.example", "http://proxy.example:80"],
    ["http://proxy.example:3128/", "http://proxy.example:3128"],
    ["https://proxy.example", "https://proxy.example:443"],
    ["socks5://proxy.example", "socks5://proxy.example:1080"],
    ["socks5h://[2001:db8::1]:9050", "socks5://[2001:db8::1]:9050"],
    ["socks://10.0.0.1", "socks5://10.0.0.1:1080"],
  ])("%p means %p", (value, expected) => {
    expect(chosen({ ALL_PROXY: value }, relay)).toBe(expected);
  });

  test("the login is decoded, and never part of what is shown", () => {
    const proxy = chooseProxy({ ALL_PROXY: "socks5://user%40corp:p%3Ass@proxy.example" }, relay);
    expect(proxy?.login).toEqual({ username: "user@corp", password: "p:ss" });
    expect(proxy && describeProxy(proxy)).toBe("socks5://proxy.example:1080");
  });

  test.each([
    "ftp://secret",
    "http://u:secret@",
    "http://u:secret@:80",
    "socks4://secret:1",
    "http://secret:99999",
  ])("%p is refused without being shown", (value) => {
    expect(() => chooseProxy({ HTTPS_PROXY: value }, api)).toThrow(/^HTTPS_PROXY .* names no proxy/);
    expect(() => chooseProxy({ HTTPS_PROXY: value }, api)).not.toThrow(/secret/);
  });

  test("a password with a stray % is refused without being shown", () => {
    expect(() => chooseProxy({ HTTPS_PROXY: "http://u:se%cret@a:1" }, api)).toThrow(/stray %/);
    expect(() => chooseProxy({ HTTPS_PROXY: "http://u:se%cret@a:1" }, api)).not.toThrow(/cret@/);
  });

  test("this machine is never reached through a proxy", () => {
    for (const host of ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]"]) {
      expect(chosen({ ALL_PROXY: PROXY }, { protocol: "tunnel", host, port: 2222 })).toBeUndefined();
    }
  });

  test("NO_PROXY: names cover themselves and what is below, suffixes only what is below", () => {
    expect(isDirect("example.com", "example.com")).toBe(true);
    expect(isDirect("Example.COM", "api.example.com")).toBe(true);
    expect(isDirect("example.com", "API.Example.com.")).toBe(true);
    expect(isDirect("example.com", "notexample.com")).toBe(false);
    for (const suffix of [".example.com", "*.example.com"]) {
      expect(isDirect(suffix, "api.example.com")).toBe(true);
      expect(isDirect(suffix, "example.com")).toBe(false);
    }
    expect(isDirect("other.org, api.example.com", "api.example.com")).toBe(true);
    expect(isDirect("other.org api.example.com", "api.example.com")).toBe(true);
    expect(isDirect("*", "anything.at.all")).toBe(true);
    expect(isDirect(", ,", "example.com")).toBe(false);
  });

  test("NO_PROXY: addresses and CIDRs of both families", () => {
    expect(isDirect("10.0.0.1", "10.0.0.1")).toBe(true);
    expect(isDirect("10.0.0.0/8", "10.200.3.4")).toBe(true);
    expect(isDirect("10.0.0.0/8", "11.0.0.1")).toBe(false);
    expect(isDirect("2001:db8::/32", "[2001:db8:1::5]")).toBe(true);
    expect(isDirect("2001:db8::1", "2001:db8:0::1")).toBe(true);
    expect(isDirect("2001:db8::/32", "2001:db9::1")).toBe(false);
    for (const odd of ["10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/", "::/129", "10.0.0.0/-1"]) {
      expect(isDirect(odd, "10.0.0.1")).toBe(false);
    }
    expect(isDirect("0.0.1", "10.0.0.1")).toBe(false);
  });

  test("NO_PROXY: an entry with a port is for that port", () => {
    expect(isDirect("example.com:443", "api.example.com", 443)).toBe(true);
    expect(isDirect("example.com:443", "api.example.com", 2222)).toBe(false);
    expect(isDirect("10.0.0.0/8:2222", "10.1.1.1", 2222)).toBe(true);
    expect(isDirect("[2001:db8::1]:443", "2001:db8::1", 443)).toBe(true);
    expect(isDirect("[2001:db8::1]:443", "2001:db8::1", 80)).toBe(false);
    expect(isDirect("[2001:db8::1]", "2001:db8::1", 80)).toBe(true);
  });
});
