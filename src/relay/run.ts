import type { HostPort } from "../host/address.ts";
import { openOperations } from "../host/operations.ts";
import { reportToServiceManager } from "../host/service/service-report.ts";
import { onShutdown } from "../host/signals.ts";
import type { Condition } from "../telemetry/conditions.ts";
import { SallyportError } from "../telemetry/error.ts";
import { createInstruments } from "../telemetry/instruments.ts";
import type { ProcessLog } from "../telemetry/log.ts";
import { probeFailed, probeWorked } from "../telemetry/platform-conditions.ts";
import type { RelayLimits } from "./limits.ts";
import { type Relay, type RelayOptions, startRelay } from "./relay.ts";
import { relayServiceState } from "./service-state.ts";

export interface RelayRun extends Omit<RelayOptions, "instruments"> {
  name: string;
  /** For the control socket. */
  runtimeDirectory: string;
  /** Where to serve metrics; nowhere when absent. */
  metrics: HostPort | undefined;
  limits: RelayLimits;
  /** Tells a platform that the relay is there, until the signal aborts. */
  heartbeats?: Heartbeats | undefined;
  log: ProcessLog;
}

/** Runs until the signal aborts; says null after each success. */
export type Heartbeats = (
  signal: AbortSignal,
  relay: { onOutcome: (error: unknown) => void; conditions: () => Condition[] },
) => Promise<void>;

/**
 * Runs a relay until SIGTERM or SIGINT, then drains it.
 * @throws SallyportError when it can't start
 */
export async function runRelay(options: RelayRun): Promise<void> {
  const { name, log, limits, heartbeats } = options;
  const instruments = createInstruments();
  const operations = await openOperations({ ...options, role: "relay", instruments });
  let relay: Relay | undefined;
  const report = reportToServiceManager({ state: () => relayServiceState(relay) });
  const stop = new AbortController();
  let beating: Promise<void> | undefined;
  const leave = async () => {
    stop.abort();
    operations.draining();
    report.stopping("Draining: open connections get their time to end");
    // Also ends the wait for first credentials.
    options.credentials.close();
    await relay?.drain(limits.drainMs);
    await beating;
  };
  const stopped = onShutdown(leave, { log });
  try {
    const running = await unlessStopped(startRelay({ ...options, instruments }), stop.signal);
    if (!running) return await stopped;
    relay = running;
    if (stop.signal.aborted) running.close();
    operations.running(running);
    log.info("Relay server started successfully", {
      relay: name,
      sshPort: running.sshPort,
      tlsPort: running.tlsPort,
      workers: options.workers?.count,
    });
    report.update();
    const { conditions } = instruments;
    beating = heartbeats?.(stop.signal, {
      onOutcome: (error) => (error === null ? probeWorked(conditions) : probeFailed(conditions, error)),
      conditions: () => conditions.list(),
    });
    const order = await Promise.race([stopped, running.ordered]);
    if (order === undefined) return;
    log.info(order === "drain" ? "The platform asks this relay to drain" : "This relay was revoked");
    await leave();
    if (order === "revoked") throw relayRevoked(name);
  } finally {
    report.close();
    operations.close();
  }
}

/** Undefined when it failed because of the stop. */
async function unlessStopped(starting: Promise<Relay>, signal: AbortSignal): Promise<Relay | undefined> {
  try {
    return await starting;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

function relayRevoked(name: string): SallyportError {
  return new SallyportError(
    "UNAUTHENTICATED",
    `The relay ${name} was revoked or deleted on its platform: to run it again, start it with a new token from "sallyport relay deploy-command ${name}".`,
  );
}
