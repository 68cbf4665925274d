import { describe, expect, test } from "bun:test";
import { RelaySession } from "../../../src/relay/session.ts";

function open(peerIdent = "SSH-2.0-Go"): { session: RelaySession; said: string[] } {
  const said: string[] = [];
  const link = {
    remoteAddress: "192.0.2.1",
    peerIdent,
    notify: (name: string) => said.push(name),
    openChannel: () => Promise.reject(new Error("not used")),
    disconnect: (reason: number, text: string) => said.push(`${reason} ${text}`),
  };
  const identity = {
    gatewayId: "g",
    gatewayName: undefined,
    orgId: undefined,
    generation: 0,
    serial: 1n,
    expiresAt: 0,
  };
  return { session: new RelaySession(link, identity, new Date()), said };
}

describe("a session that retires", () => {
  test("says why at once when it carries nothing", async () => {
    const { session, said } = open();
    await session.retire("replaced", 60_000);
    expect(said).toEqual(["11 replaced"]);
  });

  test("lets its tunnels end first", async () => {
    const { session, said } = open();
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const tunnels = [session.during(() => first.promise), session.during(() => second.promise)];
    const over = session.retire("draining", 60_000);
    expect(session.channels).toBe(2);
    first.resolve();
    await tunnels[0];
    expect(said).toEqual([]);
    second.resolve();
    await over;
    expect(said).toEqual(["11 draining"]);
  });

  test("tells a gateway of ours once, so that nobody opens tunnels in it for ever, and no other", async () => {
    for (const [peer, words] of [
      ["SSH-2.0-Sallyport_1", ["retire@sallyport", "11 replaced"]],
      ["SSH-2.0-Go", ["11 replaced"]],
    ] as const) {
      const { session, said } = open(peer);
      const tunnel = Promise.withResolvers<void>();
      void session.during(() => tunnel.promise);
      void session.retire("replaced");
      const over = session.retire("certificate expired");
      expect(said).toEqual(words.slice(0, -1));
      tunnel.resolve();
      await over;
      expect(said).toEqual([...words]);
    }
  });

  test("waits no longer than its grace", async () => {
    const { session, said } = open();
    void session.during(() => new Promise(() => {}));
    await session.retire("replaced", 5);
    expect(said).toEqual(["11 replaced"]);
  });

  test("counts a tunnel that fails as ended", async () => {
    const { session, said } = open();
    const broken = Promise.withResolvers<void>();
    const tunnel = session.during(() => broken.promise);
    const over = session.retire("replaced", 60_000);
    broken.reject(new Error("broken"));
    await expect(tunnel).rejects.toThrow("broken");
    await over;
    expect(said).toEqual(["11 replaced"]);
  });

  test("says nothing more once the gateway is gone", async () => {
    const { session, said } = open();
    void session.during(() => new Promise(() => {}));
    const over = session.retire("draining", 60_000);
    session.ended();
    await over;
    session.cut("revoked");
    expect(said).toEqual([]);
  });

  test("is cut at once when it is revoked meanwhile", async () => {
    const { session, said } = open();
    void session.during(() => new Promise(() => {}));
    const over = session.retire("draining", 60_000);
    session.cut("revoked");
    session.cut("revoked");
    await over;
    expect(said).toEqual(["11 revoked"]);
  });
});

describe("a session whose relay is about to stop", () => {
  test("F8 says so to a gateway of ours, and to no other, which would not know what to do", () => {
    const ours = open("SSH-2.0-Sallyport_1");
    expect(ours.session.advise()).toBe(true);
    expect(ours.said).toEqual(["drain@sallyport"]);
    const foreign = open("SSH-2.0-Go");
    expect(foreign.session.advise()).toBe(false);
    expect(foreign.said).toEqual([]);
  });

  test("says nothing when it is over", () => {
    const { session, said } = open("SSH-2.0-Sallyport_1");
    session.cut("revoked");
    expect(session.advise()).toBe(false);
    expect(said).toEqual(["11 revoked"]);
  });
});
