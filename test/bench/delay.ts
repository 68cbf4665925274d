import { freePort } from "../support/ports.ts";
import { REPOSITORY, startProcess } from "../support/processes.ts";
import type { Workspace } from "../support/workspace.ts";

/** A loopback port that leads to `targetPort` over a line of `delayMs` each way. The workspace ends it. */
export async function startDelay(
  workspace: Workspace,
  targetPort: number,
  delayMs: number,
  port = freePort(),
): Promise<number> {
  const words = [`${REPOSITORY}/test/bench/delay-proxy.ts`, port, targetPort, delayMs].map(String);
  const proxy = workspace.own(startProcess([process.execPath, ...words]));
  await proxy.waitForOutput("ready");
  return port;
}
