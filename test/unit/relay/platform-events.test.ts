import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { authorityFingerprint } from "../../../src/pki/fingerprint.ts";
import type { EventHandler } from "../../../src/platform-client/event-stream.ts";
import {
  dialAsClient,
  dialAsGateway,
  type LabGateway,
  type LabRelay,
  RelayLab,
  startLabRelay,
} from "../../support/relay.ts";
import { until } from "../../support/until.ts";

let lab: RelayLab;
beforeAll(async () => {
  lab = await RelayLab.create();
});

describe("what a relay does with the platform's events", () => {
  const running: LabRelay[] = [];
  afterEach(() => {
    for (const { relay } of running.splice(0)) relay.close();
  });

  async function start(options: Parameters<typeof startLabRelay>[1] = {}) {
    const { promise, resolve } = Promise.withResolvers<EventHandler>();
    const started = await startLabRelay(await lab.relayCredentials(), {
      follow: async (handler) => resolve(handler),
      ...options,
    });
    running.push(started);
    return { ...started, platform: await promise };
  }

  /** A gateway's session, and how it ended. */
  async function join({ relay }: LabRelay, gateway: LabGateway) {
    const connection = await dialAsGateway(relay, gateway);
    const ended = new Promise<string>((resolve) =>
      connection.onClosed((error) => resolve(error?.message ?? "closed")),
    );
    await until(() => relay.sessions().some((session) => session.gatewayId === gateway.gatewayId));
    return { connection, ended };
  }

  async function through({ relay }: LabRelay, gatewayId: string) {
    const client = await lab.client(gatewayId);
    return { ...client, inbox: await dialAsClient(relay, client) };
  }

  test("O2 gateway.revoked cuts the session and its tunnels at once, and refuses what is older", async () => {
    const one = await start();
    const gateway = await lab.gateway({ generation: 1 });
    const { ended } = await join(one, gateway);
    const { inbox } = await through(one, gateway.gatewayId);
    expect(await inbox.until("OK\n".length)).toBe("OK\n");
    one.platform.event({ type: "gateway.revoked", gatewayId: gateway.gatewayId, generation: 2 });
    expect(await ended).toContain("revoked");
    await inbox.closed;
    expect(one.relay.sessions()).toEqual([]);
    // The stolen certificate is still valid: it gets in, and right out again.
    const again = await dialAsGateway(one.relay, gateway);
    const refused = new Promise<string>((resolve) =>
      again.onClosed((error) => resolve(error?.message ?? "closed")),
    );
    expect(await refused).toContain("revoked");
    const { inbox: late } = await through(one, gateway.gatewayId);
    expect(await late.untilEnd()).toContain("ERR GATEWAY_REVOKED");
  });

  test("after a new enrolment the gateway is served again", async () => {
    const one = await start();
    const { gatewayId } = await lab.gateway();
    one.platform.event({ type: "gateway.revoked", gatewayId, generation: 2 });
    one.platform.event({ type: "gateway.rotated", gatewayId, generation: 3 });
    const { inbox: early } = await through(one, gatewayId);
    expect(await early.untilEnd()).toContain("ERR GATEWAY_NOT_CONNECTED");
    await join(one, await lab.gateway({ gatewayId, generation: 3 }));
    const { inbox } = await through(one, gatewayId);
    expect(await inbox.until("OK\n".length)).toBe("OK\n");
  });

  test("gateway.rotated lets the tunnels of the old session end, and refuses its credentials", async () => {
    const one = await start();
    const old = await lab.gateway({ generation: 1 });
    const { ended } = await join(one, old);
    const { inbox } = await through(one, old.gatewayId);
    await inbox.until("OK\n".length);
    one.platform.event({ type: "gateway.rotated", gatewayId: old.gatewayId, generation: 2 });
    expect(one.relay.sessions()).toEqual([]);
    inbox.stream.write(Buffer.from("still here"));
    expect(await inbox.until("OK\nstill here".length)).toBe("OK\nstill here");
    inbox.stream.destroy();
    expect(await ended).toContain("replaced");
  });

  test("gateway.deleted cuts whatever generation it has", async () => {
    const one = await start();
    const gateway = await lab.gateway({ generation: 7 });
    const { ended } = await join(one, gateway);
    one.platform.event({ type: "gateway.deleted", gatewayId: gateway.gatewayId });
    expect(await ended).toContain("revoked");
  });

  test("access.ended cuts that client's connection and no other one, and refuses its certificate", async () => {
    const one = await start();
    const gateway = await lab.gateway({ generation: 1 });
    await join(one, gateway);
    const [bad, good] = [await through(one, gateway.gatewayId), await through(one, gateway.gatewayId)];
    await bad.inbox.until("OK\n".length);
    await good.inbox.until("OK\n".length);
    one.platform.event({ type: "access.ended", serials: [bad.serial] });
    await bad.inbox.closed;
    good.inbox.stream.write(Buffer.from("fine"));
    expect(await good.inbox.until("OK\nfine".length)).toBe("OK\nfine");
    const again = await dialAsClient(one.relay, bad);
    expect(await again.untilEnd()).toContain("ERR CERTIFICATE_REFUSED");
  });

  test("a snapshot cuts what is older than it, what is not in it, and ended clients; the rest stays", async () => {
    const one = await start();
    const [kept, old, gone] = [
      await lab.gateway({ generation: 2 }),
      await lab.gateway({ generation: 1 }),
      await lab.gateway({ generation: 1 }),
    ];
    const [stays, ...cut] = [await join(one, kept), await join(one, old), await join(one, gone)];
    const client = await through(one, kept.gatewayId);
    await client.inbox.until("OK\n".length);
    const gateways = [
      { gatewayId: kept.gatewayId, generation: 2 },
      { gatewayId: old.gatewayId, generation: 2 },
    ];
    one.platform.snapshot({ gateways, serials: [client.serial] }, Date.now() + 1);
    for (const { ended } of cut) expect(await ended).toContain("revoked");
    await client.inbox.closed;
    expect(one.relay.sessions().map((session) => session.gatewayId)).toEqual([kept.gatewayId]);
    stays.connection.disconnect(11, "done");
  });

  test("a gateway that came after the snapshot was asked for is not missing from it", async () => {
    const one = await start();
    const asked = Date.now() - 1;
    const gateway = await lab.gateway({ generation: 1 });
    await join(one, gateway);
    one.platform.snapshot({ gateways: [], serials: [] }, asked);
    expect(one.relay.sessions()).toHaveLength(1);
  });

  test("relay.revoked ends its service, relay.drain only asks for it", async () => {
    const one = await start();
    const { ended } = await join(one, await lab.gateway({ generation: 1 }));
    one.platform.event({ type: "relay.drain", relayId: "r" });
    expect(await one.relay.ordered).toBe("drain");
    expect(one.relay.sessions()).toHaveLength(1);
    one.platform.event({ type: "relay.revoked", relayId: "r" });
    await ended;
    expect(one.relay.sessions()).toEqual([]);
  });

  test("authorities.changed fetches new credentials", async () => {
    const one = await start();
    const before = one.source.loads;
    one.platform.event({ type: "authorities.changed", withinSeconds: 0 });
    await until(() => one.source.loads > before);
  });

  test("F7 what a compromised authority signed is cut and refused at once, until there are new credentials", async () => {
    const one = await start({ exempt: ["127.0.0.0/8"] });
    const gateway = await lab.gateway();
    const { ended } = await join(one, gateway);
    const { inbox } = await through(one, gateway.gatewayId);
    expect(await inbox.until("OK\n".length)).toBe("OK\n");
    const { relayClient, sshClient } = lab.organisation;
    const next = await RelayLab.create();
    one.platform.event({
      type: "authorities.changed",
      withinSeconds: 3600,
      distrusted: [relayClient, sshClient].map(authorityFingerprint),
    });
    expect(await ended).toContain("certificate expired");
    await inbox.closed;
    await until(() => one.log.some(({ message }) => message.includes("distrusts")));
    await expect(dialAsGateway(one.relay, gateway)).rejects.toMatchObject({
      code: "SSH_AUTHENTICATION_FAILED",
    });
    const client = await lab.client(gateway.gatewayId);
    const refused = await dialAsClient(one.relay, client);
    expect(await refused.untilEnd()).toStartWith("ERR CERTIFICATE_REFUSED");
    refused.stream.destroy();
    // An answer from before it brings the old ones back: they stay out. One with others lets those in.
    one.source.change(await lab.relayCredentials());
    await until(() => one.source.loads > 1);
    await expect(dialAsGateway(one.relay, gateway)).rejects.toThrow();
    one.source.change(await next.relayCredentials());
    await until(() => one.source.loads > 2);
    const successor = await next.gateway();
    const again = await join(one, successor);
    again.connection.disconnect(11, "done");
  });

  test("without a stream nothing is cut", async () => {
    const started = await startLabRelay(await lab.relayCredentials());
    running.push(started);
    await join(started, await lab.gateway({ generation: 1 }));
    expect(started.relay.sessions()).toHaveLength(1);
  });
});
