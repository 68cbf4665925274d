import { afterEach, describe, expect, test } from "bun:test";
import { dialTarget } from "../../../src/gateway/target-dial.ts";
import { parsePolicy } from "../../../src/gateway/target-policy.ts";
import { type Resolver, resolveTarget } from "../../../src/gateway/target-resolve.ts";
import type { ByteStream } from "../../../src/tunnel/stream.ts";

const loopback = parsePolicy({ allow: ["localhost", "10.0.0.0/8", "192.0.2.0/24"], deny: [] });
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A listener that greets with its own name. */
function listen(greeting: string, hostname = "127.0.0.1", port = 0): number {
  const server = Bun.listen({
    hostname,
    port,
    socket: {
      open: (socket) => void socket.end(greeting),
      data() {},
    },
  });
  closers.push(() => server.stop(true));
  return server.port;
}

function readAll(stream: ByteStream): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    stream.attach({
      data(chunk) {
        text += chunk.toString();
        stream.consumed(chunk.length);
      },
      end: () => stream.end(),
      written() {},
      closed: () => resolve(text),
    });
  });
}

const answers =
  (...addresses: string[]): Resolver =>
  () =>
    Promise.resolve(addresses);

test("a target is dialled and its bytes arrive", async () => {
  const port = listen("hello");
  expect(await readAll(await dialTarget({ host: "127.0.0.1", port }, loopback))).toBe("hello");
});

test("localhost is this machine, in every spelling", async () => {
  const port = listen("hello");
  for (const host of ["localhost", "localhost.", "LocalHost"]) {
    expect(await readAll(await dialTarget({ host, port }, loopback))).toBe("hello");
  }
  const answer = await resolveTarget({ host: "localhost", port: 5432 }, loopback);
  expect(answer).toEqual(["127.0.0.1", "::1"]);
});

test("the next address is tried when one refuses", async () => {
  const port = listen("second", "127.0.0.1");
  const resolve = answers("::1", "127.0.0.1");
  expect(await readAll(await dialTarget({ host: "db", port }, loopback, { resolve }))).toBe("second");
});

test("IPv6 and IPv4 are tried in turn, the resolver's first choice first", async () => {
  const asked: string[] = [];
  const policy = parsePolicy({ allow: ["127.0.0.0/8", "::1"], deny: [] });
  const port = listen("last", "127.0.0.4");
  const recording = {
    decide(host: string, to: number, address: string) {
      asked.push(address);
      return policy.decide(host, to, address);
    },
  };
  const resolve = answers("::1", "127.0.0.3", "127.0.0.4", "127.0.0.3");
  expect(await readAll(await dialTarget({ host: "db", port }, recording, { resolve }))).toBe("last");
  expect(asked).toEqual(["::1", "127.0.0.3", "127.0.0.4"]);
});

