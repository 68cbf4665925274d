import { describe, expect, test } from "bun:test";
import { openTowardsGateway } from "../../../src/relay/open-channel.ts";
import { RelaySession } from "../../../src/relay/session.ts";
import { SallyportError } from "../../../src/telemetry/error.ts";
import { ChannelRefused } from "../../../src/tunnel/ssh/connection.ts";
import type { ByteStream } from "../../../src/tunnel/stream.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const channel: ByteStream = { attach() {}, write() {}, end() {}, destroy() {}, consumed() {} };
const tooEarly = () => new ChannelRefused(3, "unknown channel type");

/** Opens a tunnel towards a gateway that gives these answers, then accepts. */
async function open(...answers: Error[]) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const link = {
    remoteAddress: "192.0.2.1",
    openChannel(type: string, payload: Buffer) {
      asked.push(`${type} ${payload.length}`);
      const answer = answers.shift();
      return answer ? Promise.reject(answer) : Promise.resolve(channel);
    },
    peerIdent: "SSH-2.0-Go",
    notify() {},
    disconnect() {},
  };
  const identity = {
    gatewayId: "g",
    gatewayName: undefined,
    orgId: undefined,
    generation: 0,
    serial: 1n,
    expiresAt: 0,
  };
  const session = new RelaySession(link, identity, new Date());
  const outcome = openTowardsGateway(session, { timeoutMs: 1_000, clock }).catch((error: unknown) => error);
  await clock.advance(10_000);
  return { outcome: await outcome, asked, naps: clock.naps };
}

describe("opening a tunnel towards a gateway", () => {
  test("asks for direct-tcpip with an empty payload", async () => {
    expect(await open()).toEqual({ outcome: channel, asked: ["direct-tcpip 0"], naps: [] });
  });

  test("asks a Go gateway that has just logged in again after 50, 100, 200 ms", async () => {
    expect(await open(tooEarly(), tooEarly(), tooEarly())).toMatchObject({
      outcome: channel,
      naps: [50, 100, 200],
    });
  });

  test("gives up after 2 s", async () => {
    const { outcome, naps } = await open(...Array.from({ length: 20 }, tooEarly));
    expect(outcome).toMatchObject({ code: "GATEWAY_BUSY" });
    expect(naps.reduce((sum, nap) => sum + nap, 0)).toBe(2_000);
  });

  test.each<[string, string, Error]>([
    ["GATEWAY_BUSY", "it refuses", new ChannelRefused(1, "no")],
    ["GATEWAY_BUSY", "a limit is reached", new SallyportError("GATEWAY_BUSY", "limit")],
    ["RESOURCE_SHORTAGE", "memory is short", new SallyportError("RESOURCE_SHORTAGE", "memory")],
    ["GATEWAY_NOT_CONNECTED", "it is silent", new SallyportError("TIMEOUT", "silence")],
    ["GATEWAY_NOT_CONNECTED", "it has gone", new SallyportError("SSH_DISCONNECTED", "gone")],
    ["GATEWAY_NOT_CONNECTED", "something else fails", new Error("a bug")],
  ])("tells the client %s when %s, without asking again", async (code, _, answer) => {
    const { outcome, asked } = await open(answer);
    expect(outcome).toMatchObject({ code, cause: answer });
    expect(asked).toHaveLength(1);
  });
});
