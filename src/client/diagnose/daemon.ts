import { controlSocket } from "../../host/control/address.ts";
import { askDaemon } from "../../host/control/client.ts";
import { isCode } from "../../telemetry/codes.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { DaemonStatus } from "../../telemetry/status.ts";
import type { Outcome, Step } from "./step.ts";

export interface DaemonLook {
  runtimeDirectory: string;
  /** The command that starts it. */
  start: string;
  needs: readonly string[];
  /** Keys of steps that explain what the daemon complains of. */
  explainedBy?: readonly string[];
  /** What it says of itself. @throws SallyportError */
  judge: (status: DaemonStatus) => Outcome;
}

/** Asks the daemon that runs here how it is. */
export function lookAtDaemon({ runtimeDirectory, start, needs, explainedBy = [], judge }: DaemonLook): Step {
  return {
    id: "daemon",
    title: "Daemon",
    needs,
    explainedBy,
    run: async () => judge(await status(runtimeDirectory, start)),
  };
}

async function status(runtimeDirectory: string, start: string): Promise<DaemonStatus> {
  try {
    return await askDaemon(controlSocket(runtimeDirectory));
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== "DAEMON_NOT_RUNNING") throw error;
    throw new SallyportError(
      "DAEMON_NOT_RUNNING",
      `It does not run on this machine: start it with "${start}".`,
      {
        cause: error,
      },
    );
  }
}

/**
 * The worst of what the daemon itself complains of, or `fine`.
 * @throws SallyportError for what hinders traffic
 */
export function complaintOr(fine: string, { conditions }: DaemonStatus): Outcome {
  const worst = conditions.find(({ impactsTraffic }) => impactsTraffic) ?? conditions[0];
  if (!worst || worst.severity === "info") return fine;
  const { code, title, text, fix, impactsTraffic } = worst;
  const detail = `${title}: ${text}`;
  if (!impactsTraffic) return { verdict: "warning", detail, fix };
  throw new SallyportError(isCode(code) ? code : "GATEWAY_NOT_CONNECTED", `${detail} ${fix}`);
}