describe("B9 the decision is made on the address that is dialled", () => {
  const open = parsePolicy({ allow: [], deny: [] });
  test.each([
    "127.0.0.1",
    "localhost",
    "localhost.",
    "2130706433",
    "0177.0.0.1",
    "127.1",
    "[::ffff:127.0.0.1]",
  ])("%s is refused while loopback is not allowed", async (host) => {
    const port = listen("secret");
    await expect(dialTarget({ host, port }, open)).rejects.toMatchObject({ code: "TARGET_DENIED" });
    expect(await readAll(await dialTarget({ host, port }, loopback))).toBe("secret");
  });

  test.each(["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "::1 fe80::1", "64:ff9b::7f00:1"])(
    "a name that resolves to %s is refused",
    async (addresses) => {
      const dialled = dialTarget({ host: "innocent.example", port: 80 }, open, {
        resolve: answers(...addresses.split(" ")),
      });
      await expect(dialled).rejects.toMatchObject({ code: "TARGET_DENIED" });
    },
  );

  test("an answer that changes between check and dial makes no difference", async () => {
    const port = listen("first", "127.0.0.1");
    listen("other", "127.0.0.2", port);
    const policy = parsePolicy({ allow: ["127.0.0.1"], deny: [] });
    let asked = 0;
    const resolve: Resolver = () => Promise.resolve([asked++ === 0 ? "127.0.0.1" : "127.0.0.2"]);
    expect(await readAll(await dialTarget({ host: "rebind.example", port }, policy, { resolve }))).toBe(
      "first",
    );
    expect(asked).toBe(1);
    await expect(dialTarget({ host: "rebind.example", port }, policy, { resolve })).rejects.toMatchObject({
      code: "TARGET_DENIED",
    });
  });

  test("of several addresses only the allowed ones are dialled", async () => {
    const port = listen("allowed", "127.0.0.2");
    listen("denied", "127.0.0.1", port);
    const policy = parsePolicy({ allow: ["127.0.0.2"], deny: [] });
    const resolve = answers("127.0.0.1", "127.0.0.2");
    expect(await readAll(await dialTarget({ host: "db", port }, policy, { resolve }))).toBe("allowed");
  });

  test("the refusal prints the command for the gateway's owner", async () => {
    const policy = parsePolicy({ allow: ["10.9.9.9"], deny: [], gatewayName: "prod" });
    const dialled = dialTarget({ host: "10.0.0.5", port: 5432 }, policy);
    await expect(dialled).rejects.toThrow("sallyport gateway start prod --allow 10.0.0.5:5432");
  });
});

test("a closed port is TARGET_REFUSED", async () => {
  const port = listen("gone");
  closers.pop()?.();
  await expect(dialTarget({ host: "127.0.0.1", port }, loopback)).rejects.toMatchObject({
    code: "TARGET_REFUSED",
  });
});

test.each([
  "",
  "no.such.host.invalid",
  "a b",
  "https://db",
  "db:5432",
  "x".repeat(300),
  "fe80::1%lo",
  "a..b",
])("%p is TARGET_UNRESOLVED", async (host) => {
  const dialled = dialTarget({ host, port: 80 }, loopback);
  await expect(dialled).rejects.toMatchObject({ code: "TARGET_UNRESOLVED" });
});

test("a name without addresses, and port 0, are TARGET_UNRESOLVED", async () => {
  const none = dialTarget({ host: "db", port: 80 }, loopback, { resolve: answers() });
  await expect(none).rejects.toMatchObject({ code: "TARGET_UNRESOLVED" });
  await expect(dialTarget({ host: "10.0.0.1", port: 0 }, loopback)).rejects.toMatchObject({
    code: "TARGET_UNRESOLVED",
  });
});

test("a resolver that does not answer is given up", async () => {
  const resolve: Resolver = () => new Promise(() => {});
  const dialled = dialTarget({ host: "db", port: 80 }, loopback, { resolve, timeoutMs: 30 });
  await expect(dialled).rejects.toMatchObject({ code: "TARGET_UNRESOLVED" });
});

describe("with a target that drops packets", () => {
  /** Linux drops the SYN when the accept queue is full: nobody accepts here, and the queue holds one. */
  async function blackHole(): Promise<number> {
    const script =
      "import socket,sys\ns=socket.socket();s.bind(('127.0.0.1',0));s.listen(0)\nprint(s.getsockname()[1],flush=True)\nsys.stdin.read()";
    const process = Bun.spawn(["python3", "-c", script], { stdin: "pipe", stdout: "pipe" });
    const { value } = await process.stdout.getReader().read();
    const port = Number(new TextDecoder().decode(value));
    const filler = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    closers.push(
      () => filler.terminate(),
      () => void process.kill(),
    );
    return port;
  }

  test("the dial is TARGET_TIMEOUT, and the next address still gets its share of the time", async () => {
    const port = await blackHole();
    const alone = dialTarget({ host: "127.0.0.1", port }, loopback, { timeoutMs: 50 });
    await expect(alone).rejects.toMatchObject({ code: "TARGET_TIMEOUT" });
    listen("alive", "::1", port);
    const resolve = answers("127.0.0.1", "::1");
    const both = await dialTarget({ host: "db", port }, loopback, { resolve, timeoutMs: 4000 });
    expect(await readAll(both)).toBe("alive");
  });

  test("an abort ends the dial at once", async () => {
    const port = await blackHole();
    const abort = new AbortController();
    const dialled = dialTarget({ host: "127.0.0.1", port }, loopback, { signal: abort.signal });
    abort.abort();
    await expect(dialled).rejects.toMatchObject({ code: "SESSION_ENDED" });
    const again = dialTarget({ host: "127.0.0.1", port }, loopback, { signal: abort.signal });
    await expect(again).rejects.toMatchObject({ code: "SESSION_ENDED" });
  });
});
