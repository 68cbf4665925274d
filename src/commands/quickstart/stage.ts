import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { makePrivateDirectory, writeFileWhole } from "../../host/atomic-file.ts";
import { PlatformClient } from "../../platform-client/client.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { Child } from "./child.ts";

/** Told before and after each step, so that a person sees what takes how long. */
export interface Narrator {
  begin(title: string): void;
  done(milliseconds: number): void;
  failed(): void;
}

const LISTENING = z.object({ port: z.number() });
const DEMO = z.object({ port: z.number(), rawPort: z.number() });
const STARTED = z.object({ url: z.string() });
const BOOTSTRAPPED = z.object({ token: z.string() });

/** The whole system on this machine: five roles of this program as processes, in one directory that goes with them. */
export class Stage {
  readonly steps: { name: string; ms: number }[] = [];
  readonly #directory: string;
  readonly #narrator: Narrator;
  readonly #children: Child[] = [];
  #closing: Promise<void> | undefined;

  private constructor(directory: string, narrator: Narrator) {
    this.#directory = directory;
    this.#narrator = narrator;
  }

  static async open(narrator: Narrator): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), "sallyport-")), narrator);
  }

  /** Holds the administrator's API token. */
  get tokenFile(): string {
    return join(this.#directory, "token");
  }

  service(): Promise<z.infer<typeof DEMO>> {
    return this.#step("service", "A private service, reachable on this machine only", async () => {
      const child = this.#start("service", ["demo-target", "--listen", "127.0.0.1:0"]);
      return DEMO.parse(await child.waitFor("Starting the service", (line) => "rawPort" in line));
    });
  }

  platform(): Promise<PlatformClient> {
    return this.#step("platform", "The platform: certificates, registry, API", async () => {
      await makePrivateDirectory(join(this.#directory, "home"));
      const where = ["--data-dir", join(this.#directory, "platform")];
      const bootstrap = ["platform", "bootstrap", ...where, "--org", "Demo", "--email", "you@example.com"];
      const once = this.#start("platform", [...bootstrap, "--json"]);
      const { token } = BOOTSTRAPPED.parse(JSON.parse(await once.finish("Setting up the platform")));
      await writeFileWhole(this.tokenFile, `${token}\n`);
      const child = this.#start("platform", [
        "platform",
        "start",
        "--listen",
        "127.0.0.1:0",
        ...where,
        "--log-format",
        "json",
      ]);
      const { url } = STARTED.parse(await child.waitFor("Starting the platform", (line) => "url" in line));
      return new PlatformClient({ domain: url, token: () => token });
    });
  }

  relay(platform: PlatformClient): Promise<void> {
    return this.#step("relay", "A relay: gateways dial in, clients come by, nobody reads", async () => {
      const relay = await platform.relays.create({ name: "demo", host: "127.0.0.1" });
      const { token } = await platform.relays.generateToken(relay.id);
      const args = [
        "relay",
        "start",
        "--name",
        "demo",
        "--enroll-method",
        "token",
        "--token-file",
        "-",
        "--domain",
        platform.domain,
      ];
      const ports = ["--listen", "127.0.0.1", "--ssh-port", "0", "--tls-port", "0"];
      const child = this.#start("relay", [...args, ...ports, "--log-format", "json"], token);
      await child.waitFor(
        "Starting the relay",
        ({ message }) => message === "Relay server started successfully",
      );
    });
  }

  gateway(platform: PlatformClient, allowPorts: number[]): Promise<string> {
    return this.#step("gateway", "A gateway: dials out to the relay, has no open port", async () => {
      const { id } = await platform.gateways.create({ name: "demo" });
      const { token } = await platform.gateways.generateToken(id);
      const allow = allowPorts.flatMap((port) => ["--allow", `127.0.0.1:${port}`]);
      const args = [
        "gateway",
        "start",
        "demo",
        "--enroll-method",
        "token",
        "--token-file",
        "-",
        "--domain",
        platform.domain,
      ];
      const child = this.#start("gateway", [...args, ...allow, "--log-format", "json"], token);
      await child.waitFor(
        "Starting the gateway",
        ({ message }) => message === "Gateway started successfully",
      );
      return id;
    });
  }

  /** A resource behind the gateway, and a local port that leads to it. */
  client(platform: PlatformClient, resource: { name: string; port: number }): Promise<number> {
    return this.#step(
      `connect ${resource.name}`,
      `A local port that leads to "${resource.name}" through relay and gateway`,
      async () => {
        await platform.resources.create({
          name: resource.name,
          gatewayName: "demo",
          host: "127.0.0.1",
          port: resource.port,
        });
        const child = this.#start(
          "client",
          ["connect", resource.name, "--listen", "127.0.0.1:0", "--json", "--domain", platform.domain],
          undefined,
          {
            SALLYPORT_TOKEN_FILE: this.tokenFile,
          },
        );
        return LISTENING.parse(await child.waitFor("Connecting", (line) => "listening" in line)).port;
      },
    );
  }

  /** Runs one more named step of the caller's. */
  also<T>(name: string, title: string, run: () => Promise<T>): Promise<T> {
    return this.#step(name, title, run);
  }

  async #step<T>(name: string, title: string, run: () => Promise<T>): Promise<T> {
    const start = performance.now();
    this.#narrator.begin(title);
    const result = await run().catch((error: unknown) => {
      this.#narrator.failed();
      throw error;
    });
    const ms = Math.round(performance.now() - start);
    this.steps.push({ name, ms });
    this.#narrator.done(ms);
    return result;
  }

  /** Ends every process, clients first, and removes the directory. Whoever calls again waits for the same. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const child of this.#children.reverse()) await child.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #start(name: string, args: string[], input?: string, env: Record<string, string> = {}): Child {
    if (this.#closing !== undefined) throw new SallyportError("DRAINING", "Quickstart is stopping.");
    const child = new Child(name, args, { ...this.#env(), ...env }, input);
    this.#children.push(child);
    return child;
  }

  /** Nothing of the person's own Sallyport settings reaches the demo. */
  #env(): Record<string, string> {
    const home = join(this.#directory, "home");
    return {
      PATH: process.env.PATH ?? "",
      TMPDIR: tmpdir(),
      HOME: home,
      SALLYPORT_CONF_DIR: join(home, "conf"),
      SALLYPORT_STATE_DIR: join(home, "state"),
      // Short: the path of a unix socket may have 107 bytes only.
      SALLYPORT_RUNTIME_DIR: join(this.#directory, "run"),
    };
  }
}
