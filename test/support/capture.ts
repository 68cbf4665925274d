import { readFile } from "node:fs/promises";
import { type RunningProcess, startProcess } from "./processes.ts";
import type { Workspace } from "./workspace.ts";

/** What went over loopback connections of one port, from the moment `startCapture` returned. */
export interface Capture {
  /** Ends it and returns the file, packet bytes as they were on the wire. @throws when packets were lost */
  stop(): Promise<Buffer>;
}

/** tcpdump on loopback; needs to be root. The workspace ends it if nobody does. */
export async function startCapture(workspace: Workspace, name: string, port: number): Promise<Capture> {
  const path = workspace.join(`${name}.pcap`);
  // 128 MiB between kernel and tcpdump, whole packets, and root's directory stays writable.
  const flags = ["-i", "lo", "-B", "131072", "-s", "0", "-Z", "root", "-w", path];
  // Whoever it listens to must not outrun it on a busy machine.
  const command = ["nice", "-n", "-15", "tcpdump", ...flags, "tcp", "port", String(port)];
  const process = workspace.own(startProcess(command));
  await process.waitForLog(/listening on lo/);
  return {
    async stop() {
      await process.stop();
      requireNoLoss(process);
      return readFile(path);
    },
  };
}

function requireNoLoss(process: RunningProcess): void {
  if (/^0 packets dropped by kernel$/m.test(process.stderr.text)) return;
  throw new Error(`tcpdump lost packets: ${process.stderr.text}`);
}
