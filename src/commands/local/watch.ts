import { askDaemon } from "../../host/control/client.ts";
import type { Role } from "../../host/paths.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { DaemonStatus } from "../../telemetry/status.ts";
import { printLine } from "../output.ts";
import { statusLines } from "./status-text.ts";

interface Watched {
  role: Role;
  name: string;
  socket: string;
  json: boolean;
}

const EVERY_MS = 1000;
/** ECMA-48: cursor to the top, then erase what is below. */
const REDRAW = "\u001b[H\u001b[J";

/** Looks once a second until the process is interrupted or nobody reads on; a daemon that stops is waited for. */
export async function watchStatus(watched: Watched): Promise<void> {
  let isRead = true;
  process.stdout.once("error", () => {
    isRead = false;
  });
  for (let last = ""; isRead; await Bun.sleep(EVERY_MS)) {
    const status = await look(watched);
    if (!watched.json) {
      draw(watched, status);
      continue;
    }
    const line = JSON.stringify(status ?? { role: watched.role, name: watched.name, state: "stopped" });
    const essence = JSON.stringify(status ? { ...status, process: null } : null);
    if (essence !== last) printLine(line);
    last = essence;
  }
}

function draw({ role, name }: Watched, status: DaemonStatus | undefined): void {
  const lines = status ? statusLines(status, new Date()) : [`${role} ${name}: not running`];
  const visible = lines.slice(0, (process.stdout.rows ?? 50) - 1);
  process.stdout.write(`${REDRAW}${visible.join("\n")}\n`);
}

/** Undefined while it is not running. @throws SallyportError for any other reason */
async function look({ socket }: Watched): Promise<DaemonStatus | undefined> {
  try {
    return await askDaemon(socket);
  } catch (error) {
    if (error instanceof SallyportError && error.code === "DAEMON_NOT_RUNNING") return undefined;
    throw error;
  }
}
