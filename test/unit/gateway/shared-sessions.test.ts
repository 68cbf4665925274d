import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SharedSessions } from "../../../src/gateway/shared-sessions.ts";
import type { Revocations } from "../../../src/pki/credentials.ts";
import { SshWriter } from "../../../src/pki/ssh-wire.ts";
import type { ConnectionRecord } from "../../../src/platform-client/connections.ts";
import { createInstruments } from "../../../src/telemetry/instruments.ts";
import { openMux, STREAM } from "../../../src/tunnel/mux/connection.ts";
import type { Connection } from "../../../src/tunnel/ssh/connection.ts";
import { WindowBudget } from "../../../src/tunnel/ssh/window.ts";
import type { ByteStream } from "../../../src/tunnel/stream.ts";
import { readLeaf } from "../../../src/tunnel/tls/own-identity.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeTimers, turns } from "../../support/fake-timers.ts";
import { GatewayEnd, type GatewayEndOptions } from "../../support/gateway-end.ts";
import { tlsPair } from "../../support/mux-pair.ts";
import { SharedClient, type SharedClientOptions } from "../../support/shared-client.ts";
import { StreamProbe } from "../../support/stream-probe.ts";
import { GATEWAY_ID, OTHER_GATEWAY_ID, testPki } from "../../support/test-pki.ts";
import { until } from "../../support/until.ts";
import { upperCaseTarget } from "../../support/upper-case-target.ts";
import { Workspace } from "../../support/workspace.ts";

const EMPTY = Buffer.alloc(0);
let workspace: Workspace;
let target: { host: string; port: number };

beforeAll(async () => {
  workspace = await Workspace.open("shared-sessions");
  target = upperCaseTarget(workspace);
});
afterAll(() => workspace.close());

const gatewayEnd = (options: GatewayEndOptions = {}) => GatewayEnd.open(workspace, options);
const dial = (gateway: GatewayEnd, options: SharedClientOptions = {}) =>
  SharedClient.dial(workspace, gateway, { target, ...options });
const identityOf = async () => (await (await testPki()).client({ target })).gateway;
const revoke = (o: { serials?: string[]; gatewayIds?: string[] }): Revocations => ({
  serials: new Set(o.serials),
  gatewayIds: new Set(o.gatewayIds),
});

