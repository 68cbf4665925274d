import type { HostPort } from "../host/address.ts";
import { openOperations } from "../host/operations.ts";
import { reportToServiceManager } from "../host/service/service-report.ts";
import { onShutdown } from "../host/signals.ts";
import type { ProcessLog } from "../telemetry/log.ts";
import { type Gateway, startGateway } from "./agent.ts";
import type { GatewayLimits } from "./limits.ts";
import type { PreparedGateway } from "./prepare.ts";
import { gatewayServiceState } from "./service-state.ts";

export type RunOptions = PreparedGateway & {
  /** Where to serve metrics; nowhere when absent. */
  metrics: HostPort | undefined;
  limits: GatewayLimits;
  log: ProcessLog;
};

/**
 * Runs a gateway until SIGTERM or SIGINT, then drains it. A signal also ends the wait for first credentials.
 * @throws SallyportError when it can't start
 */
export async function runGateway(options: RunOptions): Promise<void> {
  const operations = await openOperations({ ...options, role: "gateway", name: options.gatewayName });
  let gateway: Gateway | undefined;
  let stopping = false;
  const report = reportToServiceManager({ state: () => gatewayServiceState(gateway?.tunnels()) });
  const stopped = onShutdown(
    async () => {
      stopping = true;
      operations.draining();
      report.stopping("Draining: open connections get their time to end");
      options.credentials.close();
      await gateway?.drain(options.limits.drainMs);
    },
    { log: options.log },
  );
  const onTunnel = (relay: string) => {
    options.onTunnel?.(relay);
    report.update();
  };
  const started = startGateway({ ...options, onTunnel }).then(
    (running) => {
      gateway = running;
      operations.running(running);
      if (stopping) running.close();
    },
    (error: unknown) => {
      if (!stopping) throw error;
    },
  );
  try {
    await Promise.race([stopped, started]);
    await stopped;
  } finally {
    report.close();
    operations.close();
  }
}
