import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Outgoing, receiveAll, type Transferred } from "../support/bulk.ts";
import { type Network, startNetwork } from "../support/network.ts";
import { peakResident } from "../support/resident.ts";
import { Workspace } from "../support/workspace.ts";

/** 1 GB in blocks of 1 MiB. */
const BLOCKS = Math.ceil(1e9 / 1024 ** 2);
/** What a peer that has been told of the other's end still sends. */
const AFTERWARDS = 32;
const MIB = 1024 ** 2;
/** The window budget of a process, and what Bun and the program need besides. */
const MOST_RESIDENT = (256 + 256) * MIB;

let workspace: Workspace;
let network: Network;
let port: number;
let accepted: PromiseWithResolvers<Socket>;

beforeAll(async () => {
  workspace = await Workspace.open("half-close");
  network = await startNetwork(workspace);
  const server = createServer({ allowHalfOpen: true }, (socket) => accepted.resolve(socket));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  workspace.defer(() => server.close());
  ({ port } = await network.forward(`127.0.0.1:${(server.address() as AddressInfo).port}`));
});
afterAll(() => workspace.close());

/** Both ends of a connection through relay and gateway. */
async function open(): Promise<{ client: Socket; target: Socket }> {
  accepted = Promise.withResolvers();
  const client = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  workspace.defer(() => client.destroy());
  const target = await accepted.promise;
  workspace.defer(() => target.destroy());
  return { client, target };
}

/** Both send at once; `first` ends its direction, `last` goes on when it has seen that end. */
async function exchange(first: Socket, last: Socket) {
  const arrived = { atFirst: receiveAll(first), atLast: receiveAll(last) };
  const sendFirst = async (): Promise<Transferred> => {
    const outgoing = new Outgoing(first);
    await outgoing.send(BLOCKS);
    return outgoing.end();
  };
  const sendLast = async (): Promise<Transferred> => {
    const outgoing = new Outgoing(last);
    await outgoing.send(BLOCKS - AFTERWARDS);
    await arrived.atLast;
    await outgoing.send(AFTERWARDS);
    return outgoing.end();
  };
  const [sentByFirst, sentByLast] = await Promise.all([sendFirst(), sendLast()]);
  return { sentByFirst, sentByLast, atFirst: await arrived.atFirst, atLast: await arrived.atLast };
}

describe("F13 1 GB each way at once", () => {
  test.each(["client", "target"] as const)(
    "arrives unchanged when the %s ends its direction first",
    async (side) => {
      const ends = await open();
      const other = side === "client" ? "target" : "client";
      const result = await exchange(ends[side], ends[other]);
      expect(result.atLast).toEqual(result.sentByFirst);
      expect(result.atFirst).toEqual(result.sentByLast);
      expect(result.atFirst.bytes).toBeGreaterThanOrEqual(1e9);
      expect(result.atLast.bytes).toBeGreaterThanOrEqual(1e9);
    },
    120_000,
  );

  test("takes no more memory than the window budget and the program itself", () => {
    for (const { pid } of [network.relay, network.gateway]) {
      expect(peakResident(pid)).toBeLessThan(MOST_RESIDENT);
    }
  });
});
