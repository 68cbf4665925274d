import { readClientDirectory, readGatewayDirectory } from "../../src/pki/directory.ts";
import { parseSshPublicKey } from "../../src/pki/ssh-keys.ts";
import { SallyportError } from "../../src/telemetry/error.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { dialSsh } from "../../src/tunnel/ssh/dial.ts";
import { WindowBudget } from "../../src/tunnel/ssh/window.ts";
import { readStatusLine } from "../../src/tunnel/status-line.ts";
import type { ByteStream } from "../../src/tunnel/stream.ts";
import type { ClientIdentity } from "../../src/tunnel/tls/connection.ts";
import { dialOuterTls } from "../../src/tunnel/tls/outer-client.ts";
import { makeOfflineCa, type OfflineCa } from "./offline-ca.ts";
import { startProduct } from "./processes.ts";
import { peakResident } from "./resident.ts";
import { Workspace } from "./workspace.ts";

/**
 * `bun stalled-at-relay.ts down|up`: a relay process, six gateways and thousands of clients (all in this process) whose
 * tunnels stall: `down` = clients do not read, `up` = gateways do not. Prints what came of it as JSON.
 */
const direction = process.argv[2] === "up" ? "up" : "down";
const GATEWAYS = 6;
const STALLED = 2000;
/** What the sending side of each tunnel tries to get rid of. */
const EACH = 1024 * 1024;
/** Opens at once; far fewer than the relay admits unauthenticated. */
const AT_ONCE = 8;
/** Room for so many tunnels is never there: 256 MiB in windows of at least 64 KiB. */
const TOO_MANY = 3000;

const workspace = await Workspace.open("stalled");
try {
  process.stdout.write(`${JSON.stringify(await measure())}\n`);
} finally {
  await workspace.close();
}
process.exit(0);

async function measure() {
  const ca = await makeOfflineCa(workspace, "world");
  const relay = await startRelay(ca);
  const clients: ClientIdentity[] = [];
  const sent: Progress = { bytes: 0 };
  for (let i = 0; i < GATEWAYS; i++)
    clients.push(await startGateway(ca, `gateway-${i}`, relay.sshPort, sent));

  const open = (count: number) => openTunnels(clients, relay.tlsPort, count);
  const first = await open(STALLED);
  if (direction === "up") for (const { stream } of first.open) flood(stream, sent);
  await standstill(sent);
  const sentByEach = sent.bytes / STALLED;
  const stalledResident = peakResident(relay.pid);

  const more = await open(TOO_MANY - STALLED);
  const further = await open(50);
  const refusingResident = peakResident(relay.pid);
  for (const { stream } of [...first.open, ...more.open]) stream.destroy();
  return {
    stalled: first.open.length,
    sentByEach,
    more: more.open.length,
    refusals: [...new Set([...first.refusals, ...more.refusals, ...further.refusals])],
    further: further.open.length,
    stalledResident,
    refusingResident,
    afterwards: await openAfterwards(open),
  };
}

async function startRelay(ca: OfflineCa) {
  const { directory } = await ca.relay("relay-a");
  const ports = ["--listen", "127.0.0.1", "--ssh-port", "0", "--tls-port", "0", "--exempt", "127.0.0.0/8"];
  const args = ["relay", "start", "--pki", directory, ...ports, "--log-format", "json"];
  const relay = workspace.own(startProduct(args, { home: workspace.path }));
  const line = JSON.parse(await relay.waitForLog("Relay server started successfully"));
  return { pid: relay.pid, sshPort: Number(line.sshPort), tlsPort: Number(line.tlsPort) };
}

interface Progress {
  bytes: number;
}

/** A gateway whose channels send for ever or take nothing. Returns what a client needs to reach it. */
async function startGateway(
  ca: OfflineCa,
  name: string,
  port: number,
  sent: Progress,
): Promise<ClientIdentity> {
  const { directory } = await ca.gateway(name);
  const { gatewayId, relays } = await readGatewayDirectory(directory);
  const [relay] = relays;
  if (!relay) throw new Error("no relay");
  const session = await dialSsh({
    host: relay.host,
    port,
    username: gatewayId,
    identity: relay.ssh,
    hostAuthorities: relay.hostAuthorities.map(parseSshPublicKey),
    hostPrincipal: `${relay.host}:${relay.sshPort}`,
    onChannel(request) {
      const channel = request.accept();
      if (direction === "down") flood(channel, sent);
      else channel.attach({ data() {}, end() {}, written() {}, closed() {} });
    },
    budget: new WindowBudget(Number.MAX_SAFE_INTEGER),
    log: silentLogger,
  });
  workspace.defer(() => session.disconnect(11, "over"));
  const client = await ca.client({ gatewayName: name, out: workspace.join(`client-of-${name}`) });
  return (await readClientDirectory(client.directory)).relay;
}

function flood(stream: ByteStream, sent: Progress): void {
  stream.attach({
    data: (chunk) => stream.consumed(chunk.length),
    end() {},
    written(bytes) {
      sent.bytes += bytes;
    },
    closed() {},
  });
  const piece = 64 * 1024;
  for (let left = EACH; left > 0; left -= piece) stream.write(Buffer.alloc(piece));
}

/** Everything that fits is on its way: nothing has moved for a while. */
async function standstill(sent: Progress): Promise<void> {
  for (let before = -1, still = 0; still < 10; ) {
    still = before === sent.bytes ? still + 1 : 0;
    before = sent.bytes;
    await Bun.sleep(100);
  }
}

interface Opened {
  open: { stream: ByteStream }[];
  /** A code for each tunnel that was not opened. */
  refusals: string[];
}

async function openTunnels(clients: ClientIdentity[], port: number, count: number): Promise<Opened> {
  const result: Opened = { open: [], refusals: [] };
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++) {
      const identity = clients[i % clients.length];
      if (!identity) return;
      try {
        result.open.push({ stream: await openTunnel(identity, port) });
      } catch (error) {
        result.refusals.push(error instanceof SallyportError ? error.code : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return result;
}

async function openTunnel(identity: ClientIdentity, port: number): Promise<ByteStream> {
  const { stream } = await dialOuterTls({ host: "127.0.0.1", port, identity, timeoutMs: 20_000 });
  const answer = await readStatusLine(stream, 20_000);
  if (!answer.ok) throw answer.error;
  return answer.stream;
}

/** The relay hears of the ends one after the other: until then it may still refuse. */
async function openAfterwards(open: (count: number) => Promise<Opened>): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await open(1)).open.length === 1) return true;
    await Bun.sleep(100);
  }
  return false;
}
