import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { SallyportError } from "../../../src/telemetry/error.ts";
import type { SshConnection } from "../../../src/tunnel/ssh/connection.ts";
import type { Inbox } from "../../support/byte-stream.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { dialAsClient, dialAsGateway, type LabRelay, RelayLab, startLabRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const HOUR_S = 3600;

let lab: RelayLab;
let running: LabRelay;
let clock: FakeClock;
let gatewayId: string;
const sessions: SshConnection[] = [];

beforeAll(async () => {
  lab = await RelayLab.create();
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.disconnect(11, "test over");
  running.relay.close();
});

async function start(drainMs: number): Promise<void> {
  clock = new FakeClock(Date.now());
  running = await startLabRelay(await lab.relayCredentials(), { clock, limits: { drainMs, adviceMs: 0 } });
  ({ gatewayId } = await lab.gateway());
}

/** A session of the gateway; `over` is why it ended, `undefined` while it has not. */
async function connect(ttlSeconds: number, generation = 1) {
  const session = await dialAsGateway(
    running.relay,
    await lab.gateway({ gatewayId, ttlSeconds, generation }),
  );
  sessions.push(session);
  const state: { over: SallyportError | null | undefined; session: SshConnection } = {
    over: undefined,
    session,
  };
  session.onClosed((error) => {
    state.over = error;
  });
  return state;
}

async function tunnel(): Promise<Inbox> {
  const inbox = await dialAsClient(running.relay, await lab.client(gatewayId));
  expect(await inbox.until(3)).toBe("OK\n");
  return inbox;
}

/** Bytes still go both ways. */
async function echoes(inbox: Inbox): Promise<boolean> {
  const before = inbox.text.length;
  inbox.write("ping");
  return (await inbox.until(before + 4)).endsWith("ping");
}

describe("F6 a session whose gateway has opened another one with a newer certificate", () => {
  test("keeps its tunnels for as long as a session of the gateway has a valid certificate", async () => {
    await start(50);
    const first = await connect(HOUR_S);
    const stream = await tunnel();
    await connect(2 * HOUR_S);
    await Bun.sleep(100);
    expect(await echoes(stream)).toBe(true);
    await clock.advance(1.5 * HOUR_S * 1000);
    await Bun.sleep(100);
    expect(await echoes(stream)).toBe(true);
    expect(first.over).toBeUndefined();
    await connect(24 * HOUR_S);
    await clock.advance(3 * HOUR_S * 1000);
    await Bun.sleep(100);
    expect(await echoes(stream)).toBe(true);
    stream.stream.end();
    await until(() => first.over !== undefined);
    expect(String(first.over)).toContain("replaced");
  });

  test("gets the grace only, once no session of the gateway has a valid certificate", async () => {
    await start(50);
    const first = await connect(HOUR_S);
    const stream = await tunnel();
    const second = await connect(24 * HOUR_S);
    second.session.disconnect(11, "gone");
    await until(() => running.relay.sessions().length === 0);
    expect(await echoes(stream)).toBe(true);
    await clock.advance(HOUR_S * 1000 + 10_000);
    await until(() => first.over !== undefined);
    await stream.untilEnd();
  });

  test("F3 gets the grace only when the newer credentials are of another generation", async () => {
    await start(50);
    const first = await connect(HOUR_S, 1);
    const stream = await tunnel();
    await connect(HOUR_S, 1);
    await Bun.sleep(100);
    expect(await echoes(stream)).toBe(true);
    await connect(HOUR_S, 2);
    await until(() => first.over !== undefined);
    expect(String(first.over)).toContain("replaced");
    await stream.untilEnd();
  });

  test("ends with a drain of the relay like any other", async () => {
    await start(60_000);
    const first = await connect(HOUR_S);
    const stream = await tunnel();
    await connect(HOUR_S);
    await running.relay.drain(20);
    await until(() => first.over !== undefined);
    await stream.untilEnd();
  });

  test("is one of 64 at most: the oldest of more get the grace only", async () => {
    await start(50);
    const opened: { over: SallyportError | null | undefined }[] = [];
    const streams: Inbox[] = [];
    for (let i = 0; i < 66; i++) {
      opened.push(await connect(HOUR_S));
      streams.push(await tunnel());
    }
    await until(() => opened[0]?.over !== undefined);
    expect(opened.filter(({ over }) => over !== undefined)).toHaveLength(1);
    for (const { stream } of streams) stream.destroy();
  });
});
