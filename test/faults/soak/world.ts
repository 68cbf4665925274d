import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { PlatformClient } from "../../../src/platform-client/client.ts";
import { freePort } from "../../support/ports.ts";
import { type RunningProcess, runProduct, startProduct } from "../../support/processes.ts";
import type { Workspace } from "../../support/workspace.ts";
import type { Sample } from "./judge.ts";

const HOST = "127.0.0.1";
const READY = { relay: "Relay server started successfully", gateway: "Gateway started successfully" };

type Kind = keyof typeof READY;

/** A process of the product in a home of its own, with the probe in it. */
export class Resident {
  #process: RunningProcess | undefined;

  constructor(
    private readonly workspace: Workspace,
    readonly name: string,
    private readonly words: string[],
    private readonly env: Record<string, string> = {},
  ) {}

  get home(): string {
    return this.workspace.join(this.name);
  }

  get process(): RunningProcess {
    if (this.#process) return this.#process;
    throw new Error(`${this.name} is not running`);
  }

  start(): RunningProcess {
    const env = { ...this.env, SOAK_SAMPLE_FILE: this.#file };
    const preload = join(import.meta.dir, "probe.ts");
    this.#process = this.workspace.own(startProduct(this.words, { home: this.home, env, preload }));
    return this.#process;
  }

  async kill(): Promise<void> {
    this.process.kill();
    await this.process.exited;
  }

  /** What it holds right now. */
  async sample(): Promise<Sample> {
    rmSync(this.#file, { force: true });
    this.process.signal("SIGUSR2");
    for (let i = 0; i < 500; i++) {
      if (existsSync(this.#file)) return JSON.parse(readFileSync(this.#file, "utf8"));
      await Bun.sleep(20);
    }
    throw new Error(`${this.name} gave no sample: ${this.process.stderr.text.slice(-2000)}`);
  }

  get #file(): string {
    return join(this.home, "sample.json");
  }
}

/** A platform, two relays, a gateway that stays and one that flaps, and a client's `connect`. */
export interface World {
  platform: Resident;
  /** It stays. */
  relay: Resident;
  /** It is killed and started again. */
  otherRelay: Resident;
  gateway: Resident;
  flapping: Resident;
  connect: Resident;
  /** Of the relay that stays. */
  relayPorts: { ssh: number; tls: number };
  /** Leads to the target. */
  port: number;
  ready(resident: Resident, kind: Kind): Promise<void>;
}

/** @param target a port of this machine that clients reach through the gateway */
export async function buildWorld(workspace: Workspace, target: number): Promise<World> {
  const home = await workspace.directory("platform");
  const data = ["--data-dir", workspace.join("data")];
  const flags = ["--org", "Acme", "--email", "a@example.com", "--json"];
  const made = await runProduct(["platform", "bootstrap", ...data, ...flags], { home });
  const { token } = z.object({ token: z.string() }).parse(JSON.parse(made.stdout));
  const listen = ["--listen", `${HOST}:0`, "--log-format", "json"];
  const platform = new Resident(workspace, "platform", ["platform", "start", ...listen, ...data]);
  const started = JSON.parse(await platform.start().waitForLog('"url"'));
  const { url } = z.object({ url: z.string() }).parse(started);
  const client = new PlatformClient({ domain: url, token: () => token });

  const ready = async (resident: Resident, kind: Kind) => {
    await resident.process.waitForLog(READY[kind]);
  };
  const add = async (kind: Kind, name: string, words: string[]) => {
    await workspace.directory(name);
    const api = kind === "relay" ? client.relays : client.gateways;
    const { id } =
      kind === "relay"
        ? await client.relays.create({ name, host: HOST })
        : await client.gateways.create({ name });
    const { token: input } = await api.generateToken(id);
    // Everybody comes from one address here.
    const exempt = kind === "relay" ? ["--exempt", "127.0.0.0/8"] : [];
    const enroll = [kind, "enroll", name, "--token-file", "-", "--domain", url, ...words];
    const resident = new Resident(workspace, name, [kind, "start", name, ...exempt]);
    const { exitCode, stderr } = await runProduct(enroll, { home: resident.home, input });
    if (exitCode !== 0) throw new Error(`${name}: ${stderr}`);
    resident.start();
    await ready(resident, kind);
    return resident;
  };
  const relayPorts = { ssh: freePort(), tls: freePort() };
  const relayWords = (ssh: number, tls: number) => [
    ...["--listen", HOST, "--ssh-port", String(ssh), "--tls-port", String(tls)],
  ];
  const relay = await add("relay", "r-stays", relayWords(relayPorts.ssh, relayPorts.tls));
  const otherRelay = await add("relay", "r-restarts", relayWords(freePort(), freePort()));
  const gateway = await add("gateway", "g-stays", ["--allow", HOST, "--relay", "r-stays,r-restarts"]);
  const flapping = await add("gateway", "g-flaps", ["--allow", HOST, "--relay", "r-stays"]);

  await client.resources.create({ name: "echo", gatewayName: "g-stays", host: HOST, port: target });
  const env = { SALLYPORT_TOKEN: token, SALLYPORT_DOMAIN: url };
  await workspace.directory("connect");
  const words = ["connect", "echo", "--listen", `${HOST}:0`, "--json"];
  const connect = new Resident(workspace, "connect", words, env);
  const said = await connect.start().waitForJson(30_000);
  const { port } = z.object({ port: z.number() }).parse(said);
  return { platform, relay, otherRelay, gateway, flapping, connect, relayPorts, port, ready };
}
