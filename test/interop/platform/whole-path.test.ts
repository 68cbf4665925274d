import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { probeGateway, probeRelay } from "../../../src/client/probe.ts";
import { openTunnel } from "../../../src/client/tunnel.ts";
import { type Gateway, startGateway } from "../../../src/gateway/agent.ts";
import { parsePolicy } from "../../../src/gateway/target-policy.ts";
import type {
  ClientCredentials,
  CredentialSource,
  GatewayCredentials,
} from "../../../src/pki/credentials.ts";
import { accessAnswer } from "../../../src/platform-client/calls/access.ts";
import { gatewayConnectAnswer } from "../../../src/platform-client/calls/gateway-agent.ts";
import { relayConnectAnswer } from "../../../src/platform-client/calls/relay-agent.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { Inbox } from "../../support/byte-stream.ts";
import { DatabaseHost, type Tenant, TestPlatform } from "../../support/platform.ts";
import { type LabRelay, startLabRelay } from "../../support/relay.ts";

const HOST = "127.0.0.1";

/** What the platform issues, used by the real relay, the real gateway and the real client on loopback. */
describe("what the platform issues works", () => {
  let host: DatabaseHost;
  let platform: TestPlatform;
  let acme: Tenant;
  let lab: LabRelay;
  let relayToken = "";
  let gateway: Gateway;
  let gatewayId = "";
  let gatewayToken = "";

  beforeEach(async () => {
    host = await DatabaseHost.open();
    platform = await TestPlatform.reopen(await host.fresh("sqlite"), { onLoopback: true });
    platform.prober.onGateway = (credentials) => probeGateway(credentials);
    platform.prober.onRelay = (credentials) => probeRelay(credentials);
    acme = await platform.tenant("acme");
    relayToken = (await platform.relay(acme, "eu-1", HOST)).token;
    lab = await startRelay();
    const enrolled = await platform.gateway(acme, "office");
    gatewayId = enrolled.id;
    gatewayToken = enrolled.token;
    await runGateway();
  });
  afterEach(async () => {
    gateway.close();
    lab.relay.close();
    await platform.close();
    await host.close();
  });

  /** Its ports are known once it listens: it connects once for certificates, once to tell them. */
  async function startRelay(): Promise<LabRelay> {
    const started = await startLabRelay(await relayCredentials({}));
    const { sshPort, tlsPort } = started.relay;
    started.source.change(await relayCredentials({ sshPort, tlsPort }));
    return started;
  }

  async function relayCredentials(ports: { sshPort?: number; tlsPort?: number }) {
    const answer = await platform.call("POST", "/v2/relays/connect", { token: relayToken, body: ports });
    const { pki, ssh, relayId = "" } = relayConnectAnswer.parse(answer.body);
    return {
      relayId,
      relayName: "eu-1",
      host: HOST,
      tls: {
        certificate: pki.serverCertificate,
        privateKey: pki.serverPrivateKey ?? "",
        clientAuthorities: pki.clientCertificateChain,
      },
      ssh: {
        host: { certificate: ssh.serverCertificate, privateKey: ssh.serverPrivateKey ?? "" },
        userAuthorities: [ssh.clientCAPublicKey],
      },
    };
  }

  async function runGateway(): Promise<void> {
    const answer = await platform.call("POST", "/v3/gateways/connect", {
      token: gatewayToken,
      body: { maxRelays: 2 },
    });
    const { pki, relays = [] } = gatewayConnectAnswer.parse(answer.body);
    const credentials: GatewayCredentials = {
      gatewayId,
      gatewayName: "office",
      relays: relays.map(({ relayName, relayHost, sshPort = 2222, ssh }) => ({
        relayName,
        host: relayHost,
        sshPort,
        ssh: { certificate: ssh.clientCertificate, privateKey: ssh.clientPrivateKey ?? "" },
        hostAuthorities: [ssh.serverCAPublicKey],
      })),
      tls: {
        certificate: pki.serverCertificate,
        privateKey: pki.serverPrivateKey ?? "",
        clientAuthorities: pki.clientCertificateChain,
      },
    };
    const source: CredentialSource<GatewayCredentials> = {
      load: () => Promise.resolve(credentials),
      onStale() {},
      close() {},
    };
    const { promise: up, resolve } = Promise.withResolvers<void>();
    gateway = await startGateway({
      credentials: source,
      policy: parsePolicy({ allow: [HOST], deny: [] }),
      log: silentLogger,
      onTunnel: () => resolve(),
    });
    await up;
  }

  async function access(port: number): Promise<ClientCredentials> {
    const path = `/v1/gateways/${gatewayId}/access`;
    const body = { targetHost: HOST, targetPort: port };
    const answer = accessAnswer.parse((await platform.call("POST", path, { token: acme.token, body })).body);
    const identity = (hop: typeof answer.relay) => ({
      certificate: hop.clientCertificate,
      privateKey: hop.clientPrivateKey ?? "",
      serverAuthorities: hop.serverCertificateChain,
    });
    return {
      ...answer,
      relay: identity(answer.relay),
      gateway: identity(answer.gateway),
      requireGatewayUri: true,
    };
  }

  async function service(): Promise<{ port: number; close(): void }> {
    const server = createServer((socket) => socket.end("hello from inside\n"));
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const address = server.address();
    return { port: typeof address === "object" && address ? address.port : 0, close: () => server.close() };
  }

  test("heartbeats of relay and gateway reach them through TLS and SSH", async () => {
    expect((await platform.call("POST", "/v2/relays/heartbeat", { token: relayToken })).status).toBe(200);
    const beat = await platform.call("POST", "/v2/gateways/heartbeat", { token: gatewayToken, body: {} });
    expect(beat.status).toBe(200);
    const detail = await platform.call("GET", `/v3/gateways/${gatewayId}`, { token: acme.token });
    expect(detail.body).toMatchObject({ heartbeatTTL: 180, heartbeat: platform.time.toISOString() });
  });

  test("a heartbeat fails, saying why, once the gateway is gone", async () => {
    gateway.close();
    const { sessions } = lab.relay;
    while (sessions().length > 0) await Bun.sleep(5);
    const beat = await platform.call("POST", "/v2/gateways/heartbeat", { token: gatewayToken, body: {} });
    expect([beat.status, beat.body.code]).toEqual([400, "GATEWAY_NOT_CONNECTED"]);
  });

  test("a person reaches the target that was granted", async () => {
    const target = await service();
    const { stream } = await openTunnel(await access(target.port));
    expect(await new Inbox(stream).untilEnd()).toBe("hello from inside\n");
    target.close();
  });

  test("B11 the platform dials the address it judged, and the relay still proves its name", async () => {
    await platform.call("POST", "/v2/relays/heartbeat", { token: relayToken });
    const [credentials] = platform.prober.relays;
    if (!credentials) throw new Error("The relay was not probed");
    await probeRelay({ ...credentials, relayHost: HOST, relayAddress: HOST });
    const renamed = probeRelay({ ...credentials, relayHost: "relay.example.com", relayAddress: HOST });
    await expect(renamed).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
  });
});
