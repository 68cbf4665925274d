import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { startProduct } from "../support/processes.ts";
import { StubProxy } from "../support/proxy.ts";
import { StandInRelay } from "../support/stand-in-relay.ts";
import { StubPlatform } from "../support/stub-platform.ts";
import { testPki } from "../support/test-pki.ts";
import { Workspace } from "../support/workspace.ts";

const LOGIN = { username: "agent", password: "proxy-secret" };

let space: Workspace;
let platform: StubPlatform;
let relay: StandInRelay;
let routes: Map<string, number>;

beforeEach(async () => {
  space = await Workspace.open("supervision-proxy");
  const pki = await testPki();
  platform = space.own(new StubPlatform(pki));
  // Neither name exists for this machine: only the proxy knows them.
  relay = space.own(await StandInRelay.open(pki, "edge", { host: "relay.test", sshPort: 2222 }));
  platform.relays = [{ name: "edge", host: "relay.test" }];
  routes = new Map([
    ["platform.test:80", Number(new URL(platform.url).port)],
    ["relay.test:2222", relay.port],
  ]);
});
afterEach(() => space.close());

function gateway(env: Record<string, string>) {
  const args = ["site", "--token", platform.mint(), "--domain", "http://platform.test", "--insecure-http"];
  return space.own(startProduct(["gateway", "start", ...args], { home: space.path, env }));
}

describe("F11 a gateway whose only way out is a proxy", () => {
  test.each(["http", "socks5"] as const)(
    "%s: API and tunnel go through it, with its login",
    async (protocol) => {
      const rules = { login: LOGIN, routes };
      const proxy = space.own(await (protocol === "http" ? StubProxy.http(rules) : StubProxy.socks(rules)));
      const url = `${protocol}://${LOGIN.username}:${LOGIN.password}@127.0.0.1:${proxy.port}`;
      const running = gateway({ ALL_PROXY: url });
      await running.waitForLog("Gateway started successfully");
      expect(new Set(proxy.asked)).toEqual(new Set(["platform.test:80", "relay.test:2222"]));
      const commandLine = await readFile(`/proc/${running.pid}/cmdline`, "utf8");
      expect(`${running.stderr.text}${commandLine}`).not.toContain(LOGIN.password);

      proxy.cut();
      await running.waitForLog("The tunnel is lost");
      await relay.session(2);
      expect(await running.stop()).toBe(0);
    },
  );

  test("407 says PROXY_REFUSED and which proxy, never its password", async () => {
    const proxy = space.own(await StubProxy.http({ login: LOGIN, routes }));
    const running = gateway({ HTTP_PROXY: `http://agent:wrong-secret@127.0.0.1:${proxy.port}` });
    expect(await running.exited).toBe(3);
    expect(running.stderr.text).toContain(`The proxy http://127.0.0.1:${proxy.port} is no way through`);
    expect(running.stderr.text).toContain("HTTP 407");
    expect(running.stderr.text).toContain("[PROXY_REFUSED]");
    expect(running.stderr.text).not.toContain("wrong-secret");
  });

  test("a proxy that allows the API but not port 2222 is named as the reason there is no tunnel", async () => {
    routes.delete("relay.test:2222");
    const proxy = space.own(await StubProxy.http({ routes }));
    const running = gateway({ ALL_PROXY: `http://127.0.0.1:${proxy.port}` });
    const line = await running.waitForLog("code=PROXY_REFUSED");
    expect(line).toContain("it refuses to connect to relay.test:2222 (HTTP 403)");
    expect(line).toContain("NO_PROXY");
    expect(await running.stop()).toBe(0);
  });

  test("a variable that names no proxy ends the start with exit code 2, without being shown", async () => {
    const running = gateway({ ALL_PROXY: "gopher://agent:secret@proxy.test" });
    expect(await running.exited).toBe(2);
    expect(running.stderr.text).toMatch(/^sallyport: ALL_PROXY .*\n$/);
    expect(running.stderr.text).not.toContain("secret");
  });
});
