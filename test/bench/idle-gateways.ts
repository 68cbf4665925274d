import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RELAY_FILES } from "../../src/pki/identity.ts";
import { SshAuthority } from "../../src/pki/ssh-authority.ts";
import { startNetwork } from "../support/network.ts";
import { REPOSITORY, startProcess } from "../support/processes.ts";
import { Workspace } from "../support/workspace.ts";
import { rounded } from "./statistics.ts";
import { rssMB } from "./usage.ts";

export interface IdleGateways {
  gateways: number;
  loginsPerSecond: number;
  relayRssMB: number;
  relayKBEach: number;
}

/** How long the relay needs to see that its directory has changed. */
const RELOAD_MS = 3500;

/**
 * Connects `gateways` gateways that do nothing and looks at the relay's memory. Their certificates come from an
 * authority that is added to the relay's directory.
 */
export async function idleGateways(gateways: number): Promise<IdleGateways> {
  await using workspace = await Workspace.open("bench-idle");
  const network = await startNetwork(workspace);
  const authority = await SshAuthority.generate();
  const authorityFile = await workspace.file("idle-authority", authority.privateKey);
  await appendFile(join(network.directories.relay, RELAY_FILES.userAuthorities), `${authority.publicLine}\n`);
  await Bun.sleep(RELOAD_MS);

  const before = rssMB(network.relay.pid);
  const words = [network.directories.gateway, authorityFile, String(gateways)];
  const many = workspace.own(
    startProcess([process.execPath, `${REPOSITORY}/test/bench/idle-process.ts`, ...words]),
  );
  const { loginsPerSecond } = z
    .object({ loginsPerSecond: z.number() })
    .parse(await many.waitForJson(120_000));
  await Bun.sleep(2000);
  const after = rssMB(network.relay.pid);
  return {
    gateways,
    loginsPerSecond: rounded(loginsPerSecond),
    relayRssMB: rounded(after),
    relayKBEach: rounded(((after - before) * 1024) / gateways),
  };
}
