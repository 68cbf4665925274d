import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { TunnelReport } from "../../src/platform-client/calls/relay-agent.ts";
import type { EventHandler } from "../../src/platform-client/event-stream.ts";
import { createInstruments, type Instruments } from "../../src/telemetry/instruments.ts";
import type { SshConnection } from "../../src/tunnel/ssh/connection.ts";
import type { Inbox } from "../support/byte-stream.ts";
import { dialAsClient, dialAsGateway, type LabGateway, type LabRelay, RelayLab } from "../support/relay.ts";
import { until } from "../support/until.ts";
import { startLabWorkers } from "../support/workers.ts";
import { Workspace } from "../support/workspace.ts";

/** Enough for both workers to get some: the kernel chooses by the connection's ports. */
const MANY = 12;

let lab: RelayLab;
let workspace: Workspace;
let running: LabRelay;
let instruments: Instruments;
const sessions: SshConnection[] = [];

beforeAll(async () => {
  lab = await RelayLab.create();
});

/** Many at a time come from one address here. */
const EXEMPT = { exempt: ["127.0.0.0/8"] };

async function start(options: Parameters<typeof startLabWorkers>[2] = EXEMPT): Promise<void> {
  workspace = await Workspace.open("workers");
  instruments = createInstruments();
  running = await startLabWorkers(workspace, await lab.relayCredentials(), { instruments, ...options });
}

async function stop(): Promise<void> {
  for (const session of sessions.splice(0)) session.disconnect(11, "test over");
  await running.relay.drain(0);
  await workspace.close();
}

/** A gateway's session, once the relay has given it its place. */
async function join(gateway: LabGateway): Promise<{ over: Promise<string> }> {
  const connection = await dialAsGateway(running.relay, gateway);
  sessions.push(connection);
  const over = new Promise<string>((resolve) =>
    connection.onClosed((error) => resolve(String(error?.message))),
  );
  const { gatewayId } = gateway;
  const isIn = () => running.relay.sessions().some((session) => session.gatewayId === gatewayId);
  await Promise.race([until(isIn), over]);
  return { over };
}

async function reach({ gatewayId }: LabGateway): Promise<Inbox & { serial: string }> {
  const client = await lab.client(gatewayId);
  return Object.assign(await dialAsClient(running.relay, client), { serial: client.serial });
}

function pids(): number[] {
  return running.log.flatMap(({ message, process }) =>
    message === "Worker started" ? [Number(process)] : [],
  );
}

/** Which workers serve connections now, and which let clients in. */
async function byWorker() {
  const parts = (await instruments.metrics.parts?.ask()) ?? [];
  const handshakes = parts.map(({ metrics }) =>
    metrics
      .filter(({ name }) => name === "sallyport_handshakes_total")
      .flatMap(({ values }) => values)
      .filter(({ labels }) => labels.protocol === "tls")
      .reduce((sum, { value }) => sum + value, 0),
  );
  return { open: parts.map(({ connections }) => connections.open), handshakes };
}

