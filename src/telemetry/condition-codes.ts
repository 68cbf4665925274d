export type Severity = "info" | "warning" | "error";

interface Kind {
  title: string;
  /** Of itself; a cause takes over the worst of what it explains. */
  severity: Severity;
  /** Whether connections fail because of it. */
  impactsTraffic: boolean;
}

/** Everything that a daemon can say about its own health. Codes are stable; texts may change. */
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
  DRAINING: kind("info", false, "Shutting down: no new connections are taken"),
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
  ],
  CLOCK_WRONG: ["RELAY_REFUSED", "NO_TUNNEL", "PROBE_FAILED", "CERTIFICATE_EXPIRED", "CERTIFICATE_EXPIRES"],
  NETWORK_DOWN: [
    "PLATFORM_UNREACHABLE",
    "RELAY_UNREACHABLE",
    "NO_TUNNEL",
    "PROBE_FAILED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_EXPIRES",
  ],
  GATEWAY_DUPLICATE: ["NO_TUNNEL", "PROBE_FAILED"],
  PLATFORM_UNREACHABLE: ["PROBE_FAILED", "CERTIFICATE_EXPIRED", "CERTIFICATE_EXPIRES"],
  RENEWAL_FAILED: ["PROBE_FAILED", "CERTIFICATE_EXPIRED", "CERTIFICATE_EXPIRES"],
  RELAY_UNREACHABLE: ["NO_TUNNEL", "PROBE_FAILED"],
  RELAY_REFUSED: ["NO_TUNNEL", "PROBE_FAILED"],
  NO_TUNNEL: ["PROBE_FAILED"],
  CERTIFICATE_EXPIRED: ["RELAY_REFUSED", "NO_TUNNEL", "PROBE_FAILED"],
};

function kind(severity: Severity, impactsTraffic: boolean, title: string): Kind {
  return { title, severity, impactsTraffic };
}
