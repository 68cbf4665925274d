import { expect, test } from "bun:test";
import { formatHostPort, parseHostPort } from "../../../src/host/address.ts";

test.each([
  ["127.0.0.1:8080", "127.0.0.1", 8080],
  ["db.internal:5432", "db.internal", 5432],
  ["[::1]:22", "::1", 22],
])("%s is host and port", (text, host, port) => {
  expect(parseHostPort(text, "--listen")).toEqual({ host, port });
  expect(formatHostPort(host, port)).toBe(text);
});

test("a host alone takes the default port", () => {
  expect(parseHostPort("relay.example", "--relay-host", 2222)).toEqual({ host: "relay.example", port: 2222 });
});

test.each([
  "",
  ":1",
  "a:",
  "a:b",
  "a:70000",
  "::1:22",
  "http://a:1",
  "a b:1",
  "user@a:1",
  "[::1:22",
  "x".repeat(300),
])("%p is refused with the name of the flag", (text) => {
  expect(() => parseHostPort(text, "--listen")).toThrow("--listen must look like host:port");
});