describe("two workers on one pair of ports", () => {
  beforeAll(() => start());
  afterAll(stop);

  test("a client reaches the gateway, whichever worker either came in by", async () => {
    const gateway = await lab.gateway();
    await join(gateway);
    const inboxes = await Promise.all(Array.from({ length: MANY }, () => reach(gateway)));
    for (const inbox of inboxes) inbox.write("hello");
    for (const inbox of inboxes) expect(await inbox.until(8)).toBe("OK\nhello");
    const { open, handshakes } = await byWorker();
    expect(open.sort((a, b) => a - b)).toEqual([0, MANY]);
    for (const count of handshakes) expect(count).toBeGreaterThan(0);
    for (const inbox of inboxes) inbox.stream.end();
    for (const inbox of inboxes) expect(await inbox.closed).toBeNull();
  });

  test("F13 what goes through a hand-over is whole, and each direction ends on its own", async () => {
    const gateway = await lab.gateway();
    await join(gateway);
    const data = randomBytes(3_000_000);
    const wanted = createHash("sha256").update("OK\n").update(data).digest("hex");
    await Promise.all(
      Array.from({ length: MANY }, async () => {
        const inbox = await reach(gateway);
        inbox.stream.write(Buffer.from(data));
        inbox.stream.end();
        const text = await inbox.untilEnd();
        expect(createHash("sha256").update(text, "latin1").digest("hex")).toBe(wanted);
      }),
    );
  });

  test("X5 a gateway that no worker holds is not connected", async () => {
    const gateway = await lab.gateway();
    for (const inbox of await Promise.all(Array.from({ length: 4 }, () => reach(gateway)))) {
      expect(await inbox.untilEnd()).toMatch(/^ERR GATEWAY_NOT_CONNECTED /);
      inbox.stream.end();
    }
  });

  test("X3 the highest generation wins over both workers", async () => {
    const { gatewayId } = await lab.gateway();
    const present = await join(await lab.gateway({ gatewayId, generation: 2 }));
    for (let i = 0; i < 6; i++) {
      expect(await (await join(await lab.gateway({ gatewayId, generation: 1 }))).over).toContain("replaced");
    }
    expect(running.relay.sessions().find((session) => session.gatewayId === gatewayId)?.generation).toBe(2);
    await join(await lab.gateway({ gatewayId, generation: 3 }));
    expect(await present.over).toContain("replaced");
    expect(running.relay.sessions().filter((session) => session.gatewayId === gatewayId)).toMatchObject([
      { generation: 3 },
    ]);
  });

  test("F12 sixty gateways that come and go leave nothing behind", async () => {
    const gateways = await Promise.all(Array.from({ length: 6 }, () => lab.gateway()));
    const before = running.relay.sessions().length;
    for (let round = 0; round < 10; round++) {
      const connections = await Promise.all(gateways.map((gateway) => dialAsGateway(running.relay, gateway)));
      for (const connection of connections) connection.disconnect(11, "bye");
    }
    await until(() => running.relay.sessions().length === before);
    expect(await instruments.metrics.text()).toMatch(/^sallyport_unauthenticated_connections 0$/m);
    expect(running.relay.duplicates()).toEqual([]);
  });

  test("metrics and status count all of them", async () => {
    const gateway = await lab.gateway();
    await join(gateway);
    const value = async (name: string) => {
      const lines = (await instruments.metrics.text()).matchAll(
        new RegExp(`^${name}(?:{[^}]*})? (\\d+)`, "gm"),
      );
      return [...lines].reduce((sum, [, number]) => sum + Number(number), 0);
    };
    const before = await value("sallyport_connections_total");
    const inboxes = await Promise.all(Array.from({ length: MANY }, () => reach(gateway)));
    for (const inbox of inboxes) await inbox.until(3);
    while ((await value("sallyport_open_connections")) !== MANY) await Bun.sleep(5);
    for (const inbox of inboxes) inbox.stream.end();
    for (const inbox of inboxes) await inbox.closed;
    while ((await value("sallyport_connections_total")) < before + MANY) await Bun.sleep(5);
    expect(await value("sallyport_gateways")).toBe(running.relay.sessions().length);
    expect(running.relay.status()).toMatchObject({ workers: { running: 2, wanted: 2 } });
  });
});

