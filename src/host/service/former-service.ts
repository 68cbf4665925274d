import { join } from "node:path";
import { readTextFile } from "../bounded-file.ts";
import { readConf } from "../conf-file.ts";
import { confPlaces, type Role } from "../paths.ts";
import type { ServiceHost } from "./host.ts";
import type { Systemctl } from "./systemctl.ts";

/** A service of Infisical's that runs this very gateway or relay. */
export interface FormerService {
  unit: string;
  /** It runs now; otherwise it would at the next boot. */
  active: boolean;
}

const UNIT_DIRECTORIES = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const UNIT_LIMIT = 64 * 1024;

/**
 * Finds the service that Infisical's `systemd install` made: `infisical-<role>`, or one with the bare name. Only a unit
 * that reads a conf of this gateway or relay counts, so a machine's own `ssh.service` is never taken for one.
 * @throws SallyportError FILE_UNREADABLE, CONFIG_INVALID, SERVICE_FAILED
 */
export async function findFormerService(
  role: Role,
  name: string,
  host: ServiceHost,
  systemd: Systemctl,
): Promise<FormerService | undefined> {
  const confs = await confsOf(role, name, host);
  for (const unit of [`infisical-${role}.service`, `${name}.service`]) {
    const words = (await unitText(unit, host))?.split(/[\s=]+-?/) ?? [];
    if (!confs.some((path) => words.includes(path))) continue;
    const { active, enabled } = await systemd.show(unit);
    const running = active === "active" || active === "activating" || active === "reloading";
    if (running || enabled) return { unit, active: running };
  }
  return undefined;
}

async function confsOf(role: Role, name: string, { machine }: ServiceHost): Promise<string[]> {
  const { named, single } = confPlaces(role, name, machine);
  const inside = (await readConf(single))?.get(`INFISICAL_${role.toUpperCase()}_NAME`);
  return inside === name ? [...named, single] : named;
}

async function unitText(unit: string, { root }: ServiceHost): Promise<string | undefined> {
  for (const directory of UNIT_DIRECTORIES) {
    const text = await readTextFile(join(root, directory, unit), UNIT_LIMIT);
    if (text !== undefined) return text;
  }
  return undefined;
}
