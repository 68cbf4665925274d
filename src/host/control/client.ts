import { access, constants } from "node:fs/promises";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import type { LogLevel } from "../../telemetry/log.ts";
import type { DaemonStatus } from "../../telemetry/status.ts";
import { CONTROL, CONTROL_ORIGIN } from "./address.ts";
import { parseStatus } from "./status-schema.ts";

const TIMEOUT_MS = 5000;

/**
 * What the daemon behind this socket says of itself.
 * @throws SallyportError DAEMON_NOT_RUNNING, FORBIDDEN, TIMEOUT, INTERNAL
 */
export async function askDaemon(socket: string): Promise<DaemonStatus> {
  const response = await call(socket, CONTROL.status);
  return parseStatus(await response.text());
}

/** The same as SIGHUP. @throws SallyportError as `askDaemon` */
export async function reloadDaemon(socket: string): Promise<void> {
  await call(socket, CONTROL.reload, { method: "POST" });
}

/** Until it is started again. @throws SallyportError as `askDaemon` */
export async function setDaemonLogLevel(socket: string, level: LogLevel): Promise<void> {
  await call(socket, CONTROL.logLevel, { method: "PUT", body: level });
}

async function call(socket: string, path: string, request: RequestInit = {}): Promise<Response> {
  await requireAccess(socket);
  let response: Response;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(`${CONTROL_ORIGIN}${path}`, {
      ...request,
      signal,
      unix: socket,
      redirect: "error",
    });
  } catch (cause) {
    if (cause instanceof Error && cause.name === "TimeoutError") {
      throw new SallyportError("TIMEOUT", "The daemon runs but does not answer: look at its log.", { cause });
    }
    throw notRunning(cause);
  }
  if (response.ok) return response;
  throw new SallyportError(
    "INTERNAL",
    `The daemon could not do it: ${(await response.text()).slice(0, 500)}`,
  );
}

async function requireAccess(socket: string): Promise<void> {
  try {
    await access(socket, constants.W_OK);
  } catch (cause) {
    const code = systemCode(cause);
    if (code !== "EACCES" && code !== "EPERM") throw notRunning(cause);
    const message = "If it runs here, then as another user: run this as that user or as root.";
    throw new SallyportError("FORBIDDEN", message, {
      cause,
    });
  }
}

/** No socket, or one that a killed process left. */
function notRunning(cause: unknown): SallyportError {
  return new SallyportError("DAEMON_NOT_RUNNING", `It is not running here (${describe(cause)}).`, { cause });
}
