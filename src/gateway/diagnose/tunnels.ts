import { complaintOr, lookAtDaemon } from "../../client/diagnose/daemon.ts";
import { PLATFORM_STEPS } from "../../client/diagnose/platform.ts";
import type { Outcome, Step } from "../../client/diagnose/step.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { DaemonStatus } from "../../telemetry/status.ts";

/** Whether the gateway runs here, and what its tunnels say. */
export function lookAtTunnels(look: {
  runtimeDirectory: string;
  start: string;
  needs: readonly string[];
}): Step {
  return lookAtDaemon({ ...look, explainedBy: PLATFORM_STEPS, judge });
}

/** @throws SallyportError GATEWAY_NOT_CONNECTED or what the daemon complains of */
function judge(status: DaemonStatus): Outcome {
  const tunnels = status.tunnels ?? [];
  const up = tunnels.filter(({ state }) => state === "up").map(({ relay }) => relay);
  const said = complaintOr(`process ${status.pid}, tunnels: ${up.join(", ")}`, status);
  if (up.length > 0) return said;
  const reasons = tunnels.map(({ relay, state, reason = state }) => `${relay}: ${reason}`).join("; ");
  throw new SallyportError("GATEWAY_NOT_CONNECTED", `No tunnel is up (${reasons || status.state}).`);
}