describe("each tunnel of a shared session", () => {
  test("has its own status line, target connection, log lines and account", async () => {
    const records: ConnectionRecord[] = [];
    const accounting = { instance: crypto.randomUUID(), add: (each: ConnectionRecord) => records.push(each) };
    const instruments = createInstruments();
    const gateway = await gatewayEnd({ accounting, instruments });
    const client = await dial(gateway);
    expect([gateway.server.connections, gateway.server.sessions]).toEqual([1, 0]);

    const tunnels = await Promise.all([client.tunnel(), client.tunnel(), client.tunnel()]);
    await Promise.all(tunnels.map((tunnel) => tunnel.until(/OK\n/)));
    expect([gateway.server.connections, gateway.server.sessions]).toEqual([4, 3]);
    expect(instruments.connections.totals()).toMatchObject({ open: 3, total: 3 });
    const texts = await Promise.all(tunnels.map((tunnel, i) => tunnel.send("a".repeat(i + 1)).rest()));
    expect(texts).toEqual(["OK\nA", "OK\nAA", "OK\nAAA"]);

    await gateway.log.next("Session closed", 2);
    const closed = records.filter((record) => record.closed !== undefined);
    expect(new Set(closed.map(({ id }) => id)).size).toBe(3);
    expect(closed.map((record) => record.closed?.bytesUp ?? 0).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    expect(closed.map((record) => record.closed?.bytesDown ?? 0).toSorted((a, b) => a - b)).toEqual([
      1, 2, 3,
    ]);
    expect(closed.map((record) => record.closed?.cause)).toEqual(["ENDED", "ENDED", "ENDED"]);
    await until(() => gateway.server.connections === 1);
    expect(gateway.server.sessions).toBe(0);
    expect(instruments.connections.totals()).toMatchObject({ open: 0, total: 3, bytesUp: 6, bytesDown: 6 });
    client.connection.disconnect(11, "done");
    await until(() => gateway.server.connections === 0);
  });

  test("that was asked for together with the end of the handshake is served", async () => {
    const { client, server } = await tlsPair();
    const connection = openMux(client.stream, { role: "client", budget: new WindowBudget() });
    const opening = connection.openChannel(STREAM, EMPTY);
    await turns();
    const tunnels: ByteStream[] = [];
    const sessions = new SharedSessions({
      budget: new WindowBudget(),
      onTunnel: (stream) => void tunnels.push(stream),
    });
    sessions.accept(server.stream, server.peer, undefined);
    await opening;
    expect(tunnels).toHaveLength(1);
    connection.disconnect(11, "done");
  });

  test("is refused on its own when its target is", async () => {
    const gateway = await gatewayEnd({ allow: ["db.example"] });
    const client = await dial(gateway);
    for (const nth of [0, 1]) {
      expect(await (await client.tunnel()).rest()).toMatch(/^ERR TARGET_DENIED /);
      expect(await gateway.log.next("Session closed", nth)).toMatchObject({ cause: "TARGET_DENIED" });
    }
    expect(client.end).toBeUndefined();
  });

  test("counts against --limit channels, and room comes back", async () => {
    const gateway = await gatewayEnd({ limits: { channels: 3 } });
    const client = await dial(gateway);
    const [first, second] = [await client.tunnel(), await client.tunnel()];
    await Promise.all([first.until(/OK/), second.until(/OK/)]);
    expect(await (await client.tunnel()).rest()).toMatch(/^ERR RESOURCE_SHORTAGE /);
    expect(await second.send("go on").rest()).toBe("OK\nGO ON");
    await until(() => gateway.server.connections === 2);
    expect(await (await client.tunnel()).rest()).toBe("OK\n");
    await first.rest();
  });

  test("leads where the certificate says, whatever is asked for", async () => {
    const gateway = await gatewayEnd();
    const client = await dial(gateway);
    const elsewhere = new SshWriter().string("192.0.2.1").uint32(22).string("127.0.0.1").uint32(1).toBuffer();
    const stream = await client.connection.openChannel(STREAM, elsewhere);
    const probe = new StreamProbe(stream, "keep");
    stream.write(Buffer.from("where"));
    stream.end();
    await probe.closed;
    expect(probe.text).toBe("OK\nWHERE");
    expect(await gateway.log.next("Session opened")).toMatchObject({
      target: `${target.host}:${target.port}`,
    });
  });

  test("of another type than ours is refused", async () => {
    const gateway = await gatewayEnd();
    const client = await dial(gateway);
    const opening = client.connection.openChannel("direct-tcpip", EMPTY);
    expect(await opening.catch((error: unknown) => error)).toMatchObject({ reason: 3 });
    expect(await (await client.tunnel()).rest()).toBe("OK\n");
    expect(gateway.server.connections).toBeLessThanOrEqual(2);
  });

  test("that is lost with its client is a lost connection, not a failure of TLS", async () => {
    const gateway = await gatewayEnd();
    const client = await dial(gateway);
    await (await client.tunnel()).until(/OK/);
    client.line.destroy(new Error("gone"));
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "CONNECTION_LOST" });
    await until(() => gateway.server.connections === 0);
  });
});