describe("what is decided once for both workers", () => {
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await stop();
  });

  test("O2 a revoked gateway is cut and refused, and so are a client's open connections", async () => {
    const { promise, resolve } = Promise.withResolvers<EventHandler>();
    await start({ ...EXEMPT, follow: async (handler) => resolve(handler) });
    const platform = await promise;
    const gateway = await lab.gateway({ generation: 1 });
    const { over } = await join(gateway);
    const inboxes = await Promise.all(Array.from({ length: MANY }, () => reach(gateway)));
    for (const inbox of inboxes) await inbox.until(3);
    const [first, ...others] = inboxes;
    platform.event({ type: "access.ended", serials: [first?.serial ?? ""] });
    expect(await first?.closed).toBeInstanceOf(Error);
    for (const inbox of others) inbox.write("!");
    for (const inbox of others) expect(await inbox.until(4)).toBe("OK\n!");
    platform.event({ type: "gateway.revoked", gatewayId: gateway.gatewayId, generation: 2 });
    expect(await over).toContain("revoked");
    for (const inbox of others) await inbox.closed;
    for (const inbox of await Promise.all(Array.from({ length: 4 }, () => reach(gateway)))) {
      expect(await inbox.untilEnd()).toMatch(/^ERR GATEWAY_REVOKED /);
    }
    expect(await (await join(gateway)).over).toContain("revoked");
  });

  test("O2 revocations of a directory reach both workers", async () => {
    await start();
    const gateway = await lab.gateway();
    const { over } = await join(gateway);
    const revocations = { serials: new Set<string>(), gatewayIds: new Set([gateway.gatewayId]) };
    running.source.change({ ...running.source.credentials, revocations });
    expect(await over).toContain("revoked");
    for (let i = 0; i < 4; i++) {
      await expect(dialAsGateway(running.relay, gateway)).rejects.toMatchObject({
        code: "SSH_AUTHENTICATION_FAILED",
      });
    }
  });

  test("the platform hears of the tunnels of both, under one lease", async () => {
    const told: TunnelReport[] = [];
    await start({
      report: async (report) => {
        told.push(report);
        return { complete: false, refused: [] };
      },
    });
    const gateways = await Promise.all(Array.from({ length: 6 }, () => lab.gateway()));
    for (const gateway of gateways) await join(gateway);
    const opened = () => new Set(told.flatMap((report) => report.opened.map(({ gatewayId }) => gatewayId)));
    await until(() => opened().size === gateways.length);
    expect(told.filter(({ complete }) => complete)).toHaveLength(1);
  });

  test("B5 an address has its places at the relay, not at each worker", async () => {
    await start({ limits: { unauthenticatedPerAddress: 4 } });
    let open = 0;
    for (let i = 0; i < 24; i++) {
      const port = i % 2 === 0 ? running.relay.sshPort : running.relay.tlsPort;
      const socket = connect({ host: "127.0.0.1", port });
      sockets.push(socket);
      socket.on("error", () => {});
      await new Promise((resolve) => socket.on("connect", resolve));
      open++;
      socket.on("close", () => open--).resume();
    }
    await until(() => open <= 4);
    expect(open).toBeGreaterThan(0);
    await join(await lab.gateway());
  });

  test("B5 the penalty for a failed login is in force at both", async () => {
    await start({ limits: { penaltyMs: 60_000 } });
    await expect(dialAsGateway(running.relay, await lab.gateway({ relayName: "relay-2" }))).rejects.toThrow();
    for (let i = 0; i < 6; i++) {
      await expect(dialAsGateway(running.relay, await lab.gateway())).rejects.toThrow();
    }
    expect(running.relay.sessions()).toEqual([]);
  });
});

describe("a worker that is killed", () => {
  beforeEach(() => start());
  afterEach(stop);

  test("takes its own gateways with it only, is started again, and no counter goes back", async () => {
    const gateways = await Promise.all(Array.from({ length: 8 }, () => lab.gateway()));
    const joined = await Promise.all(gateways.map(join));
    const all = await Promise.all(gateways.map(reach));
    for (const inbox of all) await inbox.until(3);
    const lost = new Set<number>();
    for (const [i, { over }] of joined.entries()) void over.then(() => lost.add(i));
    const before = instruments.metrics.parts ? (await instruments.metrics.text()).match(HANDSHAKES)?.[1] : "";
    const [victim] = pids();
    if (victim === undefined) throw new Error("no worker");
    process.kill(victim, "SIGKILL");
    await until(() => lost.size > 0 && running.relay.sessions().length === gateways.length - lost.size);
    expect(instruments.conditions.list()).toMatchObject([{ code: "WORKER_DOWN" }]);
    expect(lost.size).toBeLessThan(gateways.length);
    expect(Number((await instruments.metrics.text()).match(HANDSHAKES)?.[1])).toBeGreaterThanOrEqual(
      Number(before),
    );

    // Those that are left go on, and the lost ones come back, now to the other worker.
    for (const [i, gateway] of gateways.entries()) if (lost.has(i)) await join(gateway);
    for (const inbox of await Promise.all(gateways.map(reach))) expect(await inbox.until(3)).toBe("OK\n");
    await until(() => pids().length === 3);
    expect(instruments.conditions.list()).toEqual([]);
    const { open } = await byWorker();
    expect(open.length).toBeGreaterThanOrEqual(2);
  });

  test("leaves neither sockets nor processes when the relay closes", async () => {
    await running.relay.drain(0);
    expect(readdirSync(workspace.join("workers"))).toEqual([]);
    for (const pid of pids()) expect(() => process.kill(pid, 0)).toThrow();
  });
});

const HANDSHAKES = /^sallyport_handshakes_total\{protocol="ssh",result="OK"\} (\d+)/m;
