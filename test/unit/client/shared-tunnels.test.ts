import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SharedTunnels } from "../../../src/client/shared-tunnels.ts";
import type { OpenedTunnel } from "../../../src/client/tunnel.ts";
import { ALPN } from "../../../src/tunnel/alpn.ts";
import { readLeaf } from "../../../src/tunnel/tls/own-identity.ts";
import { echo, Inbox } from "../../support/byte-stream.ts";
import { FakeTimers } from "../../support/fake-timers.ts";
import { openSockets, untilSocketsAre } from "../../support/open-sockets.ts";
import { RawTarget } from "../../support/raw-target.ts";
import { SharedPath } from "../../support/shared-path.ts";
import { TlsPath } from "../../support/tls-path.ts";
import { until } from "../../support/until.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let target: { host: string; port: number };
let echoes: RawTarget;

beforeAll(async () => {
  workspace = await Workspace.open("shared-tunnels");
  echoes = workspace.own(await RawTarget.open((socket) => void socket.pipe(socket)));
  target = { host: "127.0.0.1", port: echoes.port };
});
afterAll(() => workspace.close());

const openPath = (options: Parameters<typeof SharedPath.open>[1] = {}) =>
  SharedPath.open(workspace, { target, ...options });

/** Sends a text through it and gets it back. */
async function carries({ stream }: OpenedTunnel, text = "hello"): Promise<Inbox> {
  const inbox = new Inbox(stream);
  inbox.write(text);
  expect(await inbox.until(text.length)).toBe(text);
  return inbox;
}

async function ends(inbox: Inbox): Promise<void> {
  inbox.stream.end();
  expect(await inbox.closed).toBeNull();
}

const failure = (opening: Promise<unknown>) =>
  opening.then(
    () => {
      throw new Error("a tunnel was opened");
    },
    (error: unknown) => error,
  );

describe("tunnels with the same certificates", () => {
  test("opened at once, fifty of them, take one handshake", async () => {
    const path = await openPath();
    const credentials = await path.client();
    const opened = await Promise.all(Array.from({ length: 50 }, () => path.tunnels.open(credentials)));
    expect(path.passages).toHaveLength(1);
    expect(new Set(opened.map(({ alpn }) => alpn))).toEqual(new Set([ALPN.sallyportMux]));
    const inboxes = await Promise.all(opened.map((each, i) => carries(each, `number ${i}`)));
    expect(path.gateway.server.sessions).toBe(50);
    await Promise.all(inboxes.map(ends));
    await carries(await path.tunnels.open(credentials));
    expect(path.passages).toHaveLength(1);
  });

  test("beyond 128 get another session, and the first ones go on", async () => {
    const path = await openPath();
    const credentials = await path.client();
    const opened = await Promise.all(Array.from({ length: 200 }, () => path.tunnels.open(credentials)));
    expect(path.passages).toHaveLength(2);
    const inboxes = await Promise.all(opened.map((each, i) => carries(each, `number ${i}`)));
    await Promise.all(inboxes.map(ends));
    // The full one took no more, and has ended with its last tunnel.
    await until(() => path.gateway.server.connections === 1);
  });

  test("each have a session of their own where the gateway shares none", async () => {
    for (const alpn of [ALPN.sallyportTcp, ALPN.tcp]) {
      const path = workspace.own(await TlsPath.open({ alpns: [alpn], serve: ({ stream }) => echo(stream) }));
      const tunnels = workspace.own(new SharedTunnels());
      const credentials = await path.client();
      const opened = await Promise.all(Array.from({ length: 5 }, () => tunnels.open(credentials)));
      expect(opened.map((each) => each.alpn)).toEqual(Array.from({ length: 5 }, () => alpn));
      await Promise.all(opened.map((each) => carries(each)));
      expect(path.served).toHaveLength(5);
      await carries(await tunnels.open(credentials));
      expect(path.served).toHaveLength(6);
    }
  });

  test("share again as soon as a renewed certificate meets a gateway that does", async () => {
    const path = await openPath();
    const [first, renewed] = [await path.client(), await path.client()];
    const old = await carries(await path.tunnels.open(first));
    const next = await carries(await path.tunnels.open(renewed));
    expect(path.passages).toHaveLength(2);
    old.write("still");
    expect(await old.until(10)).toBe("hellostill");
    await ends(old);
    // The old session has no tunnel and gets none.
    await until(() => path.gateway.server.connections === 2);
    await ends(next);
    await carries(await path.tunnels.open(renewed));
    expect(path.passages).toHaveLength(2);
  });

  test("are never those of another target", async () => {
    const shouts = workspace.own(
      await RawTarget.open((socket) => socket.on("data", (bytes) => void socket.write(`${bytes}!`))),
    );
    const path = await openPath();
    const one = await path.client();
    const other = await path.client({ target: { host: "127.0.0.1", port: shouts.port } });
    const opened = await Promise.all([one, other, one, other].map((each) => path.tunnels.open(each)));
    const said = opened.map(({ stream }, i) => {
      const inbox = new Inbox(stream);
      inbox.write("x");
      return inbox.until(1 + (i % 2));
    });
    expect(await Promise.all(said)).toEqual(["x", "x!", "x", "x!"]);
  });

  test("that ends within seconds take one handshake each, and no more", async () => {
    const path = await openPath({ ttlSeconds: 8 });
    const credentials = await path.client();
    for (const count of [1, 2, 3]) {
      await ends(await carries(await path.tunnels.open(credentials)));
      expect(path.passages).toHaveLength(count);
    }
  });
});

