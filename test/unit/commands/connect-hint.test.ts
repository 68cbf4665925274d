import { expect, test } from "bun:test";
import { connectHint } from "../../../src/commands/connect-hint.ts";
import type { ResourceKind } from "../../../src/platform-client/resource-kinds.ts";

test.each<[ResourceKind, string, string | undefined]>([
  ["tcp", "db", undefined],
  ["http", "https://wiki", "http://127.0.0.1:40000/"],
  ["ssh", "build.internal", "ssh -p 40000 -o HostKeyAlias=build.internal USER@127.0.0.1"],
  ["postgres", "db", 'psql "host=127.0.0.1 port=40000 user=USER dbname=DATABASE"'],
  ["mysql", "db", "mysql -h 127.0.0.1 -P 40000 -u USER -p"],
  ["redis", "cache", "redis-cli -h 127.0.0.1 -p 40000"],
  [
    "kubernetes",
    "api.cluster",
    "kubectl --server=https://127.0.0.1:40000 --tls-server-name=api.cluster get pods",
  ],
  [
    "kubernetes",
    "https://api.cluster",
    'curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:40000/version',
  ],
])("%s at %s is used with %s", (kind, target, hint) => {
  expect(connectHint({ kind, host: "127.0.0.1", port: 40_000, target })).toBe(hint);
});

test("a port on every address is used on loopback, and an IPv6 address has brackets in a URL", () => {
  expect(connectHint({ kind: "http", host: "0.0.0.0", port: 1, target: "x" })).toBe("http://127.0.0.1:1/");
  expect(connectHint({ kind: "http", host: "::1", port: 1, target: "x" })).toBe("http://[::1]:1/");
});
