import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { type Gateway, startGateway } from "../../src/gateway/agent.ts";
import { parsePolicy } from "../../src/gateway/target-policy.ts";
import type { Clock } from "../../src/host/clock.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { StandInRelay } from "../support/stand-in-relay.ts";
import { fixedSource, testPki } from "../support/test-pki.ts";
import { until } from "../support/until.ts";
import { Workspace } from "../support/workspace.ts";

let space: Workspace;

beforeEach(async () => {
  space = await Workspace.open("supervision-flaps");
});
afterEach(() => space.close());

/** Every wait takes a 500th of its time; counts those that are under way. */
class HurriedClock implements Clock {
  sleeping = 0;

  now(): number {
    return Date.now();
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    this.sleeping++;
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, milliseconds / 500);
    const wake = () => over.resolve();
    signal?.addEventListener("abort", wake);
    if (signal?.aborted) wake();
    await over.promise;
    clearTimeout(timer);
    signal?.removeEventListener("abort", wake);
    this.sleeping--;
  }
}

async function openFiles(): Promise<number> {
  return (await readdir("/proc/self/fd")).length;
}

test("F12 two hundred flaps of a tunnel, some before it is up: no session, timer or descriptor is left behind", async () => {
  const relay = space.own(await StandInRelay.open(await testPki(), "edge"));
  const clock = new HurriedClock();
  const pki = await testPki();
  const credentials = await pki.gateway({ relays: [{ name: "edge", sshPort: relay.port }] });
  const gateway: Gateway = space.own(
    await startGateway({
      credentials: fixedSource(credentials),
      policy: parsePolicy({ allow: [], deny: [] }),
      log: silentLogger,
      clock,
    }),
  );
  const flap = async (n: number, isUp: boolean) => {
    const session = await relay.session(n);
    if (isUp) await until(() => gateway.tunnels()[0]?.state === "up");
    session.disconnect(11, "flap");
  };
  /** The tunnel has been up for a moment, and nothing else is. */
  const steady = async (sessions: number) => {
    await relay.session(sessions);
    await until(() => relay.live === 1 && gateway.tunnels()[0]?.state === "up");
    await Bun.sleep(100);
  };
  for (let n = 1; n <= 20; n++) await flap(n, n % 2 === 0);
  await steady(21);
  const before = { files: await openFiles(), sleeping: clock.sleeping };
  for (let n = 21; n <= 220; n++) await flap(n, n % 2 === 0);
  await steady(221);
  await until(() => clock.sleeping <= before.sleeping);
  expect(await openFiles()).toBeLessThanOrEqual(before.files);
  gateway.close();
  await until(() => clock.sleeping === 0);
}, 60_000);
