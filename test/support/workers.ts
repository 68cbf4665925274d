import type { RelayCredentials } from "../../src/pki/credentials.ts";
import type { RelayOptions } from "../../src/relay/relay.ts";
import { productCommand } from "./processes.ts";
import { type LabRelay, startLabRelay } from "./relay.ts";
import type { Workspace } from "./workspace.ts";

/** A lab relay whose ports are held by two processes; this one is their supervisor. */
export async function startLabWorkers(
  workspace: Workspace,
  credentials: RelayCredentials,
  options: Partial<Omit<RelayOptions, "credentials" | "log" | "workers">> = {},
): Promise<LabRelay> {
  return startLabRelay(credentials, {
    ...options,
    workers: {
      count: 2,
      directory: await workspace.directory("workers"),
      logFormat: "json",
      logLevel: () => "error",
      command: productCommand(["relay", "worker"]),
    },
  });
}
