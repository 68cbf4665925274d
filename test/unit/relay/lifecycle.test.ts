import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import type { SallyportError } from "../../../src/telemetry/error.ts";
import type { SshConnection } from "../../../src/tunnel/ssh/connection.ts";
import type { Inbox } from "../../support/byte-stream.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import {
  dialAsClient,
  dialAsGateway,
  type LabGateway,
  type LabRelay,
  RelayLab,
  revocations,
  startLabRelay,
} from "../../support/relay.ts";
import { until } from "../../support/until.ts";

let lab: RelayLab;
let lastRelay: LabRelay | undefined;
const sessions: SshConnection[] = [];

beforeAll(async () => {
  lab = await RelayLab.create();
});

afterEach(() => {
  for (const session of sessions.splice(0)) session.disconnect(11, "test over");
  lastRelay?.relay.close();
  lastRelay = undefined;
});

async function start(options: Parameters<typeof startLabRelay>[1] = {}): Promise<LabRelay> {
  lastRelay = await startLabRelay(await lab.relayCredentials(), options);
  return lastRelay;
}

async function connect(
  { relay }: LabRelay,
  gateway: LabGateway,
): Promise<{ over: Promise<SallyportError | null> }> {
  const session = await dialAsGateway(relay, gateway);
  sessions.push(session);
  return { over: new Promise((resolve) => session.onClosed(resolve)) };
}

/** An open tunnel. */
async function tunnel({ relay }: LabRelay, gatewayId: string): Promise<Inbox & { serial: string }> {
  const client = await lab.client(gatewayId);
  const inbox = await dialAsClient(relay, client);
  expect(await inbox.until(3)).toBe("OK\n");
  return Object.assign(inbox, { serial: client.serial });
}

async function revoke(running: LabRelay, revoked: Parameters<typeof revocations>[0]): Promise<void> {
  running.source.change({ ...running.source.credentials, revocations: revocations(revoked) });
  await until(() => running.source.loads === 2);
}

describe("revoking", () => {
  test("O2 a gateway ends its session and its tunnels at once", async () => {
    const running = await start();
    const [bad, good] = [await lab.gateway(), await lab.gateway()];
    const { over } = await connect(running, bad);
    await connect(running, good);
    const cut = await tunnel(running, bad.gatewayId);
    const kept = await tunnel(running, good.gatewayId);
    await revoke(running, { gatewayIds: [bad.gatewayId] });
    expect(String(await over)).toContain("revoked");
    expect(await cut.untilEnd()).toBe("OK\n");
    kept.write("hi");
    expect(await kept.until(5)).toBe("OK\nhi");
    expect(running.relay.sessions()).toMatchObject([{ gatewayId: good.gatewayId }]);
    await expect(dialAsGateway(running.relay, bad)).rejects.toMatchObject({
      code: "SSH_AUTHENTICATION_FAILED",
    });
    // Its neighbours behind the same address are not concerned.
    await connect(running, await lab.gateway());
    kept.stream.destroy();
  });

  test("O2 an SSH certificate ends the session that was opened with it, not the gateway's later ones", async () => {
    const running = await start();
    const stolen = await lab.gateway();
    const { over } = await connect(running, stolen);
    await revoke(running, { serials: [`ssh:${stolen.serial}`] });
    expect(String(await over)).toContain("revoked");
    const { gatewayId } = stolen;
    await connect(running, await lab.gateway({ gatewayId }));
    (await tunnel(running, gatewayId)).stream.destroy();
  });

  test("O2 a client's certificate ends its connection, and no other one", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    await connect(running, gateway);
    const bad = await tunnel(running, gateway.gatewayId);
    const good = await tunnel(running, gateway.gatewayId);
    await revoke(running, { serials: [bad.serial] });
    expect(await bad.untilEnd()).toBe("OK\n");
    good.write("hi");
    expect(await good.until(5)).toBe("OK\nhi");
    expect(running.log.filter(({ cause }) => cause === "SESSION_ENDED")).toHaveLength(1);
    good.stream.destroy();
  });
});

describe("renewing", () => {
  test("F6 new credentials are shown to new peers, and nothing is dropped", async () => {
    const running = await start();
    const gateway = await lab.gateway();
    await connect(running, gateway);
    const before = await tunnel(running, gateway.gatewayId);
    running.source.change(await lab.relayCredentials());
    await until(() => running.source.loads === 2);
    const after = await tunnel(running, gateway.gatewayId);
    before.write("hi");
    expect(await before.until(5)).toBe("OK\nhi");
    await connect(running, await lab.gateway());
    expect(running.relay.sessions()).toHaveLength(2);
    for (const inbox of [before, after]) inbox.stream.destroy();
  });
});

describe("a session whose user certificate expires", () => {
  test("takes no new tunnel, and ends with its last one", async () => {
    const clock = new FakeClock(Date.now());
    const running = await start({ clock, limits: { drainMs: 60_000 } });
    const gateway = await lab.gateway({ ttlSeconds: 3_600 });
    const { over } = await connect(running, gateway);
    const open = await tunnel(running, gateway.gatewayId);
    await clock.advance(3_599_000);
    expect(running.relay.sessions()).toHaveLength(1);
    await clock.advance(6_000);
    expect(running.relay.sessions()).toEqual([]);
    open.write("hi");
    expect(await open.until(5)).toBe("OK\nhi");
    open.stream.end();
    expect(String(await over)).toContain("certificate expired");
  });

  test("F4 is ended also when the clock jumps over its end", async () => {
    const clock = new FakeClock(Date.now());
    const running = await start({ clock });
    const { over } = await connect(running, await lab.gateway({ ttlSeconds: 3_600 }));
    clock.jump(2 * 3_600_000);
    await clock.advance(5_000);
    expect(String(await over)).toContain("certificate expired");
  });
});

