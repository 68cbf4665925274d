import { expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { z } from "zod";
import { listenLocal } from "../../src/client/listen.ts";
import type { LocalPort } from "../../src/client/local-server.ts";
import { openTunnel } from "../../src/client/tunnel.ts";
import { readClientDirectory } from "../../src/pki/directory.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { type Network, startNetwork } from "../support/network.ts";
import { runProduct, startProduct } from "../support/processes.ts";
import { echoTarget, LongStream, roundTrip } from "../support/steady-load.ts";
import { Workspace } from "../support/workspace.ts";

/** The machine may be busy. */
setDefaultTimeout(120_000);

/** Few, so that a handful of connections uses them up. */
const DESCRIPTORS = 100;
/** What a process that turns a whole processor would use of it, with room for a busy test. */
const IDLE_SHARE = 0.5;

const shown = z.object({ conditions: z.array(z.object({ code: z.string() })) });

async function conditions(workspace: Workspace, role: "relay" | "gateway", name: string): Promise<string[]> {
  const { stdout } = await runProduct([role, "status", name, "--json"], { home: workspace.path });
  return shown.parse(JSON.parse(stdout)).conditions.map(({ code }) => code);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(200);
}

async function untilRefused(open: () => Promise<LongStream>): Promise<LongStream[]> {
  const streams: LongStream[] = [];
  for (;;) {
    const stream = await open().catch(() => undefined);
    if (!stream) return streams;
    streams.push(stream);
  }
}

/** Processor seconds that a process has used so far. */
async function processorSeconds(pid: number): Promise<number> {
  const fields = (await Bun.file(`/proc/${pid}/stat`).text()).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test.concurrent.each([
  ["relay", "edge"],
  ["gateway", "site"],
] as const)(
  "F10 EMFILE: a %s without descriptors turns newcomers away, says so, and serves on",
  async (role, name) => {
    await using workspace = await Workspace.open("descriptors");
    const network: Network = await startNetwork(workspace, { descriptors: { [role]: DESCRIPTORS } });
    const daemon = network[role];
    const target = `127.0.0.1:${await echoTarget(workspace)}`;
    // At the relay the tunnels of one client take one descriptor, so there each has to come on its own.
    const { port } =
      role === "relay" ? await forwardAlone(workspace, network, target) : await network.forward(target);
    const first = await LongStream.open(workspace, port);
    const streams = await untilRefused(() => LongStream.open(workspace, port));
    expect(streams.length).toBeGreaterThan(20);
    expect(streams.length).toBeLessThan(DESCRIPTORS);
    await until(async () => (await conditions(workspace, role, name)).includes("DESCRIPTORS_SHORT"));
    await daemon.waitForLog("RESOURCE_SHORTAGE");

    // Those that are open move, and newcomers that pile up cost nothing.
    const crowd = Array.from({ length: 2 * DESCRIPTORS }, () => idle(workspace, port));
    const before = await processorSeconds(daemon.pid);
    await Bun.sleep(2000);
    expect((await processorSeconds(daemon.pid)) - before).toBeLessThan(2 * IDLE_SHARE);
    for (const stream of [first, ...streams]) await stream.moves();

    for (const socket of crowd) socket.destroy();
    for (const stream of streams) stream.close();
    await until(() => roundTrip(port));
    await first.moves();
    await until(async () => !(await conditions(workspace, role, name)).includes("DESCRIPTORS_SHORT"));
    expect(daemon.stderr.text.match(/files and sockets at once and has them in use/g)).toHaveLength(1);
    first.close();
    expect(await daemon.stop()).toBe(0);
  },
);

test.concurrent("F10 EMFILE: a platform whose descriptors are used up answers again when there are some", async () => {
  await using workspace = await Workspace.open("descriptors");
  const own = { home: workspace.path, descriptors: DESCRIPTORS };
  const data = ["--data-dir", workspace.join("data")];
  await runProduct(["platform", "bootstrap", ...data, "--org", "Acme", "--email", "a@example.com"], own);
  const words = ["platform", "start", "--listen", "127.0.0.1:0", ...data, "--log-format", "json"];
  const platform = workspace.own(startProduct(words, own));
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(await platform.waitForLog('"url"')));
  const port = Number(new URL(url).port);
  const crowd = Array.from({ length: 2 * DESCRIPTORS }, () => idle(workspace, port));
  await platform.waitForLog("RESOURCE_SHORTAGE");
  for (const socket of crowd) socket.destroy();
  const status = () => fetch(`${url}/api/status`, { signal: AbortSignal.timeout(5000) });
  await until(async () => (await status().catch(() => undefined))?.ok === true);
  await platform.waitForLog("enough file descriptors again", 60_000);
  expect(await platform.stop()).toBe(0);
});

/** As `connect --listen`, with a session of its own for each tunnel. */
async function forwardAlone(workspace: Workspace, network: Network, target: string): Promise<LocalPort> {
  const credentials = await readClientDirectory(await network.clientDirectory(target));
  const open = () => openTunnel(credentials);
  return workspace.own(await listenLocal({ hostname: "127.0.0.1", port: 0, open, log: silentLogger }));
}

/** A connection that says nothing. */
function idle(workspace: Workspace, port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  workspace.defer(() => socket.destroy());
  return socket;
}