describe("the right to a tunnel is looked at when it is opened", () => {
  test("a certificate that has expired since the handshake opens nothing", async () => {
    const clock = new FakeClock(Date.now());
    const gateway = await gatewayEnd({ clock });
    const identity = await identityOf();
    const client = await dial(gateway, { identity });
    const early = await client.tunnel();
    await early.until(/OK/);
    clock.jump(readLeaf(identity.certificate).notAfter.getTime() - clock.now());
    expect(await (await client.tunnel()).rest()).toMatch(/^ERR SESSION_ENDED /);
    expect(await early.send("as before").rest()).toBe("OK\nAS BEFORE");
  });

  test("X10 a grant cuts the tunnels at its end, and opens no other", async () => {
    const clock = new FakeClock(Date.now());
    const gateway = await gatewayEnd({ clock });
    const sessionEndsAt = new Date(Date.now() + 3_600_000).toISOString();
    const client = await dial(gateway, { grant: { grantId: "g-1", sessionEndsAt } });
    const tunnels = await Promise.all([client.tunnel(), client.tunnel()]);
    await Promise.all(tunnels.map((tunnel) => tunnel.until(/OK/)));
    await clock.advance(3_620_000);
    for (const tunnel of tunnels) expect(await tunnel.closed).toBeInstanceOf(Error);
    expect(await gateway.log.next("Session closed", 1)).toMatchObject({ cause: "SESSION_ENDED" });
    expect(await (await client.tunnel()).rest()).toMatch(/^ERR SESSION_ENDED /);
  });

  test.each([
    [
      "a reload that shows it",
      async (gateway: GatewayEnd, serial: string) => {
        gateway.credentials = { ...gateway.credentials, revocations: revoke({ serials: [serial] }) };
        await gateway.server.reload();
      },
    ],
    [
      "X4 the platform's word",
      (gateway: GatewayEnd, serial: string) => gateway.server.endAccess(new Set([serial])),
    ],
  ])(
    "access that is over by %s: its session and tunnels are cut and refused, others go on",
    async (_, end) => {
      const gateway = await gatewayEnd();
      const identity = await identityOf();
      const serial = readLeaf(identity.certificate).serial;
      const doomed = await dial(gateway, { identity });
      const spared = await dial(gateway);
      const tunnels = [await doomed.tunnel(), await doomed.tunnel()];
      const other = await spared.tunnel();
      await Promise.all([...tunnels, other].map((tunnel) => tunnel.until(/OK/)));

      await end(gateway, serial);
      for (const tunnel of tunnels) expect(await tunnel.closed).toBeInstanceOf(Error);
      expect(await doomed.closed).toMatchObject({
        code: "SESSION_ENDED",
        message: expect.stringContaining("revoked"),
      });
      for (const nth of [0, 1]) {
        expect(await gateway.log.next("Session closed", nth)).toMatchObject({
          cause: "SESSION_ENDED",
          serial,
        });
      }
      expect(await doomed.refusal()).toMatchObject({ code: "SESSION_ENDED" });
      const again = await dial(gateway, { identity });
      expect(await again.refusal()).toMatchObject({ code: "SESSION_ENDED" });
      expect(await other.send("still").rest()).toBe("OK\nSTILL");
      expect(await (await spared.tunnel()).rest()).toBe("OK\n");
      spared.connection.disconnect(11, "done");
      await until(() => gateway.server.connections === 0);
    },
  );

  test("an idle session of a certificate that is revoked is closed, too", async () => {
    const gateway = await gatewayEnd();
    const identity = await identityOf();
    const client = await dial(gateway, { identity });
    gateway.server.endAccess(new Set([readLeaf(identity.certificate).serial]));
    expect(await client.closed).toMatchObject({ code: "SESSION_ENDED" });
  });

  test("the revocation of the gateway itself ends everything", async () => {
    const gateway = await gatewayEnd();
    const client = await dial(gateway);
    await (await client.tunnel()).until(/OK/);
    gateway.credentials = { ...gateway.credentials, revocations: revoke({ gatewayIds: [GATEWAY_ID] }) };
    await gateway.server.reload();
    expect(await client.closed).toMatchObject({ code: "SESSION_ENDED" });
    expect(await (await dial(gateway)).refusal()).toMatchObject({ code: "SESSION_ENDED" });
  });

  test("cut ends every session, and new ones may come", async () => {
    const gateway = await gatewayEnd();
    const clients = [await dial(gateway), await dial(gateway)];
    const tunnel = await clients[0]?.tunnel();
    await tunnel?.until(/OK/);
    gateway.server.cut();
    for (const client of clients) expect(await client.closed).toMatchObject({ code: "SESSION_ENDED" });
    expect(await tunnel?.closed).toBeInstanceOf(Error);
    expect(await (await (await dial(gateway)).tunnel()).rest()).toBe("OK\n");
  });

  test("a tunnel whose target has not answered when its access ends is refused", async () => {
    const gateway = await gatewayEnd({ resolve: () => new Promise(() => {}) });
    const client = await dial(gateway, { target: { host: "slow.example", port: 1 } });
    const tunnel = await client.tunnel();
    const { serial } = await gateway.log.next("Session opened");
    gateway.server.endAccess(new Set([String(serial)]));
    expect(await client.closed).toMatchObject({ code: "SESSION_ENDED" });
    await tunnel.closed;
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "SESSION_ENDED" });
  });
});

