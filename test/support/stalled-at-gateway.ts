import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { startNetwork } from "./network.ts";
import { peakResident } from "./resident.ts";
import { Workspace } from "./workspace.ts";

/**
 * `bun stalled-at-gateway.ts down|up`: relay, gateway and client processes with hundreds of connections that stall:
 * `down` = the clients do not read, `up` = the target does not. Prints what came of it as JSON.
 */
const direction = process.argv[2] === "up" ? "up" : "down";
const STALLED = 500;
/** What the sending side of each connection tries to get rid of. */
const EACH = 8 * 1024 * 1024;
const block = Buffer.alloc(64 * 1024);

const workspace = await Workspace.open("stalled");
try {
  process.stdout.write(`${JSON.stringify(await measure())}\n`);
} finally {
  await workspace.close();
}
process.exit(0);

async function measure() {
  const network = await startNetwork(workspace);
  const sent = { bytes: 0 };
  const accepted: Socket[] = [];
  const target = createServer((socket) => {
    accepted.push(own(socket));
    if (direction === "down") flood(socket, sent);
    else socket.pause();
  });
  await new Promise<void>((resolve) => void target.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => target.close());
  const { port, process: client } = await network.forward(
    `127.0.0.1:${(target.address() as AddressInfo).port}`,
  );

  for (let i = 1; i <= STALLED; i++) {
    const socket = own(connect({ host: "127.0.0.1", port }));
    if (direction === "up") flood(socket, sent);
    else socket.pause();
    while (accepted.length < i) await Bun.sleep(1);
  }
  await standstill(sent);
  return {
    stalled: accepted.length,
    sentByEach: sent.bytes / STALLED,
    relay: peakResident(network.relay.pid),
    gateway: peakResident(network.gateway.pid),
    client: peakResident(client.pid),
  };
}

function flood(socket: Socket, sent: { bytes: number }): void {
  let left = EACH;
  const push = () => {
    while (left > 0) {
      left -= block.length;
      const more = socket.write(block, () => {
        sent.bytes += block.length;
      });
      if (!more) return;
    }
  };
  socket.on("drain", push);
  push();
}

/** Everything that fits is on its way: nothing has moved for a while. */
async function standstill(sent: { bytes: number }): Promise<void> {
  for (let before = -1, still = 0; still < 10; ) {
    still = before === sent.bytes ? still + 1 : 0;
    before = sent.bytes;
    await Bun.sleep(100);
  }
}

function own(socket: Socket): Socket {
  socket.on("error", () => {});
  workspace.defer(() => socket.destroy());
  return socket;
}
