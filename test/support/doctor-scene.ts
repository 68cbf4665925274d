import { join } from "node:path";
import type { Surroundings } from "../../src/client/diagnose/context.ts";
import { type Diagnosis, diagnose } from "../../src/client/diagnose/diagnose.ts";
import { lookAtTunnel } from "../../src/client/diagnose/tunnel.ts";
import { type Gateway, startGateway } from "../../src/gateway/agent.ts";
import { type GatewayLook, lookFromGateway } from "../../src/gateway/diagnose/gateway.ts";
import { parsePolicy } from "../../src/gateway/target-policy.ts";
import { openControl } from "../../src/host/control/server.ts";
import type { ClientCredentials, GatewayCredentials, Revocations } from "../../src/pki/credentials.ts";
import { PlatformClient } from "../../src/platform-client/client.ts";
import { lookFromRelay, type RelayLook } from "../../src/relay/diagnose/relay.ts";
import { type Relay, startRelay } from "../../src/relay/relay.ts";
import { createInstruments, type Instruments } from "../../src/telemetry/instruments.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import type { DaemonStatus } from "../../src/telemetry/status.ts";
import { StubPlatform } from "./stub-platform.ts";
import { type ClientWish, fixedSource, type TestPki, testPki } from "./test-pki.ts";
import type { Workspace } from "./workspace.ts";

export interface SceneOptions {
  /** Of the relay. */
  revocations?: Revocations;
  /** False: the gateway is not there. */
  gateway?: boolean;
}

/** A platform, a relay and a gateway in this process, all in order; tests break one thing and call the doctor. */
export class DoctorScene {
  private constructor(
    readonly pki: TestPki,
    readonly platform: StubPlatform,
    readonly relay: Relay,
    readonly gateway: Gateway | undefined,
    readonly credentials: GatewayCredentials,
    readonly runtimeDirectory: string,
    readonly stateDirectory: string,
    /** The relay's. */
    readonly instruments: Instruments,
  ) {}

  static async open(workspace: Workspace, options: SceneOptions = {}): Promise<DoctorScene> {
    const pki = await testPki();
    const platform = workspace.own(new StubPlatform(pki));
    platform.accessToken = "access-of-the-doctor";
    const { revocations } = options;
    const instruments = createInstruments();
    const relay = workspace.own(
      await startRelay({
        instruments,
        credentials: fixedSource({ ...(await pki.relay()), ...(revocations && { revocations }) }),
        listen: { hostname: "127.0.0.1", sshPort: 0, tlsPort: 0 },
        log: silentLogger,
      }),
    );
    const credentials = await pki.gateway({ relays: [{ sshPort: relay.sshPort }] });
    const name = crypto.randomUUID().slice(0, 8);
    const runtimeDirectory = await workspace.directory(`run-${name}`);
    const stateDirectory = await workspace.directory(`state-${name}`);
    const gateway =
      options.gateway === false ? undefined : await openGateway(workspace, credentials, runtimeDirectory);
    return new DoctorScene(
      pki,
      platform,
      relay,
      gateway,
      credentials,
      runtimeDirectory,
      stateDirectory,
      instruments,
    );
  }

  /** What the doctor says on the gateway's machine. */
  async onGateway(change: Partial<GatewayLook> = {}, around: Partial<Surroundings> = {}): Promise<Diagnosis> {
    const look: GatewayLook = {
      credentials: async () => this.credentials,
      platform: this.platformLook(this.platform.url),
      stateDirectory: this.stateDirectory,
      runtimeDirectory: this.runtimeDirectory,
      start: "sallyport gateway start gateway-a",
      policy: parsePolicy({ allow: ["localhost"], deny: [], gatewayName: "gateway-a" }),
      ...change,
    };
    const collectors = lookFromGateway(look, { ...calm, ...around });
    return diagnose({ place: "gateway", subject: "gateway-a", collectors });
  }

  /** What it says on a client's machine, once that has its certificates. */
  async onClient(wish: ClientWish = {}, change: Partial<ClientCredentials> = {}): Promise<Diagnosis> {
    const made = await this.pki.client({ relayPort: this.relay.tlsPort, ...wish });
    const credentials = { ...made, ...change };
    const collectors = [lookAtTunnel({ credentials: () => credentials, needs: [] }, calm)];
    return diagnose({ place: "client", subject: "target", collectors });
  }

  /** What it says on the relay's machine, where the relay runs. */
  async onRelay(change: Partial<RelayLook> = {}): Promise<Diagnosis> {
    const { relay, pki } = this;
    const credentials = await pki.relay({ sshPort: relay.sshPort });
    const control = await openControl({
      runtimeDirectory: join(this.runtimeDirectory, "relay"),
      status: async () => ({
        ...{ ...statusOf(), role: "relay", tunnels: undefined },
        listening: { ssh: relay.sshPort, tls: relay.tlsPort },
      }),
      reload: () => undefined,
      setLogLevel: () => undefined,
    });
    const look: RelayLook = {
      credentials: async () => credentials,
      stateDirectory: this.stateDirectory,
      runtimeDirectory: join(this.runtimeDirectory, "relay"),
      start: "sallyport relay start relay-a",
      listening: { host: "127.0.0.1", sshPort: 1, tlsPort: 1 },
      ...change,
    };
    try {
      const collectors = lookFromRelay(look, calm);
      return await diagnose({ place: "relay", subject: "relay-a", collectors });
    } finally {
      control.close();
    }
  }

  platformLook(domain: string): NonNullable<GatewayLook["platform"]> {
    const client = new PlatformClient({ domain, insecureHttp: true, token: () => "access-of-the-doctor" });
    return { domain, heartbeat: (signal) => client.gatewayAgent.heartbeat({}, { signal }) };
  }
}

/** Long enough for a machine that has much to do, short enough for a port that never answers. */
const calm: Surroundings = { env: {}, now: () => new Date(), patienceMs: 2000 };

async function openGateway(
  workspace: Workspace,
  credentials: GatewayCredentials,
  runtimeDirectory: string,
): Promise<Gateway> {
  const up = Promise.withResolvers<string>();
  const gateway = workspace.own(
    await startGateway({
      credentials: fixedSource(credentials),
      policy: parsePolicy({ allow: ["localhost"], deny: [], gatewayName: "gateway-a" }),
      log: silentLogger,
      onTunnel: up.resolve,
    }),
  );
  await up.promise;
  workspace.own(
    await openControl({
      runtimeDirectory,
      status: async () => statusOf(gateway),
      reload: () => undefined,
      setLogLevel: () => undefined,
    }),
  );
  return gateway;
}

function statusOf(gateway?: Gateway): DaemonStatus {
  return {
    ...{ role: "gateway", name: "gateway-a", id: null, version: "0", pid: 1, since: "", state: "running" },
    ...{ logLevel: "info", metrics: null, conditions: [], certificates: [], errors: {}, windowBudget: null },
    tunnels: gateway?.tunnels(),
    connections: { open: 0, total: 0, bytesUp: 0, bytesDown: 0, newest: [] },
    process: { memoryBytes: 0, eventLoopLagMs: 0 },
  };
}
