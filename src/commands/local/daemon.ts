import { findDaemons, socketOf } from "../../host/control/find.ts";
import { type Machine, type Role, thisMachine } from "../../host/paths.ts";
import { selfName } from "../../host/self.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** Which daemon of this machine is meant, and how to reach it. */
export interface Named {
  name: string;
  socket: string;
}

/**
 * The one that is named, or the only one that runs.
 * @throws SallyportError NAME_INVALID; USAGE when several run; DAEMON_NOT_RUNNING when none does
 */
export async function chooseDaemon(
  role: Role,
  given: string | undefined,
  machine: Machine = thisMachine(),
): Promise<Named> {
  if (given) return { name: given, socket: await socketOf(role, given, machine) };
  const running = (await findDaemons(role, machine)).filter(({ status }) => status !== null);
  const [only] = running;
  if (!only) throw notRunning(role);
  if (running.length > 1) {
    const names = running.map(({ name }) => name).join(", ");
    throw new SallyportError("USAGE", `Several run on this machine: ${names}. Name one.`);
  }
  return { name: only.name, socket: await socketOf(role, only.name, machine) };
}

/** The same answer for a daemon that never ran, was stopped or crashed: what to do. */
export async function explained<T>(role: Role, name: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof SallyportError && error.code === "DAEMON_NOT_RUNNING")
      throw notRunning(role, name, error);
    throw error;
  }
}

function notRunning(role: Role, name?: string, cause?: unknown): SallyportError {
  const start = `${selfName()} ${role} start ${name ?? "<name>"}`;
  return new SallyportError(
    "DAEMON_NOT_RUNNING",
    name === undefined
      ? `No ${role} runs on this machine: start one with "${start}". One of another user or of the system shows with sudo.`
      : `The ${role} ${name} is not running on this machine: start it with "${start}", or its service with "systemctl start sallyport-${role}-${name}".`,
    { cause },
  );
}