describe("what happens to a session between two tunnels is not seen by who opens the next:", () => {
  test("the session was lost", async () => {
    const path = await openPath();
    const credentials = await path.client();
    const inbox = await carries(await path.tunnels.open(credentials));
    path.passages[0]?.cut();
    expect(await inbox.closed).toBeInstanceOf(Error);
    await carries(await path.tunnels.open(credentials));
    expect(path.passages).toHaveLength(2);
  });

  test("the session is lost while tunnels are being opened", async () => {
    const path = await openPath();
    const credentials = await path.client();
    await carries(await path.tunnels.open(credentials));
    const opening = Array.from({ length: 10 }, () => path.tunnels.open(credentials));
    path.passages[0]?.cut();
    await Promise.all((await Promise.all(opening)).map((each) => carries(each)));
    expect(path.passages).toHaveLength(2);
  });

  test("the relay was started again", async () => {
    const path = await openPath();
    const credentials = await path.client();
    await carries(await path.tunnels.open(credentials));
    path.away();
    expect(await failure(path.tunnels.open(credentials))).toMatchObject({ code: "RELAY_UNREACHABLE" });
    await path.listen();
    await carries(await path.tunnels.open(credentials));
  });

  test("the gateway's link to the relay is to end", async () => {
    const path = await openPath();
    const credentials = await path.client();
    const inbox = await carries(await path.tunnels.open(credentials));
    path.passages[0]?.retiring.abort();
    await Promise.all((await openMany(path, 10)).map((each) => carries(each)));
    expect(path.passages).toHaveLength(2);
    inbox.write("on");
    expect(await inbox.until(7)).toBe("helloon");
  });

  test("every link to the gateway is to end: it still serves", async () => {
    const path = await openPath();
    path.isRetiring = true;
    const opened = await openMany(path, 10);
    await Promise.all(opened.map((each) => carries(each)));
  });

  test("the way to the gateway swallows everything", async () => {
    const path = await openPath();
    const credentials = await path.client();
    await ends(await carries(await path.tunnels.open(credentials)));
    const [passage] = path.passages;
    if (passage) passage.silent = true;
    const opened = await Promise.all([path.tunnels.open(credentials), path.tunnels.open(credentials)]);
    await Promise.all(opened.map((each) => carries(each)));
    expect(path.passages).toHaveLength(2);
  });

  test("the same with a crowd, which is given up once", async () => {
    const timers = new FakeTimers();
    const path = await openPath({ timers });
    const credentials = await path.client();
    await ends(await carries(await path.tunnels.open(credentials)));
    const [passage] = path.passages;
    if (passage) passage.silent = true;
    const opening = Array.from({ length: 50 }, () => path.tunnels.open(credentials));
    await timers.advance(2000);
    const inboxes = await Promise.all((await Promise.all(opening)).map((each) => carries(each)));
    expect(path.passages).toHaveLength(2);
    // Signs of life and idleness of two sessions, and the end of the silent one.
    await until(() => timers.pending === 5);
    await Promise.all(inboxes.map(ends));
  });

  test("it was idle for long, and has ended", async () => {
    const timers = new FakeTimers();
    const path = await openPath({ timers });
    const credentials = await path.client();
    const inbox = await carries(await path.tunnels.open(credentials));
    await timers.advance(59_000);
    await ends(inbox);
    await timers.advance(59_000);
    expect(path.gateway.server.connections).toBe(1);
    await timers.advance(2000);
    await until(() => path.gateway.server.connections === 0);
    await carries(await path.tunnels.open(credentials));
    expect(path.passages).toHaveLength(2);
  });

  const openMany = async (path: SharedPath, count: number) => {
    const credentials = await path.client();
    return Promise.all(Array.from({ length: count }, () => path.tunnels.open(credentials)));
  };
});

