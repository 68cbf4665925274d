import { afterEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { parsePolicy } from "../../../src/gateway/target-policy.ts";
import { HttpTunnel } from "../../support/http-tunnel.ts";
import { until } from "../../support/until.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** What the target saw of a request. */
interface Seen {
  method: string;
  url: string;
  rawHeaders: string[];
  body: string;
}

/** A target that answers every request with what it saw of it. */
const echo: RequestListener = (incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    const { method = "", url = "", rawHeaders } = incoming;
    outgoing.setHeader("Content-Type", "application/json");
    outgoing.end(JSON.stringify({ method, url, rawHeaders, body: Buffer.concat(chunks).toString() }));
  });
};

async function serve(
  listener: RequestListener = echo,
): Promise<{ port: number; server: Server; connections(): number }> {
  let connections = 0;
  const server = createServer(listener).on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () => server.closeAllConnections(),
    () => void server.close(),
  );
  return { port: portOf(server), server, connections: () => connections };
}

function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address !== "object" || !address || !("port" in address)) throw new Error("not listening");
  return Number(address.port);
}

function tunnel(
  port: number,
  options: Partial<ConstructorParameters<typeof HttpTunnel>[0]> = {},
): HttpTunnel {
  const opened = new HttpTunnel({ target: { host: "127.0.0.1", port }, ...options });
  closers.push(() => opened.close());
  return opened;
}

const seenBy = (answer: { body: string }): Seen => JSON.parse(answer.body);

