import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Admission, PlatformAccess } from "../../../src/client/platform-access.ts";
import { openTunnel } from "../../../src/client/tunnel.ts";
import { Ways } from "../../../src/client/ways.ts";
import type { Gateway } from "../../../src/gateway/agent.ts";
import { Inbox } from "../../support/byte-stream.ts";
import { LiveSystem } from "../../support/live-system.ts";
import { DATABASES } from "../../support/platform.ts";

/** A connection through the pool that carries bytes, and which gateway it went to. */
interface Held {
  gateway: string;
  inbox: Inbox;
  /** Gateways that this one connection was tried with. */
  tried: string[];
}

describe.each(DATABASES)("a pool of two gateways behind one relay on %s", (database) => {
  let system: LiveSystem;
  let a: Gateway;
  let poolId: string;
  beforeEach(async () => {
    system = await LiveSystem.open({ database });
    await system.relay("eu-1");
    poolId = (await system.admin.pools.create({ name: "site" })).id;
    // In the pool before they start, so that they say how busy they are from the beginning.
    for (const name of ["a", "b"]) {
      await system.admin.pools.addMember(poolId, (await system.admin.gateways.create({ name })).id);
    }
    a = await system.gateway("a");
    await system.gateway("b");
    const target = { host: "127.0.0.1", port: await system.echo() };
    await system.admin.resources.create({ name: "echo", poolName: "site", ...target });
    await untilLoad([0, 0]);
  });
  afterEach(() => system.close());

  /** Until both are healthy and have reported. */
  async function untilLoad(wanted: number[]): Promise<void> {
    for (;;) {
      const { gateways } = await system.admin.pools.get(poolId);
      const loads = gateways.map(({ status, load }) => (status === "healthy" ? load : null));
      if (Bun.deepEquals(loads, wanted)) return;
      await Bun.sleep(20);
    }
  }

  /** As `connect` does for each local connection. */
  async function connect(ways: Ways<Admission>): Promise<Held> {
    const tried: string[] = [];
    const stream = await ways.through(async ({ credentials, relayTimeoutMs, timeoutMs = 30_000 }) => {
      tried.push(credentials.gatewayName ?? "");
      return (await openTunnel(credentials, { relayTimeoutMs, timeoutMs })).stream;
    });
    const inbox = new Inbox(stream);
    inbox.write("x");
    expect(await inbox.until(1)).toBe("x");
    return { gateway: tried.at(-1) ?? "", inbox, tried };
  }

  /** Somebody's `connect` of their own. */
  function client(): Ways<Admission> {
    const access = new PlatformAccess(system.admin, { resource: "echo" });
    return new Ways<Admission>({ ways: (failed) => access.current(failed) });
  }

  const counts = (held: Held[]) =>
    ["a", "b"].map((name) => held.filter(({ gateway }) => gateway === name).length);

  test("connections that stay open are spread over both, each in one attempt", async () => {
    const held: Held[] = [];
    for (let i = 0; i < 10; i++) held.push(await connect(client()));
    expect(counts(held)).toEqual([5, 5]);
    expect(held.map(({ tried }) => tried.length)).toEqual(Array(10).fill(1));
    const { gateways } = await system.admin.pools.get(poolId);
    expect(gateways.map(({ load }) => load)).toEqual([5, 5]);
  });

  test("when one is killed, its own connections end, the others go on, and new ones work in two attempts", async () => {
    const one = client();
    const held = await Promise.all(Array.from({ length: 4 }, () => connect(client())));
    const left = held.filter(({ gateway }) => gateway === "b");
    expect(counts(held)).toEqual([2, 2]);
    // The relay can't say so: the clients have to find out.
    system.gates.relays.shut();
    a.close();
    const later: Held[] = [];
    for (let i = 0; i < 6; i++) later.push(await connect(i % 2 === 0 ? one : client()));
    expect(counts(later)).toEqual([0, 6]);
    for (const { tried } of later) expect(tried.length).toBeLessThanOrEqual(2);
    expect(later.some(({ tried }) => tried.length === 2)).toBe(true);
    for (const { inbox } of left) {
      inbox.write("y");
      expect(await inbox.until(2)).toBe("xy");
    }
  });

  test("the member that failed is told to the platform by whoever met it, and passed over", async () => {
    // The relay still says that its tunnel is up: only a client can know.
    const first = await new PlatformAccess(system.admin, { resource: "echo" }).current();
    const access = new PlatformAccess(system.admin, { resource: "echo" });
    const failed = await access.current();
    const other = await access.current(failed);
    expect(other.credentials.gatewayId).not.toBe(failed.credentials.gatewayId);
    const { gateways } = await system.admin.pools.get(poolId);
    const suspects = gateways.filter(({ suspect }) => suspect).map(({ id }) => id);
    expect(suspects).toEqual([failed.credentials.gatewayId]);
    expect(first.pooled).toBe(true);
  });
});