describe("a refusal", () => {
  test("of the target is that tunnel's own, and nothing is tried again", async () => {
    const gone = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const closed = { host: "127.0.0.1", port: gone.port };
    gone.stop(true);
    for (const [wish, code] of [
      [{ target: closed }, "TARGET_REFUSED"],
      [{ target: { host: "192.0.2.1", port: 1 } }, "TARGET_DENIED"],
    ] as const) {
      const path = await openPath(wish);
      const credentials = await path.client();
      for (let i = 0; i < 3; i++) {
        expect(await failure(path.tunnels.open(credentials))).toMatchObject({ code });
      }
      expect(path.passages).toHaveLength(1);
      const opened = path.gateway.log.entries.filter(({ message }) => message === "Session opened");
      expect(opened).toHaveLength(3);
    }
  });

  test("for want of room at the gateway costs it no further handshake", async () => {
    const path = await openPath({ limits: { channels: 2 } });
    const credentials = await path.client();
    const first = await carries(await path.tunnels.open(credentials));
    expect(await failure(path.tunnels.open(credentials))).toMatchObject({ code: "RESOURCE_SHORTAGE" });
    expect(path.passages).toHaveLength(1);
    await ends(first);
    await until(() => path.gateway.server.connections === 1);
    await carries(await path.tunnels.open(credentials));
    expect(path.passages).toHaveLength(1);
  });

  test("because access was revoked is said as such, before and during a session", async () => {
    const path = await openPath();
    const credentials = await path.client();
    const inbox = await carries(await path.tunnels.open(credentials));
    path.gateway.server.endAccess(new Set([readLeaf(credentials.gateway.certificate).serial]));
    expect(await inbox.closed).toBeInstanceOf(Error);
    for (const handshakes of [2, 3]) {
      const opening = [path.tunnels.open(credentials), path.tunnels.open(credentials)];
      for (const each of await Promise.all(opening.map(failure))) {
        expect(String(each)).toMatch(/revoked/);
        expect(each).toMatchObject({ code: "SESSION_ENDED" });
      }
      expect(path.passages).toHaveLength(handshakes);
    }
  });

  test("of the certificate itself names the gateway", async () => {
    const path = await openPath();
    const credentials = await path.client();
    const { gateway: foreign } = await path.client({ gatewayId: "0b000000-0000-4000-8000-0000000000ff" });
    const posing = { ...credentials, gateway: { ...credentials.gateway, ...foreign } };
    expect(await failure(path.tunnels.open(posing))).toMatchObject({
      code: "CERTIFICATE_REFUSED",
      message: expect.stringMatching(/^The gateway .* says: .*another gateway/),
    });
    expect(path.passages).toHaveLength(1);
  });

  test("of the relay is told to all who wait, and the next one tries anew", async () => {
    const path = await openPath();
    const credentials = await path.client();
    path.away();
    const opening = Array.from({ length: 5 }, () => path.tunnels.open(credentials));
    for (const each of await Promise.all(opening.map(failure))) {
      expect(each).toMatchObject({ code: "RELAY_UNREACHABLE" });
    }
    await path.listen();
    await carries(await path.tunnels.open(credentials));
  });
});

describe("close", () => {
  test("ends idle sessions, leaves those in use to their tunnels, and no timer or socket", async () => {
    const timers = new FakeTimers();
    const path = await openPath({ timers });
    const credentials = await path.client();
    const before = openSockets();
    const inbox = await carries(await path.tunnels.open(credentials));
    void path.tunnels.close();
    void path.tunnels.close();
    expect(await failure(path.tunnels.open(credentials))).toMatchObject({ code: "DRAINING" });
    inbox.write(" again");
    expect(await inbox.until(11)).toBe("hello again");
    await ends(inbox);
    await until(() => path.gateway.server.connections === 0 && timers.pending === 0);
    await untilSocketsAre(before);
  });

  test("also ends the session that was being dialled", async () => {
    const timers = new FakeTimers();
    const path = await openPath({ timers });
    const credentials = await path.client();
    const before = openSockets();
    const opening = failure(path.tunnels.open(credentials));
    await until(() => path.passages.length === 1);
    void path.tunnels.close();
    expect(await opening).toMatchObject({ code: "DRAINING" });
    await until(() => path.gateway.server.connections === 0 && timers.pending === 0);
    await untilSocketsAre(before);
  });
});
