import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Gateway } from "../../../src/gateway/agent.ts";
import type { Relay } from "../../../src/relay/relay.ts";
import { LiveSystem } from "../../support/live-system.ts";

let system: LiveSystem;
let relay: Relay;
let gateway: Gateway;
beforeAll(async () => {
  system = await LiveSystem.open();
  relay = await system.relay("eu-1");
  gateway = await system.gateway("office");
  const port = await system.echo();
  await system.admin.resources.create({ name: "db", gatewayName: "office", host: "127.0.0.1", port });
});
afterAll(() => system.close());

/** Asks until the answer is there; the test's own time-out is the limit. */
async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await Bun.sleep(50);
  }
}

const office = async () => {
  const [row] = await system.admin.gateways.list();
  return await system.admin.gateways.get(row?.id ?? "");
};

test("X7 the relay's report shows the tunnel, and that it is gone", async () => {
  const up = await eventually(async () => {
    const { health, heartbeat } = await office();
    // Without a heartbeat it would count as new again, once its tunnel is gone.
    return health?.status === "healthy" && heartbeat ? health : undefined;
  });
  expect(up.tunnels).toMatchObject([{ relayName: "eu-1", state: "up" }]);
});

test("X10 what went through a gateway is accounted for: who, what, how much, and how it ended", async () => {
  const open = await system.connect("db");
  open.write("12345");
  await open.until(6);
  open.stream.end();
  await open.closed;
  await gateway.drain(2000);
  const [one] = await eventually(async () => {
    const { connections } = await system.admin.audit.connections();
    return connections.length > 0 && connections[0]?.closedAt ? connections : undefined;
  });
  expect(one).toMatchObject({
    gatewayName: "office",
    resourceName: "db",
    actor: { type: "user", name: "root@example.com" },
    mode: "tcp",
    bytesUp: 6,
    bytesDown: 6,
    cause: "ENDED",
  });
  const { health } = await eventually(async () => {
    const now = await office();
    return now.health?.tunnels[0]?.state === "down" ? now : undefined;
  });
  expect(health).toMatchObject({ status: "unreachable", cause: { code: "TUNNEL_LOST" } });
});

test("a relay that stops gives its lease up", async () => {
  await relay.drain(1000);
  const { health } = await office();
  expect(health?.tunnels).toMatchObject([{ relayName: "eu-1", state: "silent" }]);
});
