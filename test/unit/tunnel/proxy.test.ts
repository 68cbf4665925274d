import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import fc from "fast-check";
import type { OutboundProxy } from "../../../src/host/proxy.ts";
import type { Wire } from "../../../src/tunnel/dial/wire.ts";
import { dialOutbound } from "../../../src/tunnel/proxy/dial.ts";
import { mustRun } from "../../support/processes.ts";
import { StubProxy } from "../../support/proxy.ts";
import { Workspace } from "../../support/workspace.ts";

const LOGIN = { username: "user", password: "p:ss wörd" };

let space: Workspace;
let target: Server;
let targetPort: number;

beforeEach(async () => {
  space = await Workspace.open("proxy");
  // Speaks first, as an SSH server does, then echoes.
  target = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write("hello ");
    socket.pipe(socket);
  });
  targetPort = await listen(target);
});
afterEach(() => space.close());

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  space.defer(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function at(
  protocol: OutboundProxy["protocol"],
  port: number,
  login?: OutboundProxy["login"],
): OutboundProxy {
  return { protocol, host: "127.0.0.1", port, login };
}

async function through(proxy: OutboundProxy, host = "relay.test", signal?: AbortSignal): Promise<Wire> {
  const wire = await dialOutbound({ host, port: 2222, proxy, signal });
  space.defer(() => wire.close());
  return wire;
}

/** Everything until `count` bytes are there. */
function read(wire: Wire, count: number): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    const look = () => text.length >= count && resolve(text);
    wire.attach({
      data(chunk) {
        text += chunk.toString();
        look();
      },
      drained() {},
      ended() {},
      closed: () => reject(new Error(`closed after ${JSON.stringify(text)}`)),
    });
  });
}

function say(wire: Wire, text: string): void {
  wire.socket.write(Buffer.from(text));
}

/** A proxy that answers each connection with these bytes, and perhaps hangs up. */
async function fixed(answers: Buffer[], hangUp: boolean): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      for (const answer of answers) socket.write(answer);
      if (hangUp) socket.end();
    });
  });
  const port = await listen(server);
  space.defer(() => {
    for (const socket of sockets) socket.destroy();
  });
  return port;
}

