import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import {
  type LoadBalancer,
  proxyHeader,
  rawProxyHeader,
  startLoadBalancer,
} from "../../support/load-balancer.ts";
import { dialAsClient, dialAsGateway, type LabRelay, RelayLab, startLabRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const BALANCER = "127.0.0.9";

let lab: RelayLab;
let running: LabRelay;
/** What the load balancer says of whoever comes next. */
let header: Buffer[];
const balancers: LoadBalancer[] = [];

beforeAll(async () => {
  lab = await RelayLab.create();
});
beforeEach(() => {
  header = [proxyHeader("192.0.2.7")];
});
afterEach(() => {
  for (const balancer of balancers.splice(0)) balancer.close();
  running.relay.close();
});

async function start(limits: NonNullable<Parameters<typeof startLabRelay>[1]>["limits"] = {}): Promise<void> {
  const listen = { hostname: "127.0.0.1", sshPort: 0, tlsPort: 0, proxyFrom: [`${BALANCER}/32`] };
  running = await startLabRelay(await lab.relayCredentials(), {
    listen,
    limits,
  });
}

/** The relay as it looks from the other side of the load balancer. */
async function behindBalancer() {
  const { relay } = running;
  const [ssh, tls] = await Promise.all(
    [relay.sshPort, relay.tlsPort].map((port) => startLoadBalancer(port, BALANCER, () => header)),
  );
  if (!ssh || !tls) throw new Error("no load balancer");
  balancers.push(ssh, tls);
  return { ...relay, sshPort: ssh.port, tlsPort: tls.port };
}

type Side = "sshPort" | "tlsPort";

/** Sends that from an address, and says what came back until the relay closed. */
function answerTo(side: Side, localAddress: string, ...pieces: Buffer[]): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port: running.relay[side], localAddress });
  socket.on("error", () => {});
  socket.on("connect", () => {
    for (const piece of pieces) socket.write(piece);
  });
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  return new Promise((resolve) => socket.on("close", () => resolve(received)));
}

const complaints = () => running.log.filter(({ message }) => message.includes("over its PROXY header"));

describe("a relay behind load balancers", () => {
  test("sees who really connects, on both ports, also when the header comes in pieces", async () => {
    await start();
    const relay = await behindBalancer();
    header = [...proxyHeader("192.0.2.7")].map((byte) => Buffer.of(byte));
    const gateway = await lab.gateway();
    const session = await dialAsGateway(relay, gateway);
    header = [proxyHeader("198.51.100.4")];
    const inbox = await dialAsClient(relay, await lab.client(gateway.gatewayId));
    inbox.write("hello");
    expect(await inbox.until(8)).toBe("OK\nhello");
    expect(running.relay.sessions()).toMatchObject([{ remoteAddress: "192.0.2.7" }]);
    const about = (text: string) => running.log.find(({ message }) => message === text);
    expect(about("Gateway connected")).toMatchObject({ address: "192.0.2.7" });
    expect(about("Client connected")).toMatchObject({ address: "198.51.100.4" });
    inbox.stream.destroy();
    session.disconnect(11, "test over");
  });

  test("serves others without a header, and cuts those that send one", async () => {
    await start({ tlsHandshakeMs: 3000 });
    const gateway = await lab.gateway();
    const session = await dialAsGateway(running.relay, gateway);
    const inbox = await dialAsClient(running.relay, await lab.client(gateway.gatewayId));
    expect(await inbox.until(3)).toBe("OK\n");
    expect(running.relay.sessions()).toMatchObject([{ remoteAddress: "127.0.0.1" }]);
    await answerTo("sshPort", "127.0.0.1", proxyHeader("192.0.2.7"), Buffer.from("SSH-2.0-x\r\n"));
    await answerTo("tlsPort", "127.0.0.1", proxyHeader("192.0.2.7"));
    expect(JSON.stringify(running.log)).not.toContain("192.0.2.7");
    inbox.stream.destroy();
    session.disconnect(11, "test over");
  });

  test.each<[string, Buffer[]]>([
    ["missing", [Buffer.from("SSH-2.0-x\r\n")]],
    ["of version 1", [Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n")]],
    ["malformed", [rawProxyHeader(0x21, 0x31, Buffer.alloc(20))]],
    ["too long", [rawProxyHeader(0x21, 0x11, Buffer.alloc(5000))]],
    ["cut short", [proxyHeader("192.0.2.7").subarray(0, 20)]],
    ["not sent at all", []],
  ])("B5 cuts a load balancer's connection when the header is %s, on both ports", async (_, pieces) => {
    await start({ proxyHeaderMs: 300 });
    for (const side of ["sshPort", "tlsPort"] as const) {
      expect(await answerTo(side, BALANCER, ...pieces)).toBe("");
    }
    await until(() => complaints().length === 2);
    expect(complaints()).toMatchObject([{ level: "warn", address: BALANCER }, { address: BALANCER }]);
  });

  test("says clearly that version 1 is not enough, once a minute", async () => {
    await start();
    for (let i = 0; i < 3; i++) await answerTo("sshPort", BALANCER, Buffer.from("PROXY UNKNOWN\r\n"));
    expect(complaints().map(({ level }) => level)).toEqual(["warn", "debug", "debug"]);
    expect(complaints()[0]?.reason).toContain("version 1; set the load balancer to version 2");
  });

  test("B5 limits and penalties are those of the address in the header", async () => {
    await start({ penaltyMs: 60_000, unauthenticatedPerAddress: 1 });
    const relay = await behindBalancer();
    await expect(dialAsGateway(relay, await lab.gateway({ relayName: "relay-2" }))).rejects.toThrow();
    await expect(dialAsGateway(relay, await lab.gateway())).rejects.toThrow();
    header = [proxyHeader("192.0.2.8")];
    // One that waits, and takes the only place of its own address.
    void answerTo("sshPort", BALANCER, proxyHeader("192.0.2.9"));
    (await dialAsGateway(relay, await lab.gateway())).disconnect(11, "test over");
  });

  test("answers a load balancer's own health check", async () => {
    await start({ loginGraceMs: 200 });
    expect(await answerTo("sshPort", BALANCER, rawProxyHeader(0x20, 0, Buffer.alloc(0)))).toStartWith(
      "SSH-2.0-",
    );
  });
});
