import { z } from "zod";
import { PlatformClient } from "../../src/platform-client/client.ts";
import { freePort } from "./ports.ts";
import {
  type Build,
  type ProductOptions,
  type RunningProcess,
  runProduct,
  startProduct,
} from "./processes.ts";
import type { Workspace } from "./workspace.ts";

/** Names of the one relay and the one gateway. */
export const RELAY = "edge";
export const GATEWAY = "site";

export type Agent = "relay" | "gateway";

/** A platform of the product as a process; relay and gateway get what they need from it and live in homes of their own. */
export interface PlatformNetwork {
  platform: RunningProcess;
  /** As the administrator. */
  client: PlatformClient;
  /** The administrator's. */
  token: string;
  /** Where the platform keeps everything but its root key. */
  dataDirectory: string;
  /** HOME of each agent: its conf, state and sockets are below it and nothing else is. */
  homes: Record<Agent, string>;
  /** A new one-time token; the relay or gateway is created the first time. */
  mint(agent: Agent): Promise<string>;
  /** The words of `<agent> enroll`, which reads its token from stdin. */
  enrollWords(agent: Agent, domain?: string): string[];
  enroll(agent: Agent): Promise<void>;
  /** `<agent> start`, on the same ports each time. */
  start(agent: Agent): RunningProcess;
  /** How the product runs as that agent. */
  as(agent: Agent): ProductOptions;
}

/** What each agent logs when it is ready. */
export const READY: Record<Agent, string> = {
  relay: "Relay server started successfully",
  gateway: "Gateway started successfully",
};

const STARTED = z.object({ url: z.string() });
const BOOTSTRAPPED = z.object({ token: z.string() });

export async function startPlatform(
  workspace: Workspace,
  o: {
    build?: Build;
    env?: Record<string, string>;
    agentEnv?: Record<string, string>;
    /** What the relay is called by those who dial it; this machine's loopback unless told. */
    relayHost?: string;
  } = {},
): Promise<PlatformNetwork> {
  const { build = "source", env = {}, agentEnv = {}, relayHost = "127.0.0.1" } = o;
  const dataDirectory = workspace.join("platform-data");
  const data = ["--data-dir", dataDirectory];
  const own = { home: await workspace.directory("platform"), build, env };
  const bootstrap = ["platform", "bootstrap", ...data, "--org", "Acme", "--email", "admin@example.com"];
  const { stdout, stderr } = await runProduct([...bootstrap, "--json"], own);
  if (stdout === "") throw new Error(`no bootstrap: ${stderr}`);
  const { token } = BOOTSTRAPPED.parse(JSON.parse(stdout));
  const platform = workspace.own(
    startProduct(["platform", "start", "--listen", "127.0.0.1:0", ...data, "--log-format", "json"], own),
  );
  const { url } = STARTED.parse(JSON.parse(await platform.waitForLog('"url"')));
  const client = new PlatformClient({ domain: url, token: () => token });

  const homes = {
    relay: await workspace.directory("relay-home"),
    gateway: await workspace.directory("gateway-home"),
  };
  const names = { relay: RELAY, gateway: GATEWAY };
  const ids: Partial<Record<Agent, string>> = {};
  const ports = ["--listen", "127.0.0.1", "--ssh-port", String(freePort()), "--tls-port", String(freePort())];
  const flags = { relay: ports, gateway: ["--allow", "localhost"] };
  const as = (agent: Agent) => ({ home: homes[agent], build, env: agentEnv });
  const create = async (agent: Agent) => {
    if (agent === "gateway") return (await client.gateways.create({ name: GATEWAY })).id;
    return (await client.relays.create({ name: RELAY, host: relayHost })).id;
  };
  const enrollWords = (agent: Agent, domain = url) => [
    ...[agent, "enroll", names[agent], "--token-file", "-", "--domain", domain],
    ...flags[agent],
  ];
  const mint = async (agent: Agent) => {
    ids[agent] ??= await create(agent);
    const agents = agent === "relay" ? client.relays : client.gateways;
    return (await agents.generateToken(ids[agent])).token;
  };
  return {
    platform,
    client,
    token,
    dataDirectory,
    homes,
    as,
    mint,
    enrollWords,
    async enroll(agent) {
      const input = await mint(agent);
      const result = await runProduct(enrollWords(agent), { ...as(agent), input });
      if (result.exitCode !== 0) throw new Error(`${agent} enroll failed: ${result.stderr}`);
    },
    start: (agent) => workspace.own(startProduct([agent, "start", names[agent]], as(agent))),
  };
}
