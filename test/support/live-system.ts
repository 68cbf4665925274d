import { createServer, type Socket } from "node:net";
import { PlatformAccess } from "../../src/client/platform-access.ts";
import { openTunnel } from "../../src/client/tunnel.ts";
import { type Gateway, startGateway } from "../../src/gateway/agent.ts";
import { prepareGateway } from "../../src/gateway/prepare.ts";
import { thisMachine } from "../../src/host/paths.ts";
import { bootstrapPlatform } from "../../src/platform/bootstrap-platform.ts";
import { type Platform, startPlatform } from "../../src/platform/platform.ts";
import { PlatformClient } from "../../src/platform-client/client.ts";
import { prepareRelay } from "../../src/relay/prepare.ts";
import { type Relay, startRelay } from "../../src/relay/relay.ts";
import { type Logger, silentLogger } from "../../src/telemetry/log.ts";
import { Inbox } from "./byte-stream.ts";
import { DatabaseHost, type DatabasePlace, TestPlatform } from "./platform.ts";
import { TcpGate } from "./tcp-gate.ts";

const HOST = "127.0.0.1";

/**
 * Platform, relay, gateway and a target in this process, wired as the commands wire them. The relay and the gateway
 * reach the platform through a gate that a test may shut.
 */
export class LiveSystem {
  readonly #gateways = new Map<string, Gateway>();
  readonly #closers: (() => void | Promise<void>)[] = [];

  private constructor(
    readonly host: DatabaseHost,
    readonly platform: Platform,
    readonly admin: PlatformClient,
    /** Between the agents and the platform. */
    readonly gates: { relays: TcpGate; gateways: TcpGate },
    private readonly where: DatabasePlace,
    private readonly log: Logger,
  ) {}

  static async open(options: { database?: "sqlite" | "postgres"; log?: Logger } = {}): Promise<LiveSystem> {
    const { database = "sqlite", log = silentLogger } = options;
    const host = await DatabaseHost.open();
    const where = await host.fresh(database);
    const order = { ...where, log, email: "root@example.com", organisation: "Acme" };
    const { token } = await bootstrapPlatform(order);
    const platform = await startPlatform({ ...where, log, listen: { hostname: HOST, port: 0 } });
    const gates = {
      relays: await TcpGate.open(platform.port),
      gateways: await TcpGate.open(platform.port),
    };
    const admin = new PlatformClient({ domain: platform.url, token: () => token });
    return new LiveSystem(host, platform, admin, gates, where, log);
  }

  /** What runs on a machine of its own. */
  async #machine(name: string): Promise<Record<string, string>> {
    const directory = await this.host.directory(name);
    return {
      HOME: directory,
      SALLYPORT_CONF_DIR: `${directory}/conf`,
      SALLYPORT_STATE_DIR: `${directory}/state`,
      SALLYPORT_RUNTIME_DIR: `${directory}/run`,
    };
  }

  /** @param options.reports whether it reports its tunnels: the answers name sessions to cut, too */
  async relay(name: string, { reports = true } = {}): Promise<Relay> {
    const env = await this.#machine(`relay-${name}`);
    const { id } = await this.admin.relays.create({ name, host: HOST });
    const { token } = await this.admin.relays.generateToken(id);
    const machine = thisMachine(env);
    const flags = {
      domain: this.gates.relays.url,
      insecureHttp: false,
      listen: HOST,
      sshPort: "0",
      tlsPort: "0",
      exempt: ["127.0.0.0/8"],
    };
    const prepared = await prepareRelay({ name, flags, token, machine }, this.log);
    const relay = await startRelay({
      credentials: prepared.credentials,
      listen: { hostname: HOST, sshPort: prepared.sshPort, tlsPort: prepared.tlsPort },
      exempt: ["127.0.0.0/8"],
      ...(prepared.follow && { follow: prepared.follow }),
      ...(prepared.report && reports && { report: prepared.report }),
      log: this.log,
    });
    this.#closers.push(() => relay.close());
    return relay;
  }

  /** Enrolled, in place of the one before, and with its first tunnel up. */
  async gateway(name: string, more: { relays?: string[] } = {}): Promise<Gateway> {
    const gateways = await this.admin.gateways.list();
    const known = gateways.find((gateway) => gateway.name === name);
    const { id } = known ?? (await this.admin.gateways.create({ name }));
    const { token } = await this.admin.gateways.generateToken(id);
    const machine = thisMachine(await this.#machine(`gateway-${name}`));
    const flags = {
      domain: this.gates.gateways.url,
      relays: more.relays ?? [],
      allow: [HOST],
      deny: [],
      insecureHttp: false,
    };
    const prepared = await prepareGateway({ gatewayName: name, flags, token, machine }, this.log);
    const up = Promise.withResolvers<void>();
    const gateway = await startGateway({ ...prepared, onTunnel: () => up.resolve() });
    this.#gateways.get(name)?.close();
    this.#gateways.set(name, gateway);
    await up.promise;
    return gateway;
  }

  /** A target on this machine that sends back what it gets. */
  async echo(): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    this.#closers.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  /** A tunnel to a resource that has carried a byte both ways; the person is the administrator unless told. */
  async connect(resource: string, client = this.admin): Promise<Inbox> {
    const access = await new PlatformAccess(client, { resource }).current();
    const inbox = new Inbox((await openTunnel(access.credentials)).stream);
    inbox.write("x");
    if ((await inbox.until(1)) !== "x") throw new Error("The tunnel ended before it carried anything");
    return inbox;
  }

  /** No relay and no gateway reaches the platform any more. */
  shut(): void {
    for (const gate of Object.values(this.gates)) gate.shut();
  }

  reopen(): void {
    for (const gate of Object.values(this.gates)) gate.reopen();
  }

  /** The platform as somebody who is no administrator. */
  async member(name: string): Promise<{ email: string; client: PlatformClient }> {
    const replica = await TestPlatform.reopen(this.where);
    const { organisation, user } = await this.admin.session.who();
    if (!user) throw new Error("The administrator is no person");
    const tenant = { orgId: organisation.id, userId: user.id, email: user.email, token: "" };
    const { email, token } = await replica.member(tenant, name);
    await replica.close();
    return { email, client: new PlatformClient({ domain: this.platform.url, token: () => token }) };
  }

  async close(): Promise<void> {
    // Whoever only closes them finds their accounts written after the directory was removed.
    await Promise.all([...this.#gateways.values()].map((gateway) => gateway.drain(0)));
    for (const close of this.#closers.splice(0).reverse()) await close();
    await this.gates.relays.close();
    await this.gates.gateways.close();
    await this.platform.close(500);
    await this.host.close();
  }
}
