import { z } from "zod";
import { FakeTime } from "./fake-time.ts";
import {
  type Agent,
  GATEWAY,
  type PlatformNetwork,
  READY,
  RELAY,
  startPlatform,
} from "./platform-network.ts";
import { type RunningProcess, runProduct, startProduct } from "./processes.ts";
import { echoTarget, roundTrip } from "./steady-load.ts";
import type { Workspace } from "./workspace.ts";

export const AGENTS = ["relay", "gateway"] as const;
const NAMES: Record<Agent, string> = { relay: RELAY, gateway: GATEWAY };

const shown = z.object({
  certificates: z.array(z.object({ name: z.string(), from: z.coerce.date(), until: z.coerce.date() })),
  conditions: z.array(z.object({ code: z.string() })),
});

/** Platform, relay, gateway, target and a client's `connect` as processes that share a clock which tests set. */
export class DatedSystem {
  readonly #daemons = new Map<Agent, RunningProcess>();
  #platform: RunningProcess;

  private constructor(
    private readonly workspace: Workspace,
    readonly time: FakeTime,
    private readonly network: PlatformNetwork,
    /** Leads to the target, through everything. */
    readonly port: number,
  ) {
    this.#platform = network.platform;
  }

  static async open(workspace: Workspace): Promise<DatedSystem> {
    const time = FakeTime.open(workspace);
    // The authorities are older than any jump back.
    time.jump(-48);
    const network = await startPlatform(workspace, { env: time.env, agentEnv: time.env });
    time.jump(48);
    const daemons = new Map<Agent, RunningProcess>();
    for (const agent of AGENTS) {
      await network.enroll(agent);
      const daemon = network.start(agent);
      daemons.set(agent, daemon);
      await daemon.waitForLog(READY[agent]);
    }
    const target = { host: "127.0.0.1", port: await echoTarget(workspace) };
    await network.client.resources.create({ name: "echo", gatewayName: GATEWAY, ...target });
    const env = { ...time.env, SALLYPORT_TOKEN: network.token, SALLYPORT_DOMAIN: network.client.domain };
    const words = ["connect", "echo", "--listen", "127.0.0.1:0", "--json"];
    const forward = workspace.own(startProduct(words, { home: workspace.path, env }));
    const { port } = z.object({ port: z.number() }).parse(await forward.waitForJson(20_000));
    const system = new DatedSystem(workspace, time, network, port);
    for (const [agent, daemon] of daemons) system.#daemons.set(agent, daemon);
    return system;
  }

  daemon(agent: Agent): RunningProcess {
    const daemon = this.#daemons.get(agent);
    if (!daemon) throw new Error(`${agent} was never started`);
    return daemon;
  }

  /** Again, with what it kept. */
  async start(agent: Agent): Promise<void> {
    const daemon = this.network.start(agent);
    this.#daemons.set(agent, daemon);
    await daemon.waitForLog(READY[agent]);
  }

  async stopPlatform(): Promise<void> {
    await this.#platform.stop();
  }

  /** Where it was. */
  async startPlatform(): Promise<void> {
    const listen = new URL(this.network.client.domain).host;
    const words = ["platform", "start", "--listen", listen, "--data-dir", this.network.dataDirectory];
    const own = { home: this.workspace.join("platform"), env: this.time.env };
    this.#platform = this.workspace.own(startProduct(words, own));
    await this.#platform.waitForLog("Platform started");
  }

  async conditions(agent: Agent): Promise<string[]> {
    return (await this.#status(agent)).conditions.map(({ code }) => code);
  }

  /** What is wrong with the certificates of both, by their own clock. */
  async flaws(): Promise<string[]> {
    const found: string[] = [];
    for (const agent of AGENTS) {
      const { certificates, conditions } = await this.#status(agent);
      const now = this.time.now();
      for (const { name, from, until } of certificates) {
        if (from > now || until <= now) found.push(`${agent} ${name} from ${from.toISOString()}`);
      }
      for (const { code } of conditions) {
        if (/^(CERTIFICATE|CLOCK)_/.test(code)) found.push(`${agent} ${code}`);
      }
    }
    return found;
  }

  /** Certificates become right in time, and new connections come through. @throws what is wrong at the deadline */
  async recovers(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const found = await this.flaws();
      if (found.length === 0 && (await roundTrip(this.port))) return;
      if (performance.now() > deadline) {
        throw new Error(`after ${deadlineMs} ms: ${found.join(", ") || "no way through"}`);
      }
      await Bun.sleep(500);
    }
  }

  async #status(agent: Agent): Promise<z.infer<typeof shown>> {
    const own = this.network.as(agent);
    const { stdout } = await runProduct([agent, "status", NAMES[agent], "--json"], own);
    return shown.parse(JSON.parse(stdout));
  }
}
