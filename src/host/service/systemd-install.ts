import { existsSync } from "node:fs";
import { chmod, unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, SallyportError } from "../../telemetry/error.ts";
import { writeFileWhole } from "../atomic-file.ts";
import { readTextFile } from "../bounded-file.ts";
import type { Role } from "../paths.ts";
import { isCurrent } from "./current.ts";
import { type FormerService, findFormerService } from "./former-service.ts";
import type { ServiceHost } from "./host.ts";
import type { Service } from "./service.ts";
import { serviceName } from "./service-name.ts";
import { Systemctl, type UnitState } from "./systemctl.ts";
import { OLDEST_SYSTEMD, systemdUnit } from "./systemd-unit.ts";
import { type Verdict, waitForService } from "./wait.ts";

const UNIT_LIMIT = 64 * 1024;
const PATIENCE_MS = 30_000;
/** While Infisical's service still holds the place at the relay, waiting longer changes nothing. */
const PATIENCE_BESIDE_FORMER_MS = 15_000;

export interface Installed {
  outcome: "installed" | "updated" | "unchanged";
  /** For `systemctl` and `journalctl`. */
  service: string;
  /** What the daemon says of itself. */
  status: string;
}

/** Where a service's unit file is. */
export function unitFile(service: string, { root }: Pick<ServiceHost, "root">): string {
  return join(root, "/etc/systemd/system", `${service}.service`);
}

/**
 * The version of the systemd that runs here.
 * @throws SallyportError FORBIDDEN unless root, UNSUPPORTED without a systemd that is new enough
 */
export async function requireSystemd(host: ServiceHost): Promise<number> {
  if (host.machine.uid !== 0) {
    throw new SallyportError("FORBIDDEN", "Services are root's business: run the same command with sudo.");
  }
  const version = await new Systemctl(host.run).version();
  if (version === undefined || !existsSync(join(host.root, "/run/systemd/system"))) {
    throw new SallyportError(
      "UNSUPPORTED",
      "systemd does not run on this machine: start the daemon with your own service manager, as --dry-run shows.",
    );
  }
  if (version < OLDEST_SYSTEMD) {
    throw new SallyportError(
      "UNSUPPORTED",
      `This machine has systemd ${version}; handing secrets to a service safely takes ${OLDEST_SYSTEMD} or newer.`,
    );
  }
  return version;
}

/**
 * Writes the unit, enables and starts it, and waits until it is ready. Again with the same service it changes nothing;
 * with another unit, conf or program it starts the service anew. When a step fails or the daemon gives up, the unit is as
 * it was before.
 * @throws SallyportError SERVICE_FAILED, FILE_UNWRITABLE: undone; SERVICE_NOT_READY: installed, but not ready in 30 s
 */
export async function installUnit(
  service: Service,
  { confChanged, version }: { confChanged: boolean; version: number },
  host: ServiceHost,
): Promise<Installed> {
  const systemd = new Systemctl(host.run);
  const name = serviceName(service.role, service.name);
  const unit = `${name}.service`;
  const path = unitFile(name, host);
  const text = systemdUnit(service, version);
  const former = await findFormerService(service.role, service.name, host, systemd);
  const before: Before = { text: await readTextFile(path, UNIT_LIMIT), state: await systemd.show(unit) };
  const same = before.text === text && before.state.enabled && before.state.active === "active";
  if (same && !former && !confChanged && (await isCurrent(service, before.state.mainPid, host))) {
    return { outcome: "unchanged", service: name, status: before.state.status };
  }
  const step: Step = { unit, path, before, systemd, host, drainMs: service.drainSeconds * 1000 };
  try {
    if (before.text !== text) await writeFileWhole(path, text, 0o644);
    await letServicesThrough(service.role, host);
    await systemd.reload();
    if (!before.state.enabled) await systemd.enable(unit);
    await systemd.restart(unit);
    const verdict = former ? await replace(former, step) : await wait(step, PATIENCE_MS);
    if (verdict.outcome === "failed") throw gaveUp(name, verdict.reason);
    if (verdict.outcome === "waiting") return notReady(name, verdict.reason);
    const outcome = before.text === undefined ? "installed" : "updated";
    return { outcome, service: name, status: verdict.reason };
  } catch (error) {
    if (error instanceof SallyportError && error.code === "SERVICE_NOT_READY") throw error;
    throw await rolledBack(error, step);
  }
}

