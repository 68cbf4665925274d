import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket, UnixSocketListener } from "bun";
import { SocketStream, streamEvents } from "../../../../src/tunnel/socket.ts";
import { Bridge } from "../../../../src/tunnel/tls/bridge.ts";
import { HandOver } from "../../../../src/tunnel/tls/hand-over.ts";
import { Inbox } from "../../../support/byte-stream.ts";
import { streamPair } from "../../../support/stream-pair.ts";

const directory = mkdtempSync(join(tmpdir(), "hand-over-"));
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
  expect(readdirSync(directory)).toEqual([]);
});
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

/**
 * A hand-over whose accepted sockets answer every text with the name of the bridge that they were taken for.
 * `strangers` are sockets that belong to none.
 */
function open(listenAgain: () => void = () => {}) {
  const names = new Map<Bridge, string>();
  const strangers: Socket<SocketStream | undefined>[] = [];
  let count = 0;
  const listen = (): UnixSocketListener<unknown> => {
    if (count++ > 0) listenAgain();
    return Bun.listen<SocketStream | undefined>({
      unix: join(directory, `${count}.sock`),
      allowHalfOpen: true,
      socket: {
        ...streamEvents,
        open(socket) {
          const bridge = handOver.accepted();
          if (!bridge) {
            strangers.push(socket);
            return socket.terminate();
          }
          const stream = new SocketStream();
          socket.data = stream;
          stream.open(socket);
          stream.attach({
            data(chunk) {
              stream.consumed(chunk.length);
              stream.write(Buffer.from(`${chunk} for ${names.get(bridge)};`));
            },
            end: () => stream.end(),
            written() {},
            closed() {},
          });
        },
      },
    });
  };
  const handOver = new HandOver({ listen, timeoutMs: 300 });
  closers.push(() => handOver.close());
  const add = (name: string): Inbox => {
    const [near, far] = streamPair();
    const bridge = new Bridge(far);
    names.set(bridge, name);
    const inbox = new Inbox(near);
    inbox.write(name);
    handOver.add(bridge);
    closers.push(() => near.destroy());
    return inbox;
  };
  return { handOver, add, strangers };
}

async function answered(inbox: Inbox, name: string): Promise<boolean> {
  const expected = `${name} for ${name};`;
  return (await inbox.until(expected.length)) === expected;
}

test("every bridge gets the connection that was made for it", async () => {
  const { add } = open();
  const names = Array.from({ length: 200 }, (_, i) => `bridge ${i}`);
  const answers = await Promise.all(names.map((name) => answered(add(name), name)));
  expect(answers).not.toContain(false);
});

test("a bridge that is closed while it waits takes nobody else's connection", async () => {
  const { add } = open();
  const inboxes = ["a", "b", "c", "d"].map((name) => ({ name, inbox: add(name) }));
  inboxes[0]?.inbox.stream.destroy();
  inboxes[2]?.inbox.stream.destroy();
  for (const { name, inbox } of [inboxes[1], inboxes[3]].filter((each) => each !== undefined)) {
    expect(await answered(inbox, name)).toBe(true);
  }
});

describe("a connection that cannot be made", () => {
  test("fails its own bridge only: the listener is replaced and the others go on", async () => {
    const { handOver, add } = open();
    rmSync(handOver.listener.unix);
    const [lost, next] = [add("lost"), add("next")];
    expect(await lost.closed).toBeInstanceOf(Error);
    expect(lost.text).toBe("");
    expect(await answered(next, "next")).toBe(true);
  });

  test("fails those that wait when no new listener can be opened, and later ones are tried again", async () => {
    let full = true;
    const { handOver, add } = open(() => {
      if (full) throw new Error("EMFILE");
    });
    rmSync(handOver.listener.unix);
    const lost = [add("one"), add("two")];
    for (const inbox of lost) expect(await inbox.closed).toBeInstanceOf(Error);
    full = false;
    expect(await add("three").closed).toBeInstanceOf(Error);
    expect(await answered(add("four"), "four")).toBe(true);
  });
});

test("a stranger's connection is turned away and takes nobody's place", async () => {
  const { handOver, add, strangers } = open();
  const stranger = await Bun.connect({ unix: handOver.listener.unix, socket: { data() {}, close() {} } });
  while (strangers.length === 0) await Bun.sleep(1);
  stranger.terminate();
  expect(await answered(add("mine"), "mine")).toBe(true);
});

test("close drops those that wait, and what comes later", async () => {
  const { handOver, add } = open();
  const waiting = [add("one"), add("two")];
  handOver.close();
  const late = add("late");
  for (const inbox of [...waiting, late]) expect(await inbox.closed).toBeInstanceOf(Error);
});
