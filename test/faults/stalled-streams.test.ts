import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Outgoing, receiveAll } from "../support/bulk.ts";
import { startNetwork } from "../support/network.ts";
import { mustRun, REPOSITORY } from "../support/processes.ts";
import { withSmallBuffers } from "../support/small-buffers.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

const MIB = 1024 ** 2;
/** Ends that are lost under load are rare: many of them are looked at. */
const ROUNDS = 3;
/** The window budget, what sockets may have read ahead, and Bun, the program and 2000 TLS sessions besides. */
const MOST_RESIDENT = (256 + 64 + 320) * MIB;

let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.open("stalled-streams");
});
afterAll(() => workspace.close());

describe("F14 one stalled stream beside 99 busy ones", () => {
  let port: number;
  let stalledEnds: PromiseWithResolvers<Socket> | undefined;

  beforeAll(async () => {
    const network = await startNetwork(workspace);
    const target = createServer({ allowHalfOpen: true }, (socket) => {
      own(socket);
      if (stalledEnds) stalledEnds.resolve(socket);
      else socket.pipe(socket);
    });
    await new Promise<void>((resolve) => void target.listen(0, "127.0.0.1", resolve));
    workspace.defer(() => target.close());
    ({ port } = await network.forward(`127.0.0.1:${(target.address() as AddressInfo).port}`));
  });

  test("the busy ones finish, and the stalled one goes on where it stood", async () => {
    stalledEnds = Promise.withResolvers();
    const stalled = { client: local(), target: await stalledEnds.promise };
    stalledEnds = undefined;
    const sent = { up: sendAll(stalled.client, 40), down: sendAll(stalled.target, 40) };

    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(
        Array.from({ length: 99 }, async () => {
          const socket = local();
          const arrived = receiveAll(socket);
          const sentBack = await sendAll(socket, 3);
          expect(await arrived).toEqual(sentBack);
        }),
      );
    }

    const arrived = { up: receiveAll(stalled.target), down: receiveAll(stalled.client) };
    expect(await arrived.up).toEqual(await sent.up);
    expect(await arrived.down).toEqual(await sent.down);
  });

  async function sendAll(socket: Socket, mebibytes: number) {
    const outgoing = new Outgoing(socket);
    await outgoing.send(mebibytes);
    return outgoing.end();
  }

  function local(): Socket {
    return own(connect({ host: "127.0.0.1", port, allowHalfOpen: true }));
  }
});

describe("F14 nothing but stalled streams", () => {
  test.each([
    ["down", "clients"],
    ["up", "gateways"],
  ])(
    "2000 towards %s: the relay's memory stays within its budget, more are refused, and it recovers",
    async (direction) => {
      const { stalledResident, refusingResident, ...result } = await run("stalled-at-relay", direction);
      expect(result).toEqual({
        stalled: 2000,
        sentByEach: expect.any(Number),
        more: expect.any(Number),
        refusals: ["RESOURCE_SHORTAGE"],
        further: 0,
        afterwards: true,
      });
      expect(result.sentByEach).toBeLessThan(MIB);
      expect(stalledResident).toBeLessThan(MOST_RESIDENT);
      expect(refusingResident).toBeLessThan(MOST_RESIDENT);
    },
    120_000,
  );

  test.each([
    ["down", "clients"],
    ["up", "targets"],
  ])(
    "500 towards %s: so does the memory of the gateway and of the client",
    async (direction) => {
      const result = await run("stalled-at-gateway", direction);
      // One that takes long to open on a busy machine is tried again.
      expect(result.stalled).toBeGreaterThanOrEqual(500);
      expect(result.sentByEach).toBeLessThan(8 * MIB);
      for (const role of ["relay", "gateway", "client"]) {
        expect(result[role]).toBeLessThan((256 + 64 + 256) * MIB);
      }
    },
    120_000,
  );
});

/** A program of test/support, in a network whose kernel takes next to nothing off the processes' hands. */
async function run(program: string, direction: string) {
  const path = join(REPOSITORY, `test/support/${program}.ts`);
  const command = withSmallBuffers([process.execPath, path, direction]);
  return JSON.parse(await mustRun(command, { deadlineMs: 110_000 }));
}

function own(socket: Socket): Socket {
  socket.on("error", () => {});
  workspace.defer(() => socket.destroy());
  return socket;
}
