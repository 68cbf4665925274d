import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import type { DaemonStatus } from "../../telemetry/status.ts";
import { isGatewayName, isRelayName } from "../names.ts";
import { confPath, type Machine, type Role, runtimeDirectory, runtimeParents } from "../paths.ts";
import { controlSocket } from "./address.ts";
import { askDaemon } from "./client.ts";

/** A daemon of this machine: running, enrolled but stopped, or there but not to be asked. */
export interface LocalDaemon {
  name: string;
  status: DaemonStatus | null;
  /** Why a running one could not be asked. */
  problem?: string;
}

/** More on one machine are not looked at. */
const MOST = 1000;

/** Every gateway or relay of this machine that this user may know of, by name. */
export async function findDaemons(role: Role, machine: Machine): Promise<LocalDaemon[]> {
  const found = new Map<string, LocalDaemon>();
  for (const { parent, below } of runtimeParents(role, machine)) {
    const entries = await list(parent);
    const asked = entries.map((entry) => ask(entry, controlSocket(join(parent, entry, below))));
    for (const daemon of await Promise.all(asked)) {
      if (daemon && !found.has(daemon.name)) found.set(daemon.name, daemon);
    }
  }
  for (const name of await enrolled(role, machine)) {
    if (!found.has(name)) found.set(name, { name, status: null });
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * The control socket of the daemon of that name: this user's own, or else the system service's.
 * @throws SallyportError NAME_INVALID
 */
export async function socketOf(role: Role, name: string, machine: Machine): Promise<string> {
  const own = runtimeDirectory(role, name, machine);
  const [, system] = runtimeParents(role, machine);
  if (system && !(await exists(own))) {
    const directory = join(system.parent, basename(runtimeDirectory(role, name, { ...machine, uid: 0 })));
    if (await exists(directory)) return controlSocket(directory);
  }
  return controlSocket(own);
}

/** Undefined when nothing runs there. */
async function ask(entry: string, socket: string): Promise<LocalDaemon | undefined> {
  try {
    const status = await askDaemon(socket);
    return { name: status.name, status };
  } catch (error) {
    if (error instanceof SallyportError && error.code === "DAEMON_NOT_RUNNING") return undefined;
    return { name: entry, status: null, problem: describe(error) };
  }
}

async function enrolled(role: Role, machine: Machine): Promise<string[]> {
  const isName = role === "gateway" ? isGatewayName : isRelayName;
  const files = await list(dirname(confPath(role, "any", machine)));
  const names = files
    .filter((file) => file.endsWith(".conf"))
    .map((file) => file.replace(/(\.env)?\.conf$/, ""));
  return [...new Set(names.filter(isName))];
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).slice(0, MOST);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

/** Also when it may not be entered: then it is there. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return systemCode(error) === "EACCES";
  }
}
