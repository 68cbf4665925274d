import { afterEach, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { OutboundProxy } from "../../../../src/host/proxy.ts";
import { silentLogger } from "../../../../src/telemetry/log.ts";
import { dialOuterTls } from "../../../../src/tunnel/tls/outer-client.ts";
import { listenOuterTls } from "../../../../src/tunnel/tls/outer-server.ts";
import { echo, Inbox } from "../../../support/byte-stream.ts";
import { StubProxy } from "../../../support/proxy.ts";
import { testPki } from "../../../support/test-pki.ts";

const HOST = "relay.test";
const LOGIN = { username: "ann", password: "s3cret" };
const pki = await testPki();
const relay = await pki.relay({ host: HOST });
const { relay: identity } = await pki.client();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A relay that echoes, which only a proxy knows by its name. */
async function scene(kind: "http" | "socks", login?: typeof LOGIN): Promise<StubProxy> {
  const listener = await listenOuterTls({
    hostname: "127.0.0.1",
    port: 0,
    credentials: () => relay.tls,
    log: silentLogger,
    onConnection({ stream }) {
      closers.push(() => stream.destroy());
      echo(stream);
    },
  });
  closers.push(() => listener.close());
  const routes = new Map([[`${HOST}:8443`, listener.port]]);
  const proxy = await StubProxy[kind]({ routes, ...(login && { login }) });
  closers.push(() => proxy.close());
  return proxy;
}

const at = (
  protocol: OutboundProxy["protocol"],
  port: number,
  login?: OutboundProxy["login"],
): OutboundProxy => ({ protocol, host: "127.0.0.1", port, login });

async function dial(
  proxy: OutboundProxy,
  more: { port?: number; timeoutMs?: number; signal?: AbortSignal } = {},
) {
  const connection = await dialOuterTls({
    host: HOST,
    port: 8443,
    proxy,
    identity,
    timeoutMs: 5000,
    ...more,
  });
  closers.push(() => connection.stream.destroy());
  return connection;
}

describe("a relay behind", () => {
  test.each<["http" | "socks", OutboundProxy["protocol"], typeof LOGIN | undefined]>([
    ["http", "http", undefined],
    ["http", "http", LOGIN],
    ["socks", "socks5", undefined],
    ["socks", "socks5", LOGIN],
  ])(
    "a proxy that speaks %s is reached by its name, which nobody here resolves",
    async (kind, protocol, login) => {
      const proxy = await scene(kind, login);
      const { stream } = await dial(at(protocol, proxy.port, login));
      const inbox = new Inbox(stream);
      const text = "x".repeat(300_000);
      inbox.write(text);
      expect((await inbox.until(text.length)) === text).toBe(true);
      stream.end();
      expect((await inbox.untilEnd()).length).toBe(text.length);
      expect(proxy.asked).toEqual([`${HOST}:8443`]);
    },
  );
});

describe("a proxy", () => {
  test("that wants another login, or does not allow the port, is named without its login", async () => {
    const proxy = await scene("http", LOGIN);
    const wrong = { username: "ann", password: "guess" };
    for (const failing of [
      dial(at("http", proxy.port, wrong)),
      dial(at("http", proxy.port, LOGIN), { port: 2222 }),
    ]) {
      const error: unknown = await failing.catch((error: unknown) => error);
      expect(error).toMatchObject({ code: "PROXY_REFUSED" });
      expect(String(error)).toContain(`http://127.0.0.1:${proxy.port}`);
      expect(String(error)).not.toMatch(/guess|s3cret/);
    }
  });

  test("that is away is said to be away", async () => {
    const proxy = await scene("http");
    const { port } = proxy;
    proxy.close();
    await expect(dial(at("http", port))).rejects.toMatchObject({ code: "PROXY_UNREACHABLE" });
  });

  test("that says nothing is given up in time, or when nobody wants it any more", async () => {
    const mute = createServer((socket) => socket.on("error", () => socket.destroy()).resume());
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    closers.push(() => void mute.close());
    const address = mute.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await expect(dial(at("http", port), { timeoutMs: 50 })).rejects.toMatchObject({
      code: "RELAY_UNREACHABLE",
      message: expect.stringContaining(`through the proxy http://127.0.0.1:${port}: no answer within 0.05 s`),
    });
    const reason = new Error("not wanted");
    const controller = new AbortController();
    const dialled = dial(at("socks5", port), { signal: controller.signal });
    controller.abort(reason);
    await expect(dialled).rejects.toBe(reason);
  });
});
