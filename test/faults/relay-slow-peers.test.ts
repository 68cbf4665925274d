import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { dialAsClient, dialAsGateway, type LabRelay, RelayLab, startLabRelay } from "../support/relay.ts";
import { until } from "../support/until.ts";

/** Small enough for a quick test, in the proportions of the defaults: 100 places, 10 for each address. */
const limits = { unauthenticated: 20, unauthenticatedPerAddress: 4 };
const SLOW_PEERS = 60;
const HONEST = 10;

let lab: RelayLab;
let running: LabRelay;
const sockets: Socket[] = [];

beforeAll(async () => {
  lab = await RelayLab.create();
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  running.relay.close();
});

async function start(changes: Parameters<typeof startLabRelay>[1] = {}): Promise<void> {
  running = await startLabRelay(await lab.relayCredentials(), {
    ...changes,
    limits: { ...limits, ...changes.limits },
  });
}

type Side = "ssh" | "tls";

/** How an honest peer begins; what follows never completes it. */
const BEGINNINGS: Record<Side, Buffer> = {
  ssh: Buffer.from("SSH-2.0-slow"),
  // A TLS record with a ClientHello of 508 bytes (RFC 8446, 4.1.2).
  tls: Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
};

interface SlowPeer {
  isClosed(): boolean;
}

/** A peer that begins as it should and then sends a byte from time to time. */
async function slowPeer(side: Side, localAddress: string): Promise<SlowPeer> {
  const port = side === "ssh" ? running.relay.sshPort : running.relay.tlsPort;
  const socket = connect({ host: "127.0.0.1", port, localAddress });
  sockets.push(socket);
  let closed = false;
  const drip = setInterval(() => socket.write("x"), 50);
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
    clearInterval(drip);
  });
  await new Promise((resolve) => socket.on("connect", resolve).on("close", resolve));
  socket.write(BEGINNINGS[side]);
  return { isClosed: () => closed };
}

/** Half of them on each port. */
async function slowPeers(count: number, address: (i: number) => string): Promise<SlowPeer[]> {
  const peers: SlowPeer[] = [];
  for (let i = 0; i < count; i++) peers.push(await slowPeer(i % 2 === 0 ? "ssh" : "tls", address(i)));
  return peers;
}

/** How many of ten gateways log in, each with a client that reaches it. */
async function honest(): Promise<number> {
  let served = 0;
  for (let i = 0; i < HONEST; i++) {
    const gateway = await lab.gateway();
    try {
      const session = await dialAsGateway(running.relay, gateway);
      const inbox = await dialAsClient(running.relay, await lab.client(gateway.gatewayId));
      if ((await inbox.until(3)) === "OK\n") served++;
      inbox.stream.destroy();
      session.disconnect(11, "test over");
    } catch {
      // Counted by its absence.
    }
  }
  return served;
}

describe("B5 peers that send a byte now and then", () => {
  test("are cut at the deadline, on both ports", async () => {
    await start({ limits: { loginGraceMs: 200, tlsHandshakeMs: 200 } });
    const peers = await slowPeers(4, () => "127.0.0.1");
    await until(() => peers.every((peer) => peer.isClosed()));
  });

  test("from many addresses do not keep honest gateways and clients out", async () => {
    await start();
    const peers = await slowPeers(SLOW_PEERS, (i) => `127.0.1.${i + 1}`);
    expect(await honest()).toBe(HONEST);
    const waiting = () => peers.filter((peer) => !peer.isClosed()).length;
    await until(() => waiting() <= limits.unauthenticated);
    expect(waiting()).toBeGreaterThan(0);
  });

  test("from the address of honest ones do not keep those out", async () => {
    await start();
    const peers = await slowPeers(SLOW_PEERS, () => "127.0.0.1");
    expect(await honest()).toBe(HONEST);
    const waiting = () => peers.filter((peer) => !peer.isClosed()).length;
    await until(() => waiting() <= limits.unauthenticatedPerAddress);
    expect(waiting()).toBeGreaterThan(0);
  });
});

describe("failed authentication", () => {
  test("shuts its address out for a while; others, and open sessions, go on", async () => {
    await start({ limits: { penaltyMs: 60_000 } });
    const gateway = await lab.gateway();
    const session = await dialAsGateway(running.relay, gateway);
    await expect(dialAsGateway(running.relay, await lab.gateway({ relayName: "relay-2" }))).rejects.toThrow();
    await expect(dialAsGateway(running.relay, await lab.gateway())).rejects.toMatchObject({
      code: expect.not.stringMatching("SSH_AUTHENTICATION_FAILED"),
    });
    expect(running.relay.sessions()).toMatchObject([{ gatewayId: gateway.gatewayId }]);
    session.disconnect(11, "test over");
  });

  test("does not shut an exempt address out", async () => {
    await start({ limits: { penaltyMs: 60_000 }, exempt: ["127.0.0.0/8"] });
    await expect(dialAsGateway(running.relay, await lab.gateway({ relayName: "relay-2" }))).rejects.toThrow();
    (await dialAsGateway(running.relay, await lab.gateway())).disconnect(11, "test over");
  });
});
