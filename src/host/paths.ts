import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Environment } from "./environment.ts";
import { requireGatewayName, requireRelayName } from "./names.ts";

export type Role = "gateway" | "relay";

const SYSTEM_RUNTIME = "/run/sallyport";

/** Whose files: root's live under /etc and /var, everybody else's in their home (PROTOCOL 0.3, XDG). */
export interface Machine {
  env: Environment;
  uid: number;
  home: string;
}

export function thisMachine(env: Environment = process.env): Machine {
  return { env, uid: process.getuid?.() ?? -1, home: env.HOME || homedir() };
}

/**
 * The conf file that `enroll` writes: `/etc/infisical/gateways/<name>.conf` for root, `~/.infisical/...` for others,
 * under `SALLYPORT_CONF_DIR` where that is set (containers).
 * @throws SallyportError NAME_INVALID
 */
export function confPath(role: Role, name: string, machine = thisMachine()): string {
  return join(confDirectory(machine), `${role}s`, `${requireName(role, name)}.conf`);
}

/**
 * Everywhere a conf of this name may be, best first: a service gets its own as a credential of systemd's. `named` files
 * belong to the name by their path; the older single file only when the name inside it is the same (PROTOCOL 0.3).
 * @throws SallyportError NAME_INVALID
 */
export function confPlaces(
  role: Role,
  name: string,
  machine = thisMachine(),
): { named: string[]; single: string } {
  const path = confPath(role, name, machine);
  const named = role === "relay" ? [path, path.replace(/\.conf$/, ".env.conf")] : [path];
  const credentials = absolute(machine.env.CREDENTIALS_DIRECTORY);
  if (credentials) named.unshift(join(credentials, `${role}.conf`));
  return { named, single: join(confDirectory(machine), `${role}.conf`) };
}

/**
 * Where a daemon keeps keys, certificates and its spool: systemd's `$STATE_DIRECTORY`, `/var/lib/sallyport/<role>/<name>`
 * for root, `$XDG_STATE_HOME/sallyport/...` for others; `SALLYPORT_STATE_DIR` stands for the part before `<role>`
 * (containers). Not made here.
 * @throws SallyportError NAME_INVALID
 */
export function stateDirectory(role: Role, name: string, machine = thisMachine()): string {
  const own = join(role, requireName(role, name));
  return absolute(machine.env.STATE_DIRECTORY?.split(":")[0]) ?? join(stateBase(machine), own);
}

/**
 * Where a daemon keeps its sockets: systemd's `$RUNTIME_DIRECTORY`, `/run/sallyport/<role>/<name>` for root,
 * `$XDG_RUNTIME_DIR/sallyport/...` for others, below their state directory where there is none (never a shared `/tmp`);
 * `SALLYPORT_RUNTIME_DIR` stands for the part before `<role>`. Long names are shortened: a socket's path may have 107 bytes only. Not made here.
 * @throws SallyportError NAME_INVALID
 */
export function runtimeDirectory(role: Role, name: string, machine = thisMachine()): string {
  const own = join(role, shortened(requireName(role, name)));
  const given = absolute(machine.env.RUNTIME_DIRECTORY?.split(":")[0]);
  if (given) return given;
  const base = runtimeBase(machine);
  return base ? join(base, own) : join(stateBase(machine), own, "run");
}

/**
 * Where the runtime directories of all daemons of a role are that this user may look for: `<parent>/<name>/<below>`,
 * those of this user first, then those of the system's services.
 */
export function runtimeParents(role: Role, machine = thisMachine()): { parent: string; below: string }[] {
  const base = runtimeBase(machine);
  const own = base
    ? { parent: join(base, role), below: "" }
    : { parent: join(stateBase(machine), role), below: "run" };
  const system = { parent: join(SYSTEM_RUNTIME, role), below: "" };
  const alone = machine.uid === 0 || absolute(machine.env.SALLYPORT_RUNTIME_DIR) !== undefined;
  return alone ? [own] : [own, system];
}

function confDirectory(machine: Machine): string {
  const given = absolute(machine.env.SALLYPORT_CONF_DIR);
  if (given) return given;
  return machine.uid === 0 ? "/etc/infisical" : join(machine.home, ".infisical");
}

function stateBase(machine: Machine): string {
  const given = absolute(machine.env.SALLYPORT_STATE_DIR);
  if (given) return given;
  if (machine.uid === 0) return "/var/lib/sallyport";
  return join(absolute(machine.env.XDG_STATE_HOME) ?? join(machine.home, ".local/state"), "sallyport");
}

function runtimeBase(machine: Machine): string | undefined {
  const given = absolute(machine.env.SALLYPORT_RUNTIME_DIR);
  if (given) return given;
  if (machine.uid === 0) return SYSTEM_RUNTIME;
  const xdg = absolute(machine.env.XDG_RUNTIME_DIR);
  return xdg && join(xdg, "sallyport");
}

function requireName(role: Role, name: string): string {
  return role === "gateway" ? requireGatewayName(name) : requireRelayName(name);
}

/** XDG and systemd both say: a value that is not an absolute path is as good as none. */
function absolute(path: string | undefined): string | undefined {
  return path && isAbsolute(path) ? path : undefined;
}

function shortened(name: string): string {
  if (name.length <= 32) return name;
  return `${name.slice(0, 20)}.${createHash("sha256").update(name).digest("hex").slice(0, 11)}`;
}
