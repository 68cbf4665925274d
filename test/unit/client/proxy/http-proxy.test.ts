import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type RequestListener } from "node:http";
import { listenHttpProxy } from "../../../../src/client/proxy/http-port.ts";
import type { ProxyPortOptions } from "../../../../src/client/proxy/port.ts";
import type { Code } from "../../../../src/telemetry/codes.ts";
import { SallyportError } from "../../../../src/telemetry/error.ts";
import { LocalProxy } from "../../../support/local-proxy.ts";

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function proxy(options: Partial<ProxyPortOptions> & { failure?: SallyportError } = {}): LocalProxy {
  const opened = new LocalProxy(listenHttpProxy, options);
  closers.push(() => opened.close());
  return opened;
}

async function serve(
  listener: RequestListener = (incoming, outgoing) => {
    const { host } = incoming.headers;
    outgoing.end(`<${incoming.method} ${incoming.url} ${host} ${incoming.rawHeaders.length}>`);
  },
): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** What a program hears up to the end of this text. */
async function hear(program: Awaited<ReturnType<LocalProxy["program"]>>, end: string): Promise<string> {
  while (!program.text.endsWith(end)) {
    const before = program.length;
    await program.until(before + 1);
    if (program.length === before) throw new Error(`the end came first: ${program.text}`);
  }
  return program.text;
}

describe("CONNECT", () => {
  test("opens a tunnel to what it names, and carries what came with it", async () => {
    const port = await serve();
    const local = proxy();
    const program = await local.program(
      `CONNECT app.internal:${port} HTTP/1.1\r\nHost: app.internal:${port}\r\n\r\nGET /x HTTP/1.1\r\nHost: mine\r\n\r\n`,
    );
    const text = await hear(program, ">");
    expect(text).toStartWith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\n");
    expect(text).toEndWith("<GET /x mine 2>");
    expect(local.asked).toEqual([{ host: "app.internal", port }]);
  });

  test("takes IPv6 in brackets", async () => {
    const port = await serve();
    const local = proxy();
    const program = await local.program(`CONNECT [2001:db8::1]:${port} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await hear(program, "\r\n\r\n");
    expect(local.asked).toEqual([{ host: "2001:db8::1", port }]);
  });

  test.each(["a", "a:0", "a:99999", ":80", "a:b:80", "::1:80", "user@a:80", "http://a:80", "a b:80"])(
    "refuses the authority %p",
    async (authority) => {
      const local = proxy();
      const program = await local.program(`CONNECT ${authority} HTTP/1.1\r\nHost: a\r\n\r\n`);
      program.stream.end();
      expect(await program.untilEnd()).toStartWith("HTTP/1.1 400 ");
      expect(local.asked).toEqual([]);
    },
  );

  test.each<[Code, number]>([
    ["TARGET_DENIED", 403],
    ["FORBIDDEN", 403],
    ["TARGET_REFUSED", 502],
    ["NOT_FOUND", 502],
    ["GATEWAY_NOT_CONNECTED", 502],
    ["RESOURCE_SHORTAGE", 503],
    ["TARGET_TIMEOUT", 504],
    ["TIMEOUT", 504],
  ])("to what fails with %s answers %d and the sentence", async (code, status) => {
    const local = proxy({ failure: new SallyportError(code, "There is no way: do this.") });
    const program = await local.program("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
    const text = await hear(program, "]\n");
    expect(text).toStartWith(`HTTP/1.1 ${status} `);
    expect(text).toContain("sallyport: There is no way: do this. [");
    expect(local.errors).toHaveLength(1);
  });
});

describe("an absolute http address", () => {
  test("is fetched as a path, from several hosts over one connection", async () => {
    const [one, two] = [await serve(), await serve()];
    const local = proxy();
    const program = await local.program(
      `GET http://one:${one}/a?b=c HTTP/1.1\r\nHost: lies\r\nProxy-Connection: keep-alive\r\n\r\n` +
        `POST http://two:${two} HTTP/1.1\r\nHost: two\r\nContent-Length: 2\r\n\r\nhi` +
        `GET http://two:${two}?q HTTP/1.1\r\nHost: two\r\n\r\n`,
    );
    const text = await hear(program, `<GET /?q two:${two} 4>`);
    expect(text.match(/<.*?>/g)).toEqual([
      `<GET /a?b=c one:${one} 4>`,
      `<POST / two:${two} 6>`,
      `<GET /?q two:${two} 4>`,
    ]);
    // The second request to a host goes over the connection of the first.
    expect(local.asked.map(({ host }) => host)).toEqual(["one", "two"]);
  });

  test.each<[string, string]>([
    ["a path: this is a proxy", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
    ["https", "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["ftp", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a login in it", "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["no host in it", "GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["SOCKS5", "\u0005\u0001\u0000\r\n\r\n"],
  ])("%s is refused", async (_name, says) => {
    const local = proxy();
    const program = await local.program(says);
    program.stream.end();
    expect(await program.untilEnd()).toStartWith("HTTP/1.1 400 ");
    expect(local.asked).toEqual([]);
  });
});

describe("with a login", () => {
  const login = { username: "ann", password: "s3:cret" };
  const basic = (text: string) => `Proxy-Authorization: Basic ${Buffer.from(text).toString("base64")}\r\n`;

  test("who shows it gets through, and the target does not see it", async () => {
    const seen: (string | undefined)[] = [];
    const port = await serve((incoming, outgoing) => {
      seen.push(incoming.headers["proxy-authorization"]);
      outgoing.end("ok");
    });
    const program = await proxy({ login }).program(
      `GET http://a:${port}/ HTTP/1.1\r\nHost: a\r\n${basic("ann:s3:cret")}\r\n`,
    );
    await hear(program, "ok");
    expect(seen).toEqual([undefined]);
  });

  test.each([
    "",
    basic("ann:other"),
    basic("ann"),
    "Proxy-Authorization: Bearer x\r\n",
    basic("ann:s3:cret").repeat(2),
  ])("who shows %p is asked for it", async (header) => {
    const local = proxy({ login });
    for (const first of ["GET http://a/ HTTP/1.1", "CONNECT a:443 HTTP/1.1"]) {
      const program = await local.program(`${first}\r\nHost: a\r\n${header}\r\n`);
      const text = await hear(program, "]\n");
      expect(text).toStartWith("HTTP/1.1 407 ");
      expect(text).toContain('Proxy-Authenticate: Basic realm="sallyport"\r\n');
    }
    expect(local.asked).toEqual([]);
  });
});

test("B5 a program that does not finish its head is told and cut", async () => {
  const local = proxy({ greetingMs: 30 });
  const program = await local.program("CONNECT a:443 HT");
  expect(await program.untilEnd()).toStartWith("HTTP/1.1 408 ");
  program.stream.end();
  while (local.connections > 0) await Bun.sleep(1);
});
