import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseSshPublicKey } from "../../../../src/pki/ssh-keys.ts";
import { silentLogger } from "../../../../src/telemetry/log.ts";
import { type DialOptions, dialSsh } from "../../../../src/tunnel/ssh/dial.ts";
import { listenSsh } from "../../../../src/tunnel/ssh/listen.ts";
import { WindowBudget } from "../../../../src/tunnel/ssh/window.ts";
import { StubProxy } from "../../../support/proxy.ts";
import { GATEWAY_ID, type TestPki, testPki } from "../../../support/test-pki.ts";
import { Workspace } from "../../../support/workspace.ts";

const HOST = "relay.test";

let space: Workspace;
let pki: TestPki;
let port: number;
let logins: number;

beforeEach(async () => {
  space = await Workspace.open("dial");
  pki = await testPki();
  logins = 0;
  const { ssh } = await pki.relay({ host: HOST, sshPort: 2022 });
  const listener = await listenSsh({
    hostname: "127.0.0.1",
    port: 0,
    hostIdentities: () => [ssh.host],
    userAuthorities: () => ssh.userAuthorities.map(parseSshPublicKey),
    authorize: () => undefined,
    onSession: () => logins++,
    limits: { keepaliveMs: 60_000, deadAfterMs: 60_000 },
    budget: new WindowBudget(),
    log: silentLogger,
  });
  space.own(listener);
  port = listener.port;
});
afterEach(() => space.close());

async function dial(options: Partial<DialOptions>) {
  const { relays } = await pki.gateway();
  const [relay] = relays;
  if (!relay) throw new Error("no relay");
  const session = await dialSsh({
    host: HOST,
    port,
    username: GATEWAY_ID,
    identity: relay.ssh,
    hostAuthorities: relay.hostAuthorities.map(parseSshPublicKey),
    hostPrincipal: `${HOST}:2022`,
    onChannel: (channel) => channel.reject(1, "none here"),
    budget: new WindowBudget(),
    log: silentLogger,
    resolve: async () => ["127.0.0.1"],
    ...options,
  });
  space.defer(() => session.disconnect(11, "test over"));
  return session;
}

describe("dialling a relay", () => {
  test("a name with a dead address is reached at the other one", async () => {
    const session = await dial({ resolve: async () => ["127.0.0.254", "127.0.0.1"] });
    expect(session.remoteAddress).toBe("127.0.0.1");
  });

  test("X2 any of several principals will do: the port that was dialled, or 2222 behind a port mapping", async () => {
    await dial({ hostPrincipal: [`${HOST}:${port}`, `${HOST}:2222`] });
    await expect(dial({ hostPrincipal: [`${HOST}:${port}`, "other.test:2222"] })).rejects.toMatchObject({
      code: "HOST_CERTIFICATE_REFUSED",
    });
    await expect(dial({ hostPrincipal: [] })).rejects.toMatchObject({ code: "HOST_CERTIFICATE_REFUSED" });
  });

  test.each(["http", "socks5"] as const)("F11 through a proxy: %s, with a login", async (protocol) => {
    const login = { username: "u", password: "secret" };
    const rules = { login, routes: new Map([[`${HOST}:2222`, port]]) };
    const proxy = space.own(await (protocol === "http" ? StubProxy.http(rules) : StubProxy.socks(rules)));
    const way = { protocol, host: "127.0.0.1", port: proxy.port };
    await dial({
      port: 2222,
      proxy: { ...way, login },
      resolve: () => Promise.reject(new Error("looked up")),
    });
    expect(logins).toBe(1);
    const refused = dial({ port: 2222, proxy: { ...way, login: { ...login, password: "wrong" } } });
    await expect(refused).rejects.toMatchObject({ code: "PROXY_REFUSED" });
  });

  test("F11 a proxy that cuts idle connections does not end a session: keepalives keep it moving", async () => {
    const rules = { routes: new Map([[`${HOST}:2222`, port]]), idleMs: 2000 };
    const proxy = space.own(await StubProxy.http(rules));
    const way = { protocol: "http", host: "127.0.0.1", port: proxy.port, login: undefined } as const;
    const session = await dial({ port: 2222, proxy: way, limits: { keepaliveMs: 100, deadAfterMs: 5000 } });
    let over = false;
    session.onClosed(() => {
      over = true;
    });
    await Bun.sleep(4500);
    expect(over).toBe(false);
  });

  test("F11 a session whose proxy goes away is lost like any other", async () => {
    const proxy = space.own(await StubProxy.socks({ routes: new Map([[`${HOST}:2222`, port]]) }));
    const way = { protocol: "socks5", host: "127.0.0.1", port: proxy.port, login: undefined } as const;
    const session = await dial({ port: 2222, proxy: way });
    const over = new Promise((resolve) => session.onClosed(resolve));
    proxy.cut();
    expect(await over).toMatchObject({ code: "SSH_DISCONNECTED" });
  });

  test("a relay that is not there is RELAY_UNREACHABLE, with the proxy's name where there is one", async () => {
    await expect(dial({ port: 1 })).rejects.toMatchObject({ code: "RELAY_UNREACHABLE" });
    await expect(dial({ port: 1 })).rejects.toThrow(/relay\.test:1 can't be reached/);
    await expect(dial({ resolve: () => Promise.reject(new Error("no such name")) })).rejects.toThrow(
      /relay\.test:\d+ can't be reached: no such name/,
    );
    const gone = { protocol: "http", host: "127.0.0.1", port: 1, login: undefined } as const;
    await expect(dial({ proxy: gone })).rejects.toMatchObject({ code: "PROXY_UNREACHABLE" });
  });

  test("giving up ends the attempt, and what answers later is closed", async () => {
    const stop = new AbortController();
    const resolving = Promise.withResolvers<string[]>();
    const waiting = dial({ signal: stop.signal, resolve: () => resolving.promise });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "RELAY_UNREACHABLE" });
    resolving.resolve(["127.0.0.1"]);
    await Bun.sleep(50);
    expect(logins).toBe(0);
  });

  test("a relay that accepts and then says nothing is a TIMEOUT", async () => {
    const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    space.defer(() => mute.stop(true));
    await expect(dial({ port: mute.port, timeoutMs: 100 })).rejects.toMatchObject({ code: "TIMEOUT" });
  });
});
