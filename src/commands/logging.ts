import type { HostPort } from "../host/address.ts";
import type { Environment } from "../host/environment.ts";
import { parseMetricsAddress } from "../host/metrics-server.ts";
import type { LogFormat, LogLevel } from "../telemetry/log.ts";

const FORMATS: LogFormat[] = ["text", "json"];
const LEVELS: LogLevel[] = ["debug", "info", "warn", "error"];

/** Flags of gateway and relay by which they are watched. No conf keeps them, so `install` passes them on. */
export const loggingArgs = {
  "log-format": { type: "enum", options: FORMATS, default: "text", description: "How log lines look" },
  "log-level": {
    type: "enum",
    options: LEVELS,
    default: "info",
    description: "Least important lines that are printed",
  },
  metrics: {
    type: "string",
    description: "Serve Prometheus metrics there; a port alone is on loopback. Also SALLYPORT_METRICS",
    valueHint: "port",
  },
} as const;

/** Nor any limit, but the environment. */
export const limitArgs = {
  limit: {
    type: "string",
    description: "Change a limit, for example channels=500; repeatable. Also SALLYPORT_LIMIT_<NAME>",
    valueHint: "name=value",
  },
} as const;

/** Where metrics are wanted, if anywhere. @throws SallyportError USAGE */
export function metricsAddress(
  args: { metrics?: string | undefined },
  env: Environment,
): HostPort | undefined {
  const wanted = args.metrics || env.SALLYPORT_METRICS;
  return wanted ? parseMetricsAddress(wanted) : undefined;
}
