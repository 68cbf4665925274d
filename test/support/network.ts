import { z } from "zod";
import { freePort, onFreePort } from "./ports.ts";
import { type Build, type RunningProcess, runProduct, startProduct } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

export interface NetworkOptions {
  /** `source` unless told. */
  build?: Build;
  /** Rules of the gateway (`--allow`); everything on this machine unless told. */
  allow?: string[];
  /** How long the certificates of relay and gateway are valid (`--ttl`); 30 days unless told. */
  ttl?: string;
  /** More flags of `relay start`. */
  relayFlags?: string[];
  /** More flags of `gateway start`. */
  gatewayFlags?: string[];
  /** File descriptors that each may have open; this machine's limit unless told. */
  descriptors?: { relay?: number; gateway?: number };
  /** A proxy on the gateway's way to the relay: the port it listens on, started once the relay's own is known. */
  detour?: { port: number; start(relaySshPort: number): Promise<unknown> };
}

/** A relay and a gateway of the product, as processes, with certificates of `sallyport ca` and no platform. */
export interface Network {
  relay: RunningProcess;
  gateway: RunningProcess;
  relayPorts: { ssh: number; tls: number };
  directories: { ca: string; relay: string; gateway: string };
  /** `ca issue client`: a directory for `connect --pki` that leads to `target`. */
  clientDirectory(target: string): Promise<string>;
  /** `connect --pki --listen 127.0.0.1:0`: the local port that leads to `target`, and the process behind it. */
  forward(target: string, ...flags: string[]): Promise<{ port: number; process: RunningProcess }>;
  /** Replaces the certificates and keys of relay and gateway where they are; both processes notice. */
  reissue(ttl?: string): Promise<void>;
  /** Runs `sallyport <args>`; anything but exit code 0 is an error. Returns stdout. */
  sallyport(...args: string[]): Promise<string>;
}

/** Makes the certificates, starts the relay and then the gateway, and waits for the tunnel. The workspace stops them. */
export async function startNetwork(workspace: Workspace, options: NetworkOptions = {}): Promise<Network> {
  const {
    build = "source",
    allow = ["localhost"],
    relayFlags = [],
    gatewayFlags = [],
    descriptors = {},
    ttl = "30d",
  } = options;
  const product = { home: workspace.path, build };
  const directories = {
    ca: workspace.join("ca"),
    relay: workspace.join("relay"),
    gateway: workspace.join("gateway"),
  };
  const sallyport = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await runProduct(args, product);
    if (exitCode !== 0) throw new Error(`sallyport ${args.join(" ")} exited with ${exitCode}: ${stderr}`);
    return stdout;
  };
  const issue = (...args: string[]) => sallyport("ca", "issue", ...args, "--dir", directories.ca);
  const issueRelay = (out: string, ssh: number, tls: number, life = ttl) => {
    const ports = ["--ssh-port", String(ssh), "--tls-port", String(tls)];
    return issue("relay", "edge", "--host", "127.0.0.1", ...ports, "--out", out, "--ttl", life);
  };
  const issueGateway = (ssh: number, life = ttl) => {
    const relayHost = `127.0.0.1:${ssh}`;
    return issue("gateway", "site", "--relay-host", relayHost, "--out", directories.gateway, "--ttl", life);
  };

  await sallyport("ca", "init", "--dir", directories.ca, "--org", "Acme");
  const { relay, relayPorts } = await onFreePort(async (ssh) => {
    const tls = freePort();
    const out = `${directories.relay}-${ssh}`;
    await issueRelay(out, options.detour?.port ?? ssh, tls);
    directories.relay = out;
    const process = startProduct(
      ["relay", "start", "--pki", out, "--listen", "127.0.0.1", "--ssh-port", String(ssh), ...relayFlags],
      { ...product, ...(descriptors.relay && { descriptors: descriptors.relay }) },
    );
    try {
      await process.waitForLog("Relay server started successfully");
    } catch (error) {
      await process.close();
      throw error;
    }
    return { relay: workspace.own(process), relayPorts: { ssh, tls } };
  });

  await options.detour?.start(relayPorts.ssh);
  const sshPort = options.detour?.port ?? relayPorts.ssh;
  await issueGateway(sshPort);
  const rules = allow.flatMap((rule) => ["--allow", rule]);
  const gateway = workspace.own(
    startProduct(["gateway", "start", "--pki", directories.gateway, ...rules, ...gatewayFlags], {
      ...product,
      ...(descriptors.gateway && { descriptors: descriptors.gateway }),
    }),
  );
  await gateway.waitForLog("Gateway started successfully");

  let clients = 0;
  const clientDirectory = async (target: string) => {
    const out = workspace.join(`client-${++clients}`);
    await issue("client", "--gateway", "site", "--target", target, "--out", out);
    return out;
  };
  return {
    relay,
    gateway,
    relayPorts,
    directories,
    clientDirectory,
    async reissue(life = ttl) {
      await issueRelay(directories.relay, sshPort, relayPorts.tls, life);
      await issueGateway(sshPort, life);
    },
    sallyport,
    async forward(target, ...flags) {
      const directory = await clientDirectory(target);
      const process = workspace.own(
        startProduct(["connect", "--pki", directory, "--listen", "127.0.0.1:0", "--json", ...flags], product),
      );
      const { port } = z.object({ port: z.number() }).parse(await process.waitForJson());
      return { port, process };
    },
  };
}
