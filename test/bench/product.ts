import { startNetwork } from "../support/network.ts";
import { freePort } from "../support/ports.ts";
import { Workspace } from "../support/workspace.ts";
import type { Path, Target } from "./baselines.ts";
import { startDelay } from "./delay.ts";

/** All clients of a benchmark share one address, which the relay's admission is there to prevent. */
const EXEMPT = ["--exempt", "127.0.0.1/32"];

/** The full path in processes of its own: generator -> relay -> gateway -> target. */
export async function fullPath(
  workspace: Workspace,
  target: Target,
  { delayMs = 0, relayFlags = [] }: { delayMs?: number; relayFlags?: string[] } = {},
): Promise<Path> {
  const own = await Workspace.open("bench-network");
  workspace.own(own);
  const port = freePort();
  const detour = { port, start: (sshPort: number) => startDelay(own, sshPort, delayMs, port) };
  const flags = { relayFlags: [...EXEMPT, ...relayFlags] };
  const network = await startNetwork(own, { ...flags, ...(delayMs > 0 ? { detour } : {}) });
  return {
    spec: { via: "path", directory: await network.clientDirectory(`localhost:${target.rawPort}`) },
    processes: { relay: () => network.relay.pid, gateway: () => network.gateway.pid },
  };
}
