import type { Actor } from "../services/actors.ts";
import type { AlertDeliveries } from "../services/alerts/deliveries.ts";
import type { Core } from "../services/core.ts";
import type { EventFeed } from "../services/events/event-feed.ts";
import type { LoadReports } from "../services/gateways/load-reports.ts";
import type { Probes } from "../services/health/probes.ts";
import type { HealthWrites } from "../services/health/writes.ts";
import type { FailureLimiter } from "../services/login/failure-limiter.ts";
import type { RequestRate } from "../services/login/request-rate.ts";

/** What a route works with. */
export interface ApiServices {
  core: Core;
  probes: Probes;
  healthWrites: HealthWrites;
  alerts: AlertDeliveries;
  loads: LoadReports;
  feed: EventFeed;
  limiter: FailureLimiter;
  rate: RequestRate;
  /** This replica takes no new requests any more. */
  isDraining: () => boolean;
  /** The first administrator was made over HTTP. */
  onBootstrapped: () => Promise<void>;
}

export interface ApiEnv {
  Bindings: {
    /** Where the request comes from. */
    address: string;
    /** The caller's line is encrypted; undefined = nobody whom we believe says so or otherwise. */
    https: boolean | undefined;
  };
  Variables: {
    services: ApiServices;
    /** In every answer and in the log. */
    reqId: string;
    /** Set by the route's declared access. */
    actor: Actor;
  };
}
