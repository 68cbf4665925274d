import { existsSync } from "node:fs";
import { rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { confPath, type Role, stateDirectory } from "../paths.ts";
import type { ServiceHost } from "./host.ts";
import { serviceName } from "./service-name.ts";
import { Systemctl } from "./systemctl.ts";
import { requireSystemd, unitFile } from "./systemd-install.ts";

export interface Uninstalled {
  service: string;
  /** False when there was no such service. */
  removed: boolean;
  /** Conf and state: what is still there, or with `purge` what was deleted. */
  files: string[];
}

/**
 * Stops the service, which lets open connections end, disables it and removes its unit. The conf and the daemon's state
 * stay, unless `purge`. Without such a service there is nothing to do.
 * @throws SallyportError FORBIDDEN, UNSUPPORTED, SERVICE_FAILED, FILE_UNWRITABLE
 */
export async function uninstallUnit(
  role: Role,
  name: string,
  { purge }: { purge: boolean },
  host: ServiceHost,
): Promise<Uninstalled> {
  const service = serviceName(role, name);
  await requireSystemd(host);
  const path = unitFile(service, host);
  const removed = existsSync(path);
  if (removed) await remove(`${service}.service`, path, new Systemctl(host.run));
  const { files, hidden } = filesOf(role, name, host);
  const present = files.filter((file) => existsSync(file));
  if (purge) for (const file of [...present, hidden]) await removeWhole(file);
  return { service, removed, files: present };
}

async function remove(unit: string, path: string, systemd: Systemctl): Promise<void> {
  await systemd.stop(unit);
  await systemd.disable(unit);
  try {
    await unlink(path);
  } catch (cause) {
    throw unwritable(path, cause);
  }
  await systemd.reload();
  await systemd.forgetFailure(unit);
}

/** The state of a service with a user of its own is hidden below `/var/lib/private`, with a link where root's would be. */
function filesOf(
  role: Role,
  name: string,
  { root, machine }: ServiceHost,
): { files: string[]; hidden: string } {
  const library = join(root, "/var/lib");
  const env = { SALLYPORT_STATE_DIR: join(library, "sallyport") };
  return {
    files: [confPath(role, name, machine), stateDirectory(role, name, { ...machine, env })],
    hidden: stateDirectory(role, name, {
      ...machine,
      env: { SALLYPORT_STATE_DIR: join(library, "private/sallyport") },
    }),
  };
}

async function removeWhole(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): SallyportError {
  return new SallyportError("FILE_UNWRITABLE", `Cannot remove ${path}: ${describe(cause)}`, { cause });
}
