import type { ArgsDef } from "citty";
import type { Role } from "../host/paths.ts";
import type { InstallRequest, ServiceConf } from "../host/service/describe-service.ts";
import { type ServiceHost, thisHost } from "../host/service/host.ts";
import { installService, previewService, uninstallService } from "../host/service/install.ts";
import type { KeptConf } from "../host/service/keep-conf.ts";
import { SallyportError } from "../telemetry/error.ts";
import { printLine, say } from "./output.ts";

/** Flags of `install` that say how, not what. */
export const installArgs = {
  systemd: { type: "boolean", description: "As a systemd service; on Linux that is so anyway" },
  pki: {
    type: "string",
    description: "A directory instead of a platform; not supported for services",
    valueHint: "directory",
  },
  "dry-run": {
    type: "boolean",
    description: "Print the service file and change nothing; needs no root and asks nobody",
  },
} as const;

export const uninstallArgs = {
  purge: { type: "boolean", description: "Also delete the conf with its credentials, and the state" },
} as const;

interface InstallFlags {
  systemd?: boolean | undefined;
  pki?: string | undefined;
  "dry-run"?: boolean | undefined;
}

/** How the daemon's conf comes about. */
interface ConfWork {
  /** Enrolls where a token is given, and writes. */
  keep: (host: ServiceHost) => Promise<KeptConf>;
  /** Only says what would be written. */
  preview: (host: ServiceHost) => Promise<ServiceConf>;
}

/** @throws SallyportError as `installService` */
export async function install(
  request: InstallRequest,
  flags: InstallFlags,
  { keep, preview }: ConfWork,
  host = thisHost(say),
): Promise<void> {
  if (flags.pki !== undefined) {
    throw new SallyportError(
      "UNSUPPORTED",
      `A service has copies of its files, made when it starts, and would not see certificates that are replaced in ${flags.pki}: run "sallyport ${request.role} start --pki ${flags.pki}" under a service manager of your own, as a user that can read that directory.`,
    );
  }
  if (flags.systemd && host.platform !== "linux") {
    throw new SallyportError("UNSUPPORTED", "--systemd is for Linux: leave it away and launchd gets a job.");
  }
  if (flags["dry-run"]) {
    const asRoot = host.platform === "linux" ? { ...host, machine: { ...host.machine, uid: 0 } } : host;
    process.stdout.write(await previewService(request, await preview(asRoot), asRoot));
    return;
  }
  const { outcome, service, status } = await installService(request, () => keep(host), host);
  const done = {
    installed: "Installed and started",
    updated: "Updated and restarted",
    unchanged: "Nothing to change for",
  };
  say(`${done[outcome]} ${service}${status ? `: ${status}` : ""}.`);
  if (host.platform === "linux")
    say(`Look at it with "systemctl status ${service}" and "journalctl -u ${service}".`);
  printLine(service);
}

/** @throws SallyportError as `uninstallService` */
export async function uninstall(
  role: Role,
  name: string,
  { purge = false }: { purge?: boolean | undefined },
  host = thisHost(say),
): Promise<void> {
  const { service, removed, files } = await uninstallService(role, name, { purge }, host);
  say(removed ? `Stopped and removed ${service}.` : `There is no service ${service}.`);
  if (files.length === 0) return;
  say(purge ? `Deleted: ${files.join(", ")}.` : `Kept: ${files.join(", ")}; --purge deletes that too.`);
}

/** The daemon's flags that were given, as words of its command line. */
export function passedOn(definitions: ArgsDef, repeated: (flag: string) => string[]): string[] {
  return Object.keys(definitions).flatMap((flag) => repeated(flag).map((value) => `--${flag}=${value}`));
}