describe.each(["http", "socks5"] as const)("F11 a way through a proxy: %s", (protocol) => {
  async function stub(rules: Partial<StubProxy["rules"]> = {}): Promise<StubProxy> {
    const all = { routes: new Map([["relay.test:2222", targetPort]]), ...rules };
    return space.own(await (protocol === "http" ? StubProxy.http(all) : StubProxy.socks(all)));
  }

  test("the proxy gets the name, and what the far end says first is not lost", async () => {
    const proxy = await stub();
    const wire = await through(at(protocol, proxy.port));
    const text = read(wire, 9);
    say(wire, "abc");
    expect(await text).toBe("hello abc");
    expect(proxy.asked).toEqual(["relay.test:2222"]);
  });

  test("user name and password are sent; wrong or missing ones are named without being shown", async () => {
    const proxy = await stub({ login: LOGIN });
    expect(await read(await through(at(protocol, proxy.port, LOGIN)), 6)).toBe("hello ");
    const wrong = through(at(protocol, proxy.port, { username: "user", password: "secret" }));
    await expect(wrong).rejects.toMatchObject({ code: "PROXY_REFUSED" });
    await expect(wrong).rejects.toThrow(
      new RegExp(`^The proxy ${protocol}://127.0.0.1:${proxy.port} .*refuses the user name and password`),
    );
    await expect(wrong).rejects.not.toThrow(/secret/);
    const none = through(at(protocol, proxy.port));
    await expect(none).rejects.toMatchObject({ code: "PROXY_REFUSED" });
    await expect(none).rejects.toThrow(/wants a user name and password|refuses/);
  });

  test("a destination that the proxy does not allow is named", async () => {
    const proxy = await stub();
    const refused = through(at(protocol, proxy.port), "other.test");
    await expect(refused).rejects.toMatchObject({ code: "PROXY_REFUSED" });
    await expect(refused).rejects.toThrow(/other\.test:2222/);
    expect(proxy.asked).toEqual(["!other.test:2222"]);
  });

  test("IPv4 and IPv6 addresses are sent as such", async () => {
    const proxy = await stub({ routes: new Map() });
    await expect(through(at(protocol, proxy.port), "192.0.2.7")).rejects.toThrow(/192\.0\.2\.7:2222/);
    await expect(through(at(protocol, proxy.port), "[2001:db8::7]")).rejects.toThrow(/\[2001:db8::7\]:2222/);
    const v6 = protocol === "http" ? "2001:db8::7" : "20010db8000000000000000000000007";
    expect(proxy.asked).toEqual(["!192.0.2.7:2222", `![${v6}]:2222`]);
  });

  test("a proxy that is not there is named", async () => {
    const proxy = await stub();
    const { port } = proxy;
    proxy.close();
    const failure = through(at(protocol, port));
    await expect(failure).rejects.toMatchObject({ code: "PROXY_UNREACHABLE" });
    await expect(failure).rejects.toThrow(`${protocol}://127.0.0.1:${port}`);
  });

  test("a proxy that says nothing is left when the caller gives up", async () => {
    const port = await fixed([], false);
    const stop = new AbortController();
    const waiting = through(at(protocol, port), "relay.test", stop.signal);
    await Bun.sleep(20);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("B1 whatever a proxy answers, it ends in a way through or in PROXY_REFUSED", async () => {
    const answers = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 });
    const likely = fc.constantFrom(
      "HTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200\r\n",
      "HTTP/9.9 200 OK\r\n\r\n",
      "HTTP/1.1 407 Auth\r\n\r\n",
      "\x05\x00",
      "\x05\x02",
      "\x05\x00\x05\x00\x00\x01",
      "\x05\x00\x05\x01\x00\x03\xff",
      "SSH-2.0-x\r\n",
    );
    await fc.assert(
      fc.asyncProperty(likely, answers, async (first, rest) => {
        const port = await fixed(
          [Buffer.from(first, "latin1"), ...rest.map((part) => Buffer.from(part))],
          true,
        );
        const outcome = await through(at(protocol, port)).then(
          () => "through",
          (error: { code?: string }) => error.code,
        );
        expect(["through", "PROXY_REFUSED"]).toContain(outcome ?? "");
      }),
      { numRuns: 60 },
    );
  });

  test("B5 an answer without end is cut off", async () => {
    const port = await fixed([Buffer.alloc(protocol === "http" ? 200_000 : 1, "x")], protocol !== "http");
    await expect(through(at(protocol, port))).rejects.toMatchObject({ code: "PROXY_REFUSED" });
  });
});

test("F11 a proxy that is reached by TLS has to prove its name first", async () => {
  const [key, cert] = [space.join("k.pem"), space.join("c.pem")];
  await mustRun([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...[
      "-keyout",
      key,
      "-out",
      cert,
      "-days",
      "2",
      "-subj",
      "/CN=p",
      "-addext",
      "subjectAltName=DNS:proxy.test",
    ],
  ]);
  const server = createTlsServer({ key: await readFile(key), cert: await readFile(cert) }, (socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\nSSH"));
  });
  const port = await listen(server);
  const dial = (name: string, caFile?: string) =>
    dialOutbound({
      ...{ host: "relay.test", port: 2222, caFile, resolve: async () => ["127.0.0.1"] },
      proxy: { protocol: "https", host: name, port, login: undefined },
    });
  const wire = await dial("proxy.test", cert);
  space.defer(() => wire.close());
  expect(await read(wire, 3)).toBe("SSH");
  await expect(dial("proxy.test")).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
  await expect(dial("other.test", cert)).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
});

test("F11 an answer that comes byte by byte is understood, with what follows it", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", async () => {
      for (const byte of "HTTP/1.0 200 fine\r\nX-Y: z\r\n\r\nSSH") {
        socket.write(byte);
        await Bun.sleep(0);
      }
    });
  });
  const wire = await through(at("http", await listen(server)));
  expect(await read(wire, 3)).toBe("SSH");
});

test("without a proxy, whichever address answers is used", async () => {
  const wire = await dialOutbound({
    host: "relay.test",
    port: targetPort,
    // Nothing listens on the first.
    resolve: async () => ["127.0.0.254", "127.0.0.1"],
  });
  space.defer(() => wire.close());
  expect(await read(wire, 6)).toBe("hello ");
  expect(wire.remoteAddress).toBe("127.0.0.1");
});

test("a name that does not exist fails with the resolver's words", async () => {
  const resolve = () => Promise.reject(new Error("no such name"));
  await expect(dialOutbound({ host: "relay.test", port: 1, resolve })).rejects.toThrow("no such name");
});