describe("requests", () => {
  test("many go through one tunnel and one connection to the target", async () => {
    const target = await serve();
    const client = tunnel(target.port).config();
    for (let i = 0; i < 20; i++) expect(seenBy(await client.call(`/r${i}?q=%20`)).url).toBe(`/r${i}?q=%20`);
    expect(target.connections()).toBe(1);
  });

  test("keep method, path, header spelling, order and repetition; Host is the target's", async () => {
    const target = await serve();
    const text = await tunnel(target.port)
      .config()
      .raw(
        "DELETE /a//b/../c HTTP/1.1\r\nhOST: elsewhere\r\nX-Two: 1\r\nx-one: b\r\nX-Two: 2\r\n\r\n",
        /\}$/,
      );
    const seen: Seen = JSON.parse(text.slice(text.indexOf("{")));
    expect(seen.method).toBe("DELETE");
    expect(seen.url).toBe("/a//b/../c");
    const kept = seen.rawHeaders.filter((_, at, all) => /^(host|x-)/i.test(all[at & ~1] ?? ""));
    expect(kept).toEqual(["Host", `127.0.0.1:${target.port}`, "X-Two", "1", "x-one", "b", "X-Two", "2"]);
  });

  test("hop-by-hop headers stay on their hop, in both directions", async () => {
    const target = await serve((_incoming, outgoing) => {
      outgoing.setHeader("Connection", "X-Answer-Hop, keep-alive");
      outgoing.setHeader("X-Answer-Hop", "1");
      outgoing.setHeader("X-Answer-End", "1");
      echo(_incoming, outgoing);
    });
    const headers = {
      Connection: "X-Hop, keep-alive",
      "X-Hop": "1",
      "X-End": "1",
      "Keep-Alive": "timeout=9",
      "Proxy-Authorization": "Basic x",
      TE: "trailers",
    };
    const answer = await tunnel(target.port).config().call("/", { headers });
    const names = seenBy(answer)
      .rawHeaders.filter((_, at) => at % 2 === 0)
      .map((name) => name.toLowerCase());
    expect(new Set(names)).toEqual(new Set(["connection", "host", "te", "x-end"]));
    expect(answer.headers["x-answer-end"]).toBe("1");
    expect(answer.headers["x-answer-hop"]).toBeUndefined();
  });

  test("a body goes up with a length or chunked, whatever the method", async () => {
    const { port } = await serve();
    const client = tunnel(port).config();
    const counted = seenBy(
      await client.call("/", { method: "POST", headers: { "Content-Length": 5 }, body: "hello" }),
    );
    expect(counted).toMatchObject({
      body: "hello",
      rawHeaders: expect.arrayContaining(["Content-Length", "5"]),
    });
    const headers = { "Transfer-Encoding": "chunked" };
    for (const method of ["POST", "DELETE", "GET"]) {
      const chunked = seenBy(await client.call("/", { method, headers, body: "hello" }));
      expect(chunked).toMatchObject({ method, body: "hello" });
      expect(chunked.rawHeaders).toContain("chunked");
    }
  });

  test("Expect: 100-continue is answered at once", async () => {
    const { port } = await serve();
    const client = tunnel(port).config();
    const head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    expect(await client.raw(head, /\r\n\r\n/)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    expect(await client.raw("ok", /\}$/)).toContain('"body":"ok"');
  });

  test("answers to pipelined requests come in order", async () => {
    const { port } = await serve((incoming, outgoing) => {
      setTimeout(() => outgoing.end(`<${incoming.url}>`), incoming.url === "/1" ? 30 : 0);
    });
    const requests = [1, 2, 3].map((n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join("");
    const text = await tunnel(port).config().raw(requests, /<\/3>/);
    expect(text.match(/<\/\d>/g)).toEqual(["</1>", "</2>", "</3>"]);
  });

  test("pipelined requests wait outside, and the target sees one at a time", async () => {
    let now = 0;
    let most = 0;
    let served = 0;
    const { port } = await serve((incoming, outgoing) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        served++;
        outgoing.end(`<${incoming.url}>`);
      }, 1);
    });
    const client = tunnel(port).config();
    const requests = Array.from({ length: 200 }, (_, n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join("");
    await client.raw(requests, /<\/199>/);
    expect([most, served]).toEqual([1, 200]);
    client.raw(Buffer.alloc(4 << 20, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"), /(?!)/).catch(() => {});
    await Bun.sleep(50);
    await until(() => client.clientEnd.queued > 3 << 20);
  });
});

describe("answers", () => {
  test("HEAD, 204 and 304 have no body and leave the connection usable", async () => {
    const { port } = await serve((incoming, outgoing) => {
      if (incoming.url === "/head") outgoing.setHeader("Content-Length", 777);
      if (incoming.url === "/304") outgoing.writeHead(304, { ETag: "x", "Content-Length": 55 });
      if (incoming.url === "/204") outgoing.writeHead(204);
      outgoing.end();
    });
    const client = tunnel(port).config();
    const head = await client.call("/head", { method: "HEAD" });
    expect([head.status, head.headers["content-length"], head.body]).toEqual([200, "777", ""]);
    expect(await client.call("/304")).toMatchObject({ status: 304, headers: { etag: "x" }, body: "" });
    expect(await client.call("/204")).toMatchObject({ status: 204, body: "" });
    expect((await client.call("/")).status).toBe(200);
  });

  test("a target that closes after each answer does not close the tunnel", async () => {
    const target = await serve((_incoming, outgoing) => {
      outgoing.setHeader("Connection", "close");
      outgoing.end("bye");
    });
    const client = tunnel(target.port).config();
    for (let i = 0; i < 3; i++) expect((await client.call("/")).body).toBe("bye");
    expect(target.connections()).toBe(3);
  });

  test("a kept connection that the target gives up is replaced for requests that may be repeated", async () => {
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections++;
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        socket.once("data", () => socket.resetAndDestroy());
      });
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    closers.push(() => void server.close());
    const client = tunnel(portOf(server)).config();
    expect((await client.call("/")).body).toBe("ok");
    expect((await client.call("/")).body).toBe("ok");
    expect((await client.call("/", { method: "DELETE" })).status).toBe(500);
    expect(connections).toBe(2);
  });

  test("heads go ahead of bodies, both ways: event streams, watches, slow uploads", async () => {
    const { port } = await serve((incoming, outgoing) => {
      outgoing.flushHeaders();
      incoming.pipe(outgoing);
    });
    const client = tunnel(port).config();
    const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(await client.raw(head, /\r\n\r\n$/)).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(await client.raw("2\r\nhi\r\n", /hi\r\n/)).toBe("2\r\nhi\r\n");
  });

  test("an HTTP/1.0 client gets its answer and the end", async () => {
    const { port } = await serve((_incoming, outgoing) => {
      outgoing.write("a");
      outgoing.end("b");
    });
    const text = await tunnel(port).config().raw("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).toEndWith("\r\n\r\nab");
  });

  test("an answer that breaks off breaks the tunnel off, so that nobody takes it for whole", async () => {
    const { port } = await serve((incoming, outgoing) => {
      outgoing.setHeader("Content-Length", 100);
      outgoing.write("half");
      setTimeout(() => incoming.socket.destroy(), 10);
    });
    const text = await tunnel(port).config().raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(text).toEndWith("half");
  });

  test("100 MB down and 50 MB up arrive unchanged", async () => {
    const block = Buffer.alloc(1 << 20, "abcdefg");
    const expected = createHash("sha256");
    for (let i = 0; i < 100; i++) expected.update(block);
    const { port } = await serve((incoming, outgoing) => {
      if (incoming.method === "POST") {
        const hash = createHash("sha256");
        incoming.on("data", (chunk: Buffer) => hash.update(chunk));
        incoming.on("end", () => outgoing.end(hash.digest("hex")));
        return;
      }
      let left = 100;
      const more = () => {
        while (left-- > 0) if (!outgoing.write(block)) return void outgoing.once("drain", more);
        outgoing.end();
      };
      more();
    });
    const client = tunnel(port).config();
    const down = createHash("sha256");
    for await (const chunk of await client.open("/")) down.update(chunk);
    expect(down.digest("hex")).toBe(expected.digest("hex"));
    const body = Buffer.alloc(50 << 20, "xyz");
    const up = await client.call("/", { method: "POST", body });
    expect(up.body).toBe(createHash("sha256").update(body).digest("hex"));
  });

  test("a client that does not read stops the target", async () => {
    let produced = 0;
    const { port } = await serve((_incoming, outgoing) => {
      const block = Buffer.alloc(1 << 16);
      const more = () => {
        if (outgoing.destroyed) return;
        produced += block.length;
        if (outgoing.write(block)) setImmediate(more);
        else outgoing.once("drain", more);
      };
      more();
    });
    const client = tunnel(port).config();
    await client.open("/");
    let before = -1;
    while (before !== produced) {
      before = produced;
      await Bun.sleep(100);
    }
    expect(produced).toBeLessThan(48 << 20);
    expect(client.gatewayEnd.queued).toBeLessThan(1 << 20);
  });

  test("a client that goes away ends the request at the target", async () => {
    const gone = Promise.withResolvers<void>();
    const { port } = await serve((_incoming, outgoing) => {
      outgoing.write("first");
      outgoing.on("close", gone.resolve);
    });
    const client = tunnel(port).config();
    await client.open("/");
    client.close();
    await gone.promise;
    expect((await client.result).error).not.toBeNull();
  });

  test("a tunnel that ends leaves no kept connection behind at the target", async () => {
    const { port, server } = await serve();
    const client = tunnel(port).config();
    await client.call("/");
    const open = () =>
      new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
    expect(await open()).toBe(1);
    client.close();
    while ((await open()) > 0) await Bun.sleep(1);
  });
});

describe("an Upgrade", () => {
  const handshake = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

  test("joins the two connections when the target agrees", async () => {
    const { port, server } = await serve();
    server.on("upgrade", (incoming, socket) => {
      const { host, upgrade, connection } = incoming.headers;
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
      socket.write(`${host} ${upgrade} ${connection}|`);
      socket.on("data", (chunk: Buffer) => socket.write(`echo:${chunk}|`));
      socket.on("end", () => socket.end("bye"));
    });
    const client = tunnel(port).config();
    const text = await client.raw(handshake, /\|/);
    expect(text).toStartWith("HTTP/1.1 101 Switching Protocols\r\n");
    expect(text).toEndWith(`\r\n\r\n127.0.0.1:${port} websocket Upgrade|`);
    expect(await client.raw("ping", /\|/)).toBe("echo:ping|");
    client.duplex.end();
    expect(await client.raw("", /bye/)).toBe("bye");
  });

  test("ends at the target when the client goes away", async () => {
    const { port, server } = await serve();
    const gone = Promise.withResolvers<void>();
    server.on("upgrade", (_incoming, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n|");
      socket
        .on("error", () => gone.resolve())
        .on("end", gone.resolve)
        .resume();
    });
    const client = tunnel(port).config();
    await client.raw(handshake, /\|/);
    client.close();
    await gone.promise;
  });

  test("that the target declines is answered, and the connection goes on", async () => {
    const { port } = await serve((incoming, outgoing) => {
      if (incoming.url === "/ws") outgoing.writeHead(403, { "X-Why": "no" });
      outgoing.end("declined");
    });
    const client = tunnel(port).config();
    const text = await client.raw(handshake, /0\r\n\r\n$/);
    expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(text).toContain("X-Why: no\r\n");
    expect(text).toContain("declined");
    expect(await client.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n", /declined/)).toStartWith("HTTP/1.1 200 OK");
  });
});

describe("failures are 500 with a message and a length", () => {
  test("of a target that is denied; the tunnel stays usable", async () => {
    const { port } = await serve();
    const policy = parsePolicy({ allow: ["10.9.9.9"], deny: [], gatewayName: "prod" });
    const client = tunnel(port, { policy }).config();
    for (const method of ["GET", "POST"]) {
      const answer = await client.call("/", {
        method,
        ...(method === "POST" && { body: "x".repeat(300_000) }),
      });
      expect(answer.status).toBe(500);
      expect(answer.headers["content-type"]).toBe("application/json");
      expect(answer.headers["content-length"]).toBe(String(answer.body.length));
      const { message } = JSON.parse(answer.body);
      expect(message).toStartWith("gateway: ");
      expect(message).toContain(`sallyport gateway start prod --allow 127.0.0.1:${port}`);
    }
  });

  test("B9 of a name that resolves to a denied address, at every connection", async () => {
    const target = await serve((_incoming, outgoing) =>
      outgoing.writeHead(200, { Connection: "close" }).end("ok"),
    );
    const addresses = ["127.0.0.1", "127.0.0.2"];
    const resolve = () => Promise.resolve([addresses.shift() ?? "127.0.0.2"]);
    const policy = parsePolicy({ allow: ["127.0.0.1"], deny: [] });
    const client = tunnel(target.port, {
      target: { host: "rebind.example", port: target.port },
      policy,
      resolve,
    });
    client.config();
    expect((await client.call("/")).status).toBe(200);
    expect(await client.call("/")).toMatchObject({ status: 500, body: expect.stringContaining("127.0.0.2") });
    expect(target.connections()).toBe(1);
  });

  test.each([
    ["127.0.0.1", /cannot connect/],
    ["no.such.host.invalid", /cannot resolve/],
    ["http://user@127.0.0.1", /no host that can be reached/],
    ["http://127.0.0.1/path", /no host that can be reached/],
    ["ftp://127.0.0.1", /no host that can be reached/],
    ["", /no host that can be reached/],
  ])("of a target %p that is not there", async (host, message) => {
    const { port, server } = await serve();
    await new Promise((resolve) => server.close(resolve));
    const answer = await tunnel(port, { target: { host, port } }).config().call("/");
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body).message).toMatch(message);
  });

  test("of a target that hangs up without an answer", async () => {
    const server = createTcpServer((socket) => socket.once("data", () => socket.destroy())).listen(
      0,
      "127.0.0.1",
    );
    await new Promise((resolve) => server.once("listening", resolve));
    closers.push(() => void server.close());
    expect((await tunnel(portOf(server)).config().call("/")).status).toBe(500);
  });

  test("of a CONFIG line that can't be used, once, then the end", async () => {
    const text = await tunnel(1).config("CONFIG ca=!").raw("");
    expect(text).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/);
    expect(text).toMatch(/\{"message":"gateway: The CONFIG line's ca= .*"\}$/);
    const long = tunnel(1);
    expect(await long.raw(Buffer.alloc(100_000, "a"))).toMatch(/longer than 64 KiB/);
    long.duplex.end();
    expect((await long.result).error).toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("what two parsers could read differently is refused", () => {
  test.each<[string, string]>([
    [
      "both lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"],
    [
      "the same length twice",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    ],
    ["a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"],
    ["a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello"],
    ["an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
    [
      "a coding before chunked",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ],
    [
      "chunked not last",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ],
    [
      "chunked twice",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    [
      "a space before the colon",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a folded header", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"],
    ["a bare line feed", "GET / HTTP/1.1\nHost: a\n\n"],
    ["a NUL", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"],
    ["a bare CR", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rX-Y: b\r\n\r\n"],
    ["two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
    ["another host in the request line", "GET http://169.254.169.254/ HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["CONNECT", "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a path without a slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["33 KiB of headers", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(33 * 1024)}\r\n\r\n`],
    ["no HTTP at all", "\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("%s", async (_name, request) => {
    let reached = 0;
    const { port } = await serve((_incoming, outgoing) => {
      reached++;
      outgoing.end();
    });
    const text = await tunnel(port)
      .config()
      .raw(request, /\r\n\r\n/);
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d |^$/);
    expect(reached).toBe(0);
  });

  test.each<[string, string]>([
    ["a chunk size with a prefix", "0x5\r\nhello\r\n0\r\n\r\n"],
    ["a negative chunk size", "-1\r\nhello\r\n0\r\n\r\n"],
    ["a chunk size that overflows", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"],
    ["a chunk longer than it says", "5\r\nhello!\r\n0\r\n\r\n"],
    ["a bare line feed after the size", "5\nhello\r\n0\r\n\r\n"],
  ])("%s ends the tunnel, and the target never sees a whole request", async (_name, body) => {
    let whole = 0;
    const { port } = await serve((incoming, outgoing) => {
      incoming
        .on("error", () => outgoing.destroy())
        .on("end", () => whole++)
        .resume();
    });
    const client = tunnel(port).config();
    const text = await client.raw(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    expect(text).not.toContain(" 200 ");
    client.duplex.end();
    await client.result;
    expect(whole).toBe(0);
  });
});