describe("a session that is refused before it begins is told why", () => {
  test("a certificate made for another gateway", async () => {
    const gateway = await gatewayEnd();
    gateway.credentials = { ...gateway.credentials, gatewayId: OTHER_GATEWAY_ID };
    expect(await (await dial(gateway)).refusal()).toMatchObject({
      code: "CERTIFICATE_REFUSED",
      message: expect.stringContaining("another gateway"),
    });
  });

  test("an authority that the gateway does not know, in words or by an alert", async () => {
    const gateway = await gatewayEnd();
    const { gateway: foreign } = await (await testPki("other-organisation")).client({ target });
    const { serverAuthorities } = (await (await testPki()).client()).gateway;
    const client = await dial(gateway, { identity: { ...foreign, serverAuthorities } });
    expect(await client.refusal()).toMatchObject({ code: "CERTIFICATE_REFUSED" });
    await until(() => gateway.server.connections === 0);
  });

  test("a grant that has ended", async () => {
    const gateway = await gatewayEnd();
    const grant = { grantId: "g-1", sessionEndsAt: new Date(Date.now() - 1000).toISOString() };
    expect(await (await dial(gateway, { grant })).refusal()).toMatchObject({ code: "SESSION_ENDED" });
  });
});

describe("a gateway that drains", () => {
  test("opens no more tunnels, and waits for those it has", async () => {
    const gateway = await gatewayEnd();
    const [busy, idle] = [await dial(gateway), await dial(gateway)];
    const tunnel = await busy.tunnel();
    await tunnel.until(/OK/);
    const drained = gateway.server.drain(60_000);
    expect(await idle.closed).toMatchObject({ code: "DRAINING" });
    expect(await busy.refusal()).toMatchObject({ code: "RESOURCE_SHORTAGE" });
    expect(await tunnel.send("last").rest()).toBe("OK\nLAST");
    await drained;
    expect(await busy.closed).toMatchObject({ code: "DRAINING" });
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "ENDED" });
    await until(() => gateway.server.connections === 0);
  });

  test("cuts what is left after the grace, and says so", async () => {
    const clock = new FakeClock(Date.now());
    const gateway = await gatewayEnd({ clock });
    const client = await dial(gateway);
    await (await client.tunnel()).until(/OK/);
    const drained = gateway.server.drain(30_000);
    await clock.advance(30_000);
    await drained;
    expect(await client.closed).toMatchObject({ code: "DRAINING" });
    expect(await gateway.log.next("Session closed")).toMatchObject({ cause: "DRAINING" });
  });

  test("at once, when it closes, may be told so twice", async () => {
    const gateway = await gatewayEnd();
    const client = await dial(gateway);
    await (await client.tunnel()).until(/OK/);
    gateway.server.close();
    gateway.server.close();
    expect(await client.closed).toMatchObject({ code: "DRAINING" });
    await until(() => gateway.server.connections === 0);
  });
});

