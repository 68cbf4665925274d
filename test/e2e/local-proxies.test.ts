import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { type Network, startNetwork } from "../support/network.ts";
import { runProcess, runProduct, startProduct } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(60_000);

let workspace: Workspace;
let network: Network;
let target: number;

beforeAll(async () => {
  workspace = await Workspace.open("e2e");
  const server = Bun.serve<undefined, never>({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request, self): Response | undefined {
      return self.upgrade(request, { data: undefined }) ? undefined : new Response("private page");
    },
    websocket: { message: (socket, message) => void socket.send(`echo ${message}`) },
  });
  workspace.defer(() => void server.stop(true));
  target = server.port ?? 0;
  network = await startNetwork(workspace, { build: "binary" });
});
afterAll(() => workspace.close());

const LISTENING = z.object({ socks5: z.string(), httpProxy: z.string() });

test("connect --pki is a SOCKS5 and an HTTP proxy for the certificate's target, and for no other", async () => {
  const directory = await network.clientDirectory(`127.0.0.1:${target}`);
  const login = await workspace.file("login", "ann:s3cret\n");
  const product = { home: workspace.path, build: "binary" } as const;
  const flags = ["--socks5", "0", "--http-proxy", "0", "--proxy-login-file", login, "--json"];
  const proxy = workspace.own(startProduct(["connect", "--pki", directory, ...flags], product));
  const { socks5, httpProxy } = LISTENING.parse(await proxy.waitForJson());
  for (const way of [`socks5h://ann:s3cret@${socks5}`, `http://ann:s3cret@${httpProxy}`]) {
    const own = await runProcess(["curl", "-sS", "-x", way, `http://127.0.0.1:${target}/`]);
    expect(own.stdout + own.stderr).toBe("private page");
    const other = await runProcess(["curl", "-sSf", "-x", way, `http://127.0.0.1:${target + 1}/`]);
    expect(other.exitCode).not.toBe(0);
    await proxy.waitForLog(`leads to 127.0.0.1:${target} only, not to 127.0.0.1:${target + 1}`);
    const stranger = await runProcess([
      "curl",
      "-sSf",
      "-x",
      way.replace("s3cret", "guess"),
      `http://127.0.0.1:${target}/`,
    ]);
    expect(stranger.exitCode).not.toBe(0);
  }
  proxy.signal("SIGTERM");
  expect(await proxy.exited).toBe(0);
});

test.each<[string, string[]]>([
  ["an address that other machines reach, without --open-to-network", ["--socks5", "0.0.0.0:0"]],
  ["the same as an HTTP proxy", ["--http-proxy", "[::]:0"]],
  ["a target of its own", ["--socks5", "0", "--gateway", "g", "--target", "a:1"]],
  ["a resource of its own", ["shop", "--socks5", "0"]],
  ["a port to forward", ["--socks5", "0", "--listen", "127.0.0.1:0"]],
])("a proxy with %s exits with 2", async (_name, flags) => {
  const { exitCode, stderr } = await runProduct(["connect", ...flags], {
    home: workspace.path,
    build: "source",
  });
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("USAGE")]);
});

test("a WebSocket goes through HTTP mode, both ways, and ends", async () => {
  const { port } = await network.forward(`127.0.0.1:${target}`, "--mode", "http");
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const messages: string[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => socket.send("one");
    socket.onmessage = ({ data }) => {
      messages.push(String(data));
      if (messages.length < 3) socket.send(`${messages.length}`);
      else socket.close(1000);
    };
    socket.onclose = ({ code }) => (code === 1000 ? resolve() : reject(new Error(`closed with ${code}`)));
  });
  expect(messages).toEqual(["echo one", "echo 1", "echo 2"]);
});
