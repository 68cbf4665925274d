import { chmodSync, statSync, unlinkSync } from "node:fs";
import { describe, SallyportError, systemCode } from "../../telemetry/error.ts";
import { LOG_LEVELS, type LogLevel } from "../../telemetry/log.ts";
import type { DaemonStatus } from "../../telemetry/status.ts";
import { makePrivateDirectory } from "../atomic-file.ts";
import { CONTROL, controlSocket } from "./address.ts";
import { askDaemon } from "./client.ts";

export interface ControlOptions {
  /** Made 0700; the socket in it 0600: this user and root only. */
  runtimeDirectory: string;
  status: () => Promise<DaemonStatus>;
  reload: () => void;
  setLogLevel: (level: LogLevel) => void;
}

export interface ControlServer {
  /** Removes the socket too. Safe to call twice. */
  close(): void;
}

/** A log level is the longest body there is. */
const BODY_LIMIT = 64;

/**
 * Answers `status`, `reload` and `log-level` of this machine's command line. A socket that a killed process left is
 * replaced.
 * @throws SallyportError ALREADY_EXISTS when such a daemon runs already; FILE_UNWRITABLE
 */
export async function openControl(options: ControlOptions): Promise<ControlServer> {
  const path = controlSocket(options.runtimeDirectory);
  await makePrivateDirectory(options.runtimeDirectory);
  await removeStale(path);
  const server = listen(path, options);
  const { ino } = statSync(path);
  let open = true;
  return {
    close() {
      if (!open) return;
      open = false;
      void server.stop(true);
      unlinkIfSame(path, ino);
    },
  };
}

function listen(path: string, options: ControlOptions): Bun.Server<undefined> {
  // Nobody may connect in the moment between the socket's making and its mode.
  const mask = process.umask(0o177);
  try {
    const server = Bun.serve({
      unix: path,
      maxRequestBodySize: BODY_LIMIT,
      fetch: (request) => answer(request, options),
      error: (error) => new Response(describe(error), { status: 500 }),
    });
    chmodSync(path, 0o600);
    return server;
  } catch (cause) {
    throw new SallyportError("FILE_UNWRITABLE", `Cannot make the socket ${path}: ${describe(cause)}.`, {
      cause,
    });
  } finally {
    process.umask(mask);
  }
}

async function answer(request: Request, options: ControlOptions): Promise<Response> {
  const { pathname } = new URL(request.url);
  const call = `${request.method} ${pathname}`;
  if (call === `GET ${CONTROL.status}`) return Response.json(await options.status());
  if (call === `POST ${CONTROL.reload}`) {
    options.reload();
    return new Response(null, { status: 204 });
  }
  if (call === `PUT ${CONTROL.logLevel}`) {
    const wanted = await request.text();
    const level = LOG_LEVELS.find((known) => known === wanted);
    if (!level) return new Response(`A log level is one of ${LOG_LEVELS.join(", ")}.`, { status: 400 });
    options.setLogLevel(level);
    return new Response(null, { status: 204 });
  }
  return new Response("Unknown call", { status: 404 });
}

/** @throws SallyportError ALREADY_EXISTS */
async function removeStale(path: string): Promise<void> {
  const present = await askDaemon(path).catch((error: unknown) => {
    if (error instanceof SallyportError && error.code === "DAEMON_NOT_RUNNING") return undefined;
    throw error;
  });
  if (present) {
    throw new SallyportError(
      "ALREADY_EXISTS",
      `The ${present.role} ${present.name} runs on this machine already (process ${present.pid}): stop it first.`,
    );
  }
  unlinkIfSame(path);
}

/** Not a newer one that another process has put in its place. */
function unlinkIfSame(path: string, ino?: number): void {
  try {
    if (ino === undefined || statSync(path).ino === ino) unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}