describe("draining", () => {
  test("F8 idle gateways are sent away at once, busy ones when their tunnels have ended", async () => {
    const running = await start({ limits: { adviceMs: 0 } });
    const [idle, busy] = [await lab.gateway(), await lab.gateway()];
    const first = await connect(running, idle);
    const second = await connect(running, busy);
    const open = await tunnel(running, busy.gatewayId);
    let drained = false;
    const draining = running.relay.drain(60_000).then(() => {
      drained = true;
    });
    expect(String(await first.over)).toContain("draining");
    open.write("hi");
    expect(await open.until(5)).toBe("OK\nhi");
    expect(drained).toBe(false);
    open.stream.end();
    expect(await open.closed).toBeNull();
    await draining;
    expect(String(await second.over)).toContain("draining");
    expect(running.source.closed).toBe(true);
  });

  test("F8 newcomers are told meanwhile", async () => {
    const running = await start({ limits: { adviceMs: 0 } });
    const gateway = await lab.gateway();
    await connect(running, gateway);
    const open = await tunnel(running, gateway.gatewayId);
    const draining = running.relay.drain(60_000);
    const refused = await dialAsClient(running.relay, await lab.client(gateway.gatewayId));
    expect(await refused.untilEnd()).toMatch(/^ERR DRAINING .+\n$/);
    await expect(dialAsGateway(running.relay, await lab.gateway())).rejects.toThrow();
    open.stream.end();
    await draining;
  });

  test("O4 lasts no longer than its grace", async () => {
    const running = await start({ limits: { adviceMs: 0 } });
    const gateway = await lab.gateway();
    await connect(running, gateway);
    const open = await tunnel(running, gateway.gatewayId);
    await running.relay.drain(10);
    await open.untilEnd();
    await expect(dialAsClient(running.relay, await lab.client(gateway.gatewayId))).rejects.toThrow();
  });

  test("F8 gateways are advised first; meanwhile new clients are served as ever, new gateways are not taken", async () => {
    const running = await start({ limits: { adviceMs: 3000 } });
    const gateway = await lab.gateway();
    const advice: string[] = [];
    const session = await dialAsGateway(running.relay, gateway, undefined, (name) => advice.push(name));
    sessions.push(session);
    const over = new Promise((resolve) => session.onClosed(resolve));
    const draining = running.relay.drain(60_000);
    await until(() => advice.length > 0);
    expect(advice).toEqual(["drain@sallyport"]);
    const late = await tunnel(running, gateway.gatewayId);
    await expect(dialAsGateway(running.relay, await lab.gateway())).rejects.toThrow();
    late.write("hi");
    expect(await late.until(5)).toBe("OK\nhi");
    late.stream.end();
    expect(String(await over)).toContain("draining");
    await draining;
  });

  test("F8 a client whose gateway has moved already is sent to another relay", async () => {
    const running = await start({ limits: { adviceMs: 60_000 } });
    const gateway = await lab.gateway();
    const other = await lab.gateway();
    const { over } = await connect(running, gateway);
    await connect(running, other);
    const draining = running.relay.drain(200_000);
    sessions[0]?.disconnect(11, "moved");
    await over;
    await until(() => running.relay.sessions().length === 1);
    const refused = await dialAsClient(running.relay, await lab.client(gateway.gatewayId));
    expect(await refused.untilEnd()).toMatch(/^ERR DRAINING .+\n$/);
    sessions[1]?.disconnect(11, "moved too");
    await draining;
  });

  test("F8 nobody waits for gateways that would not understand, or where there is none", async () => {
    const running = await start({ limits: { adviceMs: 60_000 } });
    await running.relay.drain(200_000);
    expect(running.source.closed).toBe(true);
  });
});

test("F12 gateways and clients that come and go leave nothing behind", async () => {
  const running = await start();
  const gateway = await lab.gateway();
  const flap = async () => {
    const { over } = await connect(running, gateway);
    (await tunnel(running, gateway.gatewayId)).stream.destroy();
    sessions.pop()?.disconnect(11, "flap");
    await over;
    await until(() => running.relay.sessions().length === 0);
  };
  const openFiles = async () => (await readdir("/proc/self/fd")).length;
  await flap();
  const before = await openFiles();
  for (let i = 0; i < 25; i++) await flap();
  expect(await openFiles()).toBeLessThanOrEqual(before);
  const opened = running.log.filter(({ message }) => /^(Client|Gateway) connected$/.test(message));
  await until(
    () => running.log.filter(({ message }) => / disconnected$/.test(message)).length === opened.length,
  );
});

test("a port in use ends the start with one sentence", async () => {
  const { relay } = await start();
  const listen = { hostname: "127.0.0.1", sshPort: 0, tlsPort: relay.tlsPort };
  const credentials = await lab.relayCredentials();
  await expect(startLabRelay(credentials, { listen })).rejects.toMatchObject({
    code: "PORT_IN_USE",
    message: expect.stringContaining(String(relay.tlsPort)),
  });
});
