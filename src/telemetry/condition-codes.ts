export type Severity = "info" | "warning" | "error";

interface Kind {
  title: string;
  /** Of itself; a cause takes over the worst of what it explains. */
  severity: Severity;
  /** Whether connections fail because of it. */
  impactsTraffic: boolean;
}

/**
 * Everything that a daemon can say about its own health, and what the platform says about gateways and relays. Codes
 * are stable; texts may change.
 */
export const CONDITIONS = {
  ACCESS_REVOKED: kind("error", true, "The platform no longer accepts these credentials"),
  CLOCK_WRONG: kind("error", true, "The clock of this machine is wrong"),
  NETWORK_DOWN: kind("error", true, "This machine has no network"),
  GATEWAY_DUPLICATE: kind("error", true, "Two processes use one gateway's credentials"),
  PLATFORM_UNREACHABLE: kind("warning", false, "The platform cannot be reached"),
  RENEWAL_FAILED: kind("warning", false, "New certificates cannot be had"),
  RELAY_UNREACHABLE: kind("warning", false, "A relay cannot be reached"),
  RELAY_REFUSED: kind("warning", false, "Relay and gateway do not accept each other"),
  NO_TUNNEL: kind("error", true, "No tunnel to any relay is up"),
  ONE_RELAY: kind("info", false, "There is only one relay"),
  PROBE_FAILED: kind("warning", false, "The platform's probe does not come through"),
  CERTIFICATE_EXPIRED: kind("error", true, "A certificate has expired"),
  CERTIFICATE_EXPIRES: kind("warning", false, "A certificate expires soon"),
  WINDOW_BUDGET_SHORT: kind("warning", false, "Memory for receive windows runs short"),
  DESCRIPTORS_SHORT: kind("error", true, "This process has no file descriptors left for new connections"),
  STATE_UNWRITABLE: kind("warning", false, "The state directory can't be written"),
  WORKER_DOWN: kind("warning", false, "A process of this relay is down"),
  DRAINING: kind("info", false, "Shutting down: no new connections are taken"),

  // Only the platform sees these.
  GATEWAY_SILENT: kind("error", true, "Neither the platform nor a relay hears of this gateway"),
  NO_RELAY: kind("error", true, "This gateway has no relay any more"),
  RELAY_SILENT: kind("warning", false, "A relay does not report to the platform any more"),
  RELAY_TLS_FAILED: kind("error", true, "The relay's TLS port does not serve clients"),
  RELAY_SSH_FAILED: kind("warning", false, "The relay's SSH port does not serve gateways"),
  TUNNEL_LOST: kind("warning", false, "A relay has no tunnel of this gateway"),
  HEARTBEAT_LATE: kind("warning", false, "It has not called the platform for too long"),
  CLOCK_SKEWED: kind("warning", false, "The clock of its machine differs from the platform's"),
  VERSION_OLD: kind("warning", false, "It runs an old version"),
  /** Never alone: it gives its weight to whatever explains it. */
  GATEWAY_UNREACHABLE: kind("error", true, "Nobody reaches anything through this gateway"),
} as const satisfies Record<string, Kind>;

export type ConditionCode = keyof typeof CONDITIONS;

/** What follows from a condition, all of it: such effects are not shown beside their cause. */
export const EXPLAINS: Partial<Record<ConditionCode, readonly ConditionCode[]>> = {
  ACCESS_REVOKED: [
    "RENEWAL_FAILED",
    "RELAY_UNREACHABLE",
    "RELAY_REFUSED",
    "NO_TUNNEL",
    "PROBE_FAILED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_EXPIRES",
    "GATEWAY_SILENT",
    "RELAY_SILENT",
    "RELAY_TLS_FAILED",
    "RELAY_SSH_FAILED",
    "TUNNEL_LOST",
    "HEARTBEAT_LATE",
    "GATEWAY_UNREACHABLE",
  ],
  CLOCK_WRONG: [
    "RELAY_REFUSED",
    "NO_TUNNEL",
    "PROBE_FAILED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_EXPIRES",
    "CLOCK_SKEWED",
    "TUNNEL_LOST",
    "GATEWAY_UNREACHABLE",
  ],
  NETWORK_DOWN: [
    "PLATFORM_UNREACHABLE",
    "RELAY_UNREACHABLE",
    "NO_TUNNEL",
    "PROBE_FAILED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_EXPIRES",
    "TUNNEL_LOST",
    "GATEWAY_UNREACHABLE",
  ],
  GATEWAY_DUPLICATE: ["NO_TUNNEL", "PROBE_FAILED", "TUNNEL_LOST"],
  PLATFORM_UNREACHABLE: ["PROBE_FAILED", "CERTIFICATE_EXPIRED", "CERTIFICATE_EXPIRES"],
  RENEWAL_FAILED: ["PROBE_FAILED", "CERTIFICATE_EXPIRED", "CERTIFICATE_EXPIRES"],
  RELAY_UNREACHABLE: [
    "NO_TUNNEL",
    "PROBE_FAILED",
    "RELAY_SILENT",
    "RELAY_TLS_FAILED",
    "RELAY_SSH_FAILED",
    "TUNNEL_LOST",
    "GATEWAY_UNREACHABLE",
  ],
  RELAY_REFUSED: ["NO_TUNNEL", "PROBE_FAILED", "TUNNEL_LOST", "GATEWAY_UNREACHABLE"],
  NO_TUNNEL: ["PROBE_FAILED"],
  PROBE_FAILED: ["GATEWAY_UNREACHABLE"],
  GATEWAY_SILENT: [
    "TUNNEL_LOST",
    "HEARTBEAT_LATE",
    "PROBE_FAILED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_EXPIRES",
    "GATEWAY_UNREACHABLE",
  ],
  NO_RELAY: ["GATEWAY_UNREACHABLE"],
  RELAY_SILENT: ["HEARTBEAT_LATE", "TUNNEL_LOST", "PROBE_FAILED", "GATEWAY_UNREACHABLE"],
  RELAY_TLS_FAILED: ["PROBE_FAILED", "GATEWAY_UNREACHABLE"],
  TUNNEL_LOST: ["PROBE_FAILED", "GATEWAY_UNREACHABLE"],
  HEARTBEAT_LATE: ["CERTIFICATE_EXPIRES", "GATEWAY_UNREACHABLE"],
  CERTIFICATE_EXPIRED: [
    "RELAY_REFUSED",
    "NO_TUNNEL",
    "PROBE_FAILED",
    "RELAY_TLS_FAILED",
    "RELAY_SSH_FAILED",
    "TUNNEL_LOST",
    "GATEWAY_UNREACHABLE",
  ],
};

function kind(severity: Severity, impactsTraffic: boolean, title: string): Kind {
  return { title, severity, impactsTraffic };
}