/** Where root ran a daemon by hand, only root may pass; below are directories of one owner each. */
async function letServicesThrough(role: Role, { root }: ServiceHost): Promise<void> {
  for (const base of ["/var/lib/sallyport", "/run/sallyport"]) {
    for (const path of [join(root, base), join(root, base, role)]) {
      if (existsSync(path)) await chmod(path, 0o711);
    }
  }
}

interface Before {
  /** Of the unit file; undefined when there was none. */
  text: string | undefined;
  state: UnitState;
}

interface Step {
  unit: string;
  path: string;
  before: Before;
  systemd: Systemctl;
  host: ServiceHost;
  drainMs: number;
}

function wait({ unit, before, systemd, host, drainMs }: Step, patienceMs: number): Promise<Verdict> {
  const { clock, say } = host;
  return waitForService({
    unit,
    oldInvocation: before.state.invocation,
    wasRunning: before.state.mainPid !== 0,
    drainMs,
    patienceMs,
    systemd,
    clock,
    say,
  });
}

/**
 * Stops and disables Infisical's service once the new one runs. Infisical's relay lets only one of the two in: then the
 * old one is stopped first, and started again if the new one does not come up.
 */
async function replace(former: FormerService, step: Step): Promise<Verdict> {
  const { systemd, host } = step;
  let verdict = await wait(step, former.active ? PATIENCE_BESIDE_FORMER_MS : PATIENCE_MS);
  if (verdict.outcome === "waiting" && former.active) {
    host.say(`${former.unit} has the same identity; stopping it`);
    await systemd.stop(former.unit);
    verdict = await wait(step, PATIENCE_MS);
    if (verdict.outcome !== "ready") {
      await systemd.restart(former.unit);
      return { outcome: "failed", reason: `${verdict.reason} (${former.unit} was started again)` };
    }
  }
  if (verdict.outcome !== "ready") return verdict;
  await systemd.stop(former.unit);
  await systemd.disable(former.unit);
  host.say(`${former.unit} is stopped and disabled; its files stay`);
  return verdict;
}

function gaveUp(service: string, reason: string): SallyportError {
  return new SallyportError(
    "SERVICE_FAILED",
    `${service} does not run: ${reason || `see "journalctl -u ${service}"`}`,
  );
}

function notReady(service: string, reason: string): never {
  throw new SallyportError(
    "SERVICE_NOT_READY",
    `${service} is installed and keeps trying, but after ${PATIENCE_MS / 1000} s it is not ready: ` +
      `${reason || "it says nothing"}. Look at it with "systemctl status ${service}"`,
  );
}

/** Puts back what was there. The error says what could not be put back. */
async function rolledBack(error: unknown, step: Step): Promise<SallyportError> {
  const { unit, path, before, systemd } = step;
  const undo =
    before.text === undefined
      ? [
          () => systemd.stop(unit),
          ...(before.state.enabled ? [] : [() => systemd.disable(unit)]),
          () => unlink(path),
          () => systemd.reload(),
          () => systemd.forgetFailure(unit),
        ]
      : [
          () => writeFileWhole(path, before.text ?? "", 0o644),
          () => systemd.reload(),
          () => (before.state.mainPid === 0 ? systemd.stop(unit) : systemd.restart(unit)),
        ];
  const left: string[] = [];
  for (const put of existsSync(path) ? undo : [])
    await put().catch((failure: unknown) => left.push(describe(failure)));
  const code = error instanceof SallyportError ? error.code : "SERVICE_FAILED";
  const rest = left.length > 0 ? `This could not be undone: ${left.join("; ")}` : undone(before);
  return new SallyportError(code, `${describe(error).replace(/\.$/, "")}. ${rest}`, { cause: error });
}

function undone({ text }: Before): string {
  return text === undefined ? "The unit is removed again" : "The unit is as it was";
}
