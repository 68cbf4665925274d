import { describe, SallyportError } from "../../telemetry/error.ts";
import type { Role } from "../paths.ts";
import { describeService, type InstallRequest, type ServiceConf } from "./describe-service.ts";
import { requireInstalled, USUAL_PATH } from "./executable.ts";
import type { ServiceHost } from "./host.ts";
import { installJob, plistOf, uninstallJob } from "./launchd.ts";
import { Systemctl } from "./systemctl.ts";
import { type Installed, installUnit, requireSystemd } from "./systemd-install.ts";
import { type Uninstalled, uninstallUnit } from "./systemd-uninstall.ts";
import { OLDEST_SYSTEMD, systemdUnit } from "./systemd-unit.ts";

/**
 * Installs a daemon as a service of this machine and starts it. `keepConf` enrols and writes the conf: it is called when
 * nothing else stands in the way, because an enrollment token works once.
 * @throws SallyportError FORBIDDEN, UNSUPPORTED, CONFIG_INVALID before anything is done; SERVICE_FAILED, SERVICE_NOT_READY
 */
export async function installService(
  request: InstallRequest,
  keepConf: () => Promise<ServiceConf & { changed: boolean }>,
  host: ServiceHost,
): Promise<Installed> {
  const version = host.platform === "darwin" ? 0 : await requireLinux(host);
  const executable = await requireInstalled(host);
  const { changed: confChanged, ...conf } = await keepConf();
  const service = describeService(request, conf, executable, host);
  try {
    if (host.platform === "darwin") return await installJob(service, { confChanged }, host);
    return await installUnit(service, { confChanged, version }, host);
  } catch (error) {
    if (error instanceof SallyportError && error.code === "SERVICE_NOT_READY") throw error;
    const code = error instanceof SallyportError ? error.code : "SERVICE_FAILED";
    throw new SallyportError(
      code,
      `${describe(error).replace(/\.$/, "")}; the conf ${conf.path} stays, so the same command without a token tries again.`,
      { cause: error },
    );
  }
}

/** The unit file (Linux) or property list (macOS) that `installService` would write. Needs no rights, changes nothing. */
export async function previewService(
  request: InstallRequest,
  conf: ServiceConf,
  host: ServiceHost,
): Promise<string> {
  const { compiled, path } = host.program;
  const executable = compiled ? path : USUAL_PATH;
  const service = describeService(request, conf, executable, host);
  if (host.platform === "darwin") return plistOf(service, host);
  return systemdUnit(service, (await new Systemctl(host.run).version()) ?? OLDEST_SYSTEMD);
}

/** Stops and removes it; with `purge` also its conf and state. @throws as `uninstallUnit`, `uninstallJob` */
export async function uninstallService(
  role: Role,
  name: string,
  options: { purge: boolean },
  host: ServiceHost,
): Promise<Uninstalled> {
  if (host.platform === "darwin") return uninstallJob(role, name, options, host);
  return uninstallUnit(role, name, options, host);
}

function requireLinux(host: ServiceHost): Promise<number> {
  if (host.platform === "linux") return requireSystemd(host);
  throw new SallyportError(
    "UNSUPPORTED",
    "Services are installed on Linux (systemd) and macOS (launchd) only.",
  );
}
