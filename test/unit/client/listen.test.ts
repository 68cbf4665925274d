import { afterEach, describe, expect, test } from "bun:test";
import { type LocalPortOptions, listenLocal } from "../../../src/client/listen.ts";
import type { LocalPort } from "../../../src/client/local-server.ts";
import type { OpenedTunnel } from "../../../src/client/tunnel.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { ALPN } from "../../../src/tunnel/alpn.ts";
import { echo, Inbox } from "../../support/byte-stream.ts";
import { openSockets, untilSocketsAre } from "../../support/open-sockets.ts";
import { type MemoryStream, streamPair } from "../../support/stream-pair.ts";
import { connectTcp } from "../../support/tcp-pair.ts";

const open = new Set<LocalPort>();
const inboxes: Inbox[] = [];
afterEach(async () => {
  for (const { stream } of inboxes.splice(0)) stream.destroy();
  await Promise.all([...open].map((port) => port.close()));
  open.clear();
});

async function listen(options: Partial<LocalPortOptions>): Promise<LocalPort> {
  const port = await listenLocal({
    hostname: "127.0.0.1",
    port: 0,
    open: () => Promise.reject(new Error("no tunnel in this test")),
    log: silentLogger,
    ...options,
  });
  open.add(port);
  return port;
}

/** A program that connects to a local port. */
async function connect(port: number): Promise<Inbox> {
  const inbox = new Inbox(await connectTcp(port));
  inboxes.push(inbox);
  return inbox;
}

function tunnel(alpn: string = ALPN.sallyportTcp): { opened: OpenedTunnel; far: MemoryStream } {
  const [near, far] = streamPair();
  return { opened: { stream: near, alpn, gatewaySerial: "1", connectMs: 1 }, far };
}

/** A port whose tunnels lead to `far`, one after the other. */
async function toFarEnds(alpn?: string) {
  const fars: MemoryStream[] = [];
  const local = await listen({
    open: async () => {
      const { opened, far } = tunnel(alpn);
      fars.push(far);
      return opened;
    },
  });
  const next = async () => {
    const known = fars.length;
    const inbox = await connect(local.port);
    while (fars.length === known) await Bun.sleep(1);
    const far = fars[known];
    if (!far) throw new Error("no tunnel was opened");
    return { inbox, far };
  };
  return { local, next };
}

describe("a local connection", () => {
  test("has a tunnel of its own", async () => {
    const { local, next } = await toFarEnds();
    const [first, second] = [await next(), await next()];
    echo(first.far);
    echo(second.far);
    first.inbox.write("one");
    second.inbox.write("two");
    expect(await first.inbox.until(3)).toBe("one");
    expect(await second.inbox.until(3)).toBe("two");
    expect(local.connections()).toBe(2);
  });

  test("may send before its tunnel is open", async () => {
    const wait = Promise.withResolvers<OpenedTunnel>();
    const local = await listen({ open: () => wait.promise });
    const inbox = await connect(local.port);
    inbox.write("early");
    await Bun.sleep(10);
    const { opened, far } = tunnel();
    wait.resolve(opened);
    expect(await new Inbox(far).until(5)).toBe("early");
  });

  test("half-closes both ways", async () => {
    const { next } = await toFarEnds();
    const { inbox, far } = await next();
    const target = new Inbox(far);
    inbox.write("question");
    inbox.stream.end();
    expect(await target.untilEnd()).toBe("question");
    target.write("answer");
    far.end();
    expect(await inbox.untilEnd()).toBe("answer");
    expect(await inbox.closed).toBeNull();
  });

  test("PROTOCOL 0.5 towards Infisical's gateway its end is held back until the far side has ended", async () => {
    const { next } = await toFarEnds(ALPN.tcp);
    const { inbox, far } = await next();
    let ended = false;
    const target = new Inbox(far);
    void target.untilEnd().then(() => (ended = true));
    inbox.write("question");
    inbox.stream.end();
    expect(await target.until(8)).toBe("question");
    await Bun.sleep(30);
    expect(ended).toBe(false);
    target.write("answer");
    far.end();
    expect(await inbox.untilEnd()).toBe("answer");
    await target.untilEnd();
    expect(await inbox.closed).toBeNull();
  });

  test("that is reset takes its tunnel down", async () => {
    const { next } = await toFarEnds();
    const { inbox, far } = await next();
    const target = new Inbox(far);
    target.write("unread");
    inbox.stream.destroy();
    expect(await target.closed).toBeInstanceOf(Error);
  });
});

