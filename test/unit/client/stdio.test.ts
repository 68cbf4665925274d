import { afterEach, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { ALPN } from "../../../src/tunnel/alpn.ts";

const CHILD = join(import.meta.dir, "../../support/stdio-child.ts");
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function target(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return z.object({ port: z.number() }).parse(server.address()).port;
}

function start(port: number, alpn: string = ALPN.sallyportTcp) {
  return Bun.spawn([process.execPath, CHILD, String(port), alpn], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
}

test("stdin goes to the target, the answer to stdout, and the process ends when the far side has", async () => {
  const child = start(await target((socket) => socket.once("data", (chunk) => socket.end(`got ${chunk}`))));
  child.stdin.write("hello");
  await child.stdin.flush();
  expect(await new Response(child.stdout).text()).toBe("got hello");
  expect(await child.exited).toBe(0);
});

test("the end of stdin reaches the target, and its answer still comes", async () => {
  const port = await target((socket) => {
    let length = 0;
    socket.on("data", (chunk) => (length += chunk.length));
    socket.on("end", () => socket.end(`${length} bytes`));
  });
  const child = start(port);
  child.stdin.write("x".repeat(300_000));
  child.stdin.end();
  expect(await new Response(child.stdout).text()).toBe("300000 bytes");
  expect(await child.exited).toBe(0);
});

test("PROTOCOL 0.5 towards Infisical's gateway the end of stdin is held back", async () => {
  let ended = false;
  const port = await target((socket) => {
    socket.on("end", () => (ended = true));
    socket.once("data", () => setTimeout(() => socket.end(ended ? "too early" : "in time"), 100));
  });
  const child = start(port, ALPN.tcp);
  child.stdin.write("x");
  child.stdin.end();
  expect(await new Response(child.stdout).text()).toBe("in time");
  expect(await child.exited).toBe(0);
});

test("32 MiB to a slow reader of stdout arrive whole", async () => {
  const blocks = Array.from({ length: 32 }, () => randomBytes(1024 * 1024));
  const hash = createHash("sha256");
  for (const block of blocks) hash.update(block);
  const child = start(
    await target((socket) => {
      for (const block of blocks) socket.write(block);
      socket.end();
    }),
  );
  const received = createHash("sha256");
  for await (const chunk of child.stdout) {
    received.update(chunk);
    await Bun.sleep(0);
  }
  expect(received.digest("hex")).toBe(hash.digest("hex"));
  expect(await child.exited).toBe(0);
});

test("a tunnel that breaks ends the process with its error", async () => {
  const child = start(await target((socket) => socket.once("data", () => socket.resetAndDestroy())));
  child.stdin.write("x");
  await child.stdin.flush();
  expect(await child.exited).toBe(1);
  expect(await new Response(child.stderr).text()).toContain("The tunnel broke");
});

test("SIGHUP, by which ssh ends its ProxyCommand, ends the tunnel in order", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const port = await target((socket) => {
    socket.write("ready");
    socket.on("end", () => {
      resolve();
      socket.end();
    });
    socket.resume();
  });
  const child = start(port);
  await child.stdout.getReader().read();
  child.kill("SIGHUP");
  await ended;
  expect(await child.exited).toBe(0);
});