describe("a connection that should end", () => {
  test("ends its idle sessions at once, a busy one with its last tunnel, and others go on", async () => {
    const gateway = await gatewayEnd();
    const retiring = new AbortController();
    const { signal } = retiring;
    const [idle, busy] = [
      await dial(gateway, { retiring: signal }),
      await dial(gateway, { retiring: signal }),
    ];
    const other = await dial(gateway);
    const tunnels = [await busy.tunnel(), await busy.tunnel()];
    await Promise.all(tunnels.map((tunnel) => tunnel.until(/OK/)));
    retiring.abort();
    expect(await idle.closed).toMatchObject({ code: "DRAINING" });
    expect(await busy.refusal()).toMatchObject({ code: "RESOURCE_SHORTAGE" });
    for (const tunnel of tunnels) {
      expect(busy.end).toBeUndefined();
      expect(await tunnel.send("x").rest()).toBe("OK\nX");
    }
    expect(await busy.closed).toMatchObject({ code: "DRAINING" });
    expect(await (await other.tunnel()).rest()).toBe("OK\n");
  });

  test("still serves who comes late", async () => {
    const gateway = await gatewayEnd();
    const late = await dial(gateway, { retiring: AbortSignal.abort() });
    expect(await (await late.tunnel()).send("x").rest()).toBe("OK\nX");
  });

  test("leaves no timer behind when who came late is gone", async () => {
    const { timers, sessions, connection } = await sessionsWithTimers(AbortSignal.abort());
    connection.disconnect(11, "done");
    await until(() => sessions.size === 0 && timers.pending === 0);
  });

  test("serves who came late for 5 s and no longer", async () => {
    const scene = await sessionsWithTimers(AbortSignal.abort());
    const probe = new StreamProbe(await scene.connection.openChannel(STREAM, EMPTY));
    await scene.timers.advance(5000);
    const refused = await scene.connection.openChannel(STREAM, EMPTY).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "RESOURCE_SHORTAGE" });
    probe.stream.end();
    scene.tunnels[0]?.end();
    await probe.closed;
    await until(() => scene.sessions.size === 0 && scene.timers.pending === 0);
  });
});

describe("a session without tunnels", () => {
  test("is closed after five to ten minutes, and leaves nothing behind", async () => {
    const { timers, sessions, connection } = await sessionsWithTimers();
    let ended = false;
    connection.onClosed(() => (ended = true));
    await timers.advance(299_000);
    expect(ended).toBe(false);
    await timers.advance(301_000);
    await until(() => ended);
    expect(sessions.size).toBe(0);
    await until(() => timers.pending === 0);
  });

  test("is not, as long as there is one now and then, or for long", async () => {
    const { timers, sessions, connection, tunnels } = await sessionsWithTimers();
    for (let i = 0; i < 4; i++) {
      await timers.advance(299_000);
      const probe = new StreamProbe(await connection.openChannel(STREAM, EMPTY));
      await until(() => tunnels.length === i + 1);
      tunnels[i]?.destroy();
      await probe.closed;
    }
    const kept = new StreamProbe(await connection.openChannel(STREAM, EMPTY));
    await timers.advance(3_600_000);
    expect(sessions.size).toBe(1);
    kept.stream.destroy();
    connection.disconnect(11, "done");
  });
});

interface Scene {
  timers: FakeTimers;
  sessions: SharedSessions;
  connection: Connection;
  /** The gateway's ends. */
  tunnels: ByteStream[];
}

/** A gateway's sessions and a client of theirs, in time that the test makes. */
async function sessionsWithTimers(retiring?: AbortSignal): Promise<Scene> {
  const timers = new FakeTimers();
  const { client, server } = await tlsPair();
  const tunnels: ByteStream[] = [];
  const sessions = new SharedSessions({
    budget: new WindowBudget(),
    timers,
    onTunnel(stream) {
      tunnels.push(stream);
      stream.attach({ data() {}, end() {}, written() {}, closed() {} });
    },
  });
  sessions.accept(server.stream, server.peer, retiring);
  const connection = openMux(client.stream, { role: "client", budget: new WindowBudget(), timers });
  return { timers, sessions, connection, tunnels };
}