describe("a failure", () => {
  test("to open is reported with its code, and the local connection is closed", async () => {
    const errors: SallyportError[] = [];
    const local = await listen({
      open: () => Promise.reject(new SallyportError("TARGET_DENIED", "No.")),
      onError: (error) => errors.push(error),
    });
    await (await connect(local.port)).untilEnd();
    expect(errors.map(({ code }) => code)).toEqual(["TARGET_DENIED"]);
    while (local.connections() > 0) await Bun.sleep(1);
  });

  test("of a running tunnel is reported, and the local connection is closed", async () => {
    const errors: SallyportError[] = [];
    const { opened, far } = tunnel();
    const local = await listen({ open: async () => opened, onError: (error) => errors.push(error) });
    const inbox = await connect(local.port);
    inbox.write("x");
    await new Inbox(far).until(1);
    far.destroy();
    await inbox.untilEnd();
    while (local.connections() > 0) await Bun.sleep(1);
    expect(errors).toMatchObject([{ code: "TLS_FAILED", message: expect.stringContaining("broke") }]);
  });

  test("of the local program is nobody's error", async () => {
    const errors: SallyportError[] = [];
    const { opened, far } = tunnel();
    const local = await listen({ open: async () => opened, onError: (error) => errors.push(error) });
    const inbox = await connect(local.port);
    const target = new Inbox(far);
    target.write("unread");
    inbox.stream.destroy();
    await target.closed;
    while (local.connections() > 0) await Bun.sleep(1);
    expect(errors).toEqual([]);
  });

  test("of a connection that went away before its tunnel opened closes the tunnel", async () => {
    const wait = Promise.withResolvers<OpenedTunnel>();
    const local = await listen({ open: () => wait.promise });
    const inbox = await connect(local.port);
    inbox.write("x");
    await Bun.sleep(10);
    inbox.stream.destroy();
    await Bun.sleep(10);
    const { opened, far } = tunnel();
    wait.resolve(opened);
    const target = new Inbox(far);
    await target.untilEnd();
    far.end();
    await target.closed;
  });
});

test("more than 256 tunnels opening at once are refused, and the others are not", async () => {
  const errors: SallyportError[] = [];
  const opening: ((reason: Error) => void)[] = [];
  const local = await listen({
    open: () => new Promise((_resolve, reject) => opening.push(reject)),
    onError: (error) => errors.push(error),
  });
  const before = openSockets();
  const programs = await Promise.all(Array.from({ length: 260 }, () => connect(local.port)));
  let ended = 0;
  for (const inbox of programs) void inbox.untilEnd().then(() => ended++);
  while (ended < 4) await Bun.sleep(5);
  expect(opening).toHaveLength(256);
  expect(errors.map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => "RESOURCE_SHORTAGE"));
  for (const { stream } of programs) stream.destroy();
  for (const reject of opening) reject(new Error("enough"));
  await untilSocketsAre(before);
});

describe("close", () => {
  test("lets what runs come to its end, and takes no more", async () => {
    const { local, next } = await toFarEnds();
    const { inbox, far } = await next();
    const target = new Inbox(far);
    inbox.write("last words");
    const closed = local.close();
    await expect(connectTcp(local.port)).rejects.toThrow();
    inbox.stream.end();
    expect(await target.untilEnd()).toBe("last words");
    far.end();
    await closed;
    await local.close();
    expect(local.connections()).toBe(0);
  });

  test("a port that is taken is said so", async () => {
    const { local } = await toFarEnds();
    await expect(listen({ port: local.port })).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });
});
