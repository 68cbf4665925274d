import { existsSync } from "node:fs";
import { mkdir, rm, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { writeFileWhole } from "../atomic-file.ts";
import { readTextFile } from "../bounded-file.ts";
import { confPath, type Role, stateDirectory } from "../paths.ts";
import type { ServiceHost } from "./host.ts";
import { launchdLabel, launchdPlist } from "./launchd-plist.ts";
import type { Service } from "./service.ts";
import type { Installed } from "./systemd-install.ts";
import type { Uninstalled } from "./systemd-uninstall.ts";

const PLIST_LIMIT = 64 * 1024;

/** The property list of a service on this machine: root's daemon, or an agent of the person who is logged in. */
export function plistOf(service: Service, host: ServiceHost): string {
  return launchdPlist(service, places(service, host).log);
}

/**
 * Writes the job and starts it; one that is loaded already is replaced. launchd has no word for ready, so the log has to
 * be looked at. What fails is undone.
 * @throws SallyportError SERVICE_FAILED, FILE_UNWRITABLE
 */
export async function installJob(
  service: Service,
  { confChanged }: { confChanged: boolean },
  host: ServiceHost,
): Promise<Installed> {
  const label = launchdLabel(service);
  const { plist, log, domain } = places(service, host);
  const text = plistOf(service, host);
  const before = await readTextFile(plist, PLIST_LIMIT);
  const loaded = (await host.run(["launchctl", "print", `${domain}/${label}`])).exitCode === 0;
  const status = `its log is ${log}`;
  if (before === text && loaded && !confChanged) return { outcome: "unchanged", service: label, status };
  await mkdir(dirname(plist), { recursive: true });
  await mkdir(dirname(log), { recursive: true });
  await writeFileWhole(plist, text, 0o644);
  if (loaded) await host.run(["launchctl", "bootout", `${domain}/${label}`]);
  const { exitCode, stderr } = await host.run(["launchctl", "bootstrap", domain, plist]);
  if (exitCode === 0)
    return { outcome: before === undefined ? "installed" : "updated", service: label, status };
  if (before === undefined) await unlink(plist);
  else {
    await writeFileWhole(plist, before, 0o644);
    if (loaded) await host.run(["launchctl", "bootstrap", domain, plist]);
  }
  throw new SallyportError(
    "SERVICE_FAILED",
    `launchctl could not start ${label}: ${describe(stderr)}. ${before === undefined ? "Its property list is removed again" : "It is as it was"}`,
  );
}

/**
 * Stops the job and removes it; the conf and the daemon's state stay, unless `purge`.
 * @throws SallyportError SERVICE_FAILED
 */
export async function uninstallJob(
  role: Role,
  name: string,
  { purge }: { purge: boolean },
  host: ServiceHost,
): Promise<Uninstalled> {
  const label = launchdLabel({ role, name });
  const { plist, domain } = places({ role, name }, host);
  const removed = existsSync(plist);
  if (removed) {
    const target = `${domain}/${label}`;
    const { exitCode, stderr } = await host.run(["launchctl", "bootout", target]);
    const gone = exitCode === 0 || (await host.run(["launchctl", "print", target])).exitCode !== 0;
    if (!gone)
      throw new SallyportError("SERVICE_FAILED", `launchctl could not stop ${label}: ${describe(stderr)}`);
    await unlink(plist);
  }
  const { machine } = host;
  const files = [confPath(role, name, machine), stateDirectory(role, name, machine)].filter((file) =>
    existsSync(file),
  );
  if (purge) for (const file of files) await rm(file, { recursive: true, force: true });
  return { service: label, removed, files };
}

function places(service: Pick<Service, "role" | "name">, { root, machine: { uid, home } }: ServiceHost) {
  const label = launchdLabel(service);
  const library = uid === 0 ? join(root, "/Library") : join(root, home, "Library");
  return {
    plist: join(library, uid === 0 ? "LaunchDaemons" : "LaunchAgents", `${label}.plist`),
    log: join(library, "Logs/sallyport", `${label}.log`),
    domain: uid === 0 ? "system" : `gui/${uid}`,
  };
}
