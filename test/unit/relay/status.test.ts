import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createInstruments } from "../../../src/telemetry/instruments.ts";
import { dialAsClient, dialAsGateway, type LabRelay, RelayLab, startLabRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

let lab: RelayLab;
let stranger: RelayLab;
let running: LabRelay | undefined;
let instruments = createInstruments();

beforeAll(async () => {
  lab = await RelayLab.create();
  stranger = await RelayLab.create();
});
afterEach(() => {
  running?.relay.close();
  running = undefined;
});

async function start(): Promise<LabRelay> {
  instruments = createInstruments();
  running = await startLabRelay(await lab.relayCredentials(), { instruments, limits: { penaltyMs: 0 } });
  return running;
}

describe("what a relay shows of itself", () => {
  test("status lists its gateways, certificates, ports and window budget", async () => {
    const { relay, source } = await start();
    const gateway = await lab.gateway();
    await dialAsGateway(relay, gateway);
    const client = await dialAsClient(relay, await lab.client(gateway.gatewayId));
    client.write("hello");
    await client.until(8);
    const status = relay.status();
    expect(status).toMatchObject({
      id: source.credentials.relayId,
      listening: { ssh: relay.sshPort, tls: relay.tlsPort },
      gateways: {
        total: 1,
        list: [
          { gatewayId: gateway.gatewayId, gatewayName: "my-gateway", connections: 1, address: "127.0.0.1" },
        ],
      },
    });
    expect(status.windowBudget.used).toBeGreaterThan(0);
    expect(status.certificates.map(({ name }) => name)).toEqual(["tls", "ssh"]);
    for (const { until } of status.certificates) expect(until.getTime()).toBeGreaterThan(Date.now());
  });

  test("a live connection is listed with what it has carried so far", async () => {
    const { relay } = await start();
    const gateway = await lab.gateway();
    await dialAsGateway(relay, gateway);
    const client = await dialAsClient(relay, await lab.client(gateway.gatewayId));
    client.write("hello");
    await client.until(8);
    const about = { gatewayId: gateway.gatewayId, address: "127.0.0.1" };
    expect(instruments.connections.list(10)).toMatchObject([
      { id: "c1", mode: "client", bytesUp: 5, bytesDown: 5, about },
    ]);
    client.stream.end();
    await client.closed;
    await until(() => instruments.connections.totals().open === 0);
    expect(instruments.connections.totals()).toEqual({ open: 0, total: 1, bytesUp: 5, bytesDown: 5 });
  });

  test("handshakes are counted by protocol and result, refusals as errors too", async () => {
    const { relay } = await start();
    const { hostAuthorities, gatewayId } = await lab.gateway();
    await dialAsGateway(relay, await lab.gateway());
    await expect(dialAsGateway(relay, { ...(await stranger.gateway()), hostAuthorities })).rejects.toThrow();
    const client = await dialAsClient(relay, await lab.client(gatewayId));
    client.stream.end();
    await client.closed;
    await until(() => instruments.connections.totals().open === 0);
    const text = await instruments.metrics.text();
    expect(text).toContain('sallyport_handshakes_total{protocol="ssh",result="OK"} 1');
    expect(text).toMatch(/sallyport_handshakes_total\{protocol="ssh",result="CERTIFICATE_REFUSED"\} [1-9]/);
    expect(text).toContain('sallyport_handshakes_total{protocol="tls",result="OK"} 1');
    expect(text).toContain('sallyport_errors_total{code="GATEWAY_NOT_CONNECTED"} 1');
    expect(text).toContain("sallyport_gateways 1");
    expect(text).toMatch(/sallyport_unauthenticated_connections \d/);
  });

  test("a renewal that fails is a condition until one works", async () => {
    const { relay, source } = await start();
    const { load } = source;
    source.load = () => Promise.reject(new Error("the disk is gone"));
    relay.reload();
    await until(() => instruments.conditions.list().length > 0);
    expect(instruments.conditions.list()).toMatchObject([
      { code: "RENEWAL_FAILED", text: expect.stringContaining("the disk is gone") },
    ]);
    source.load = load;
    relay.reload();
    await until(() => instruments.conditions.list().length === 0);
  });
});
