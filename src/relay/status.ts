import type { RelayCredentials } from "../pki/credentials.ts";
import { relayLifetimes } from "../pki/lifetimes.ts";
import type { Conditions } from "../telemetry/conditions.ts";
import type { Instruments } from "../telemetry/instruments.ts";
import type { RoleStatus } from "../telemetry/status.ts";
import type { RelayAdmission } from "./admission.ts";
import type { GatewaySession } from "./gateway-session.ts";
import type { Duplicate, RoutingTable } from "./routing-table.ts";

interface Shown {
  credentials: RelayCredentials;
  table: Pick<RoutingTable<GatewaySession>, "sessions">;
  /** Bytes. */
  budget: { used: number; limit: number };
  listening: { ssh: number; tls: number };
}

/** Gateways listed at most; the total is said besides. */
const MOST_LISTED = 1000;

/** What a relay shows of itself. */
export function relayStatus({ credentials, table, budget, listening }: Shown): RoleStatus {
  const sessions = table.sessions();
  return {
    id: credentials.relayId,
    certificates: relayLifetimes(credentials),
    windowBudget: { used: budget.used, limit: budget.limit },
    listening,
    gateways: { total: sessions.length, list: sessions.slice(-MOST_LISTED).reverse().map(lineOf) },
  };
}

/** Counts gateways and connections that wait to authenticate, whenever metrics are read. */
export function measureRelay(
  table: Pick<RoutingTable<GatewaySession>, "sessions">,
  admission: RelayAdmission,
  { metrics }: Pick<Instruments, "metrics">,
): void {
  metrics.beforeRead(() => {
    metrics.gateways.set(table.sessions().length);
    metrics.unauthenticated.set(admission.waiting);
  });
}

/** One condition for each gateway whose credentials two hosts hold. */
export function raiseDuplicates(duplicates: Duplicate[], conditions: Conditions): void {
  for (const { gatewayId, addresses } of duplicates) {
    conditions.raise(`duplicate ${gatewayId}`, "GATEWAY_DUPLICATE", {
      text: `The gateway ${gatewayId} logs in from ${addresses.join(" and from ")}.`,
      fix: "Stop one of the two, or enroll it as a gateway of its own.",
    });
  }
  conditions.clearOthers("duplicate ", new Set(duplicates.map(({ gatewayId }) => `duplicate ${gatewayId}`)));
}

function lineOf({ gatewayId, gatewayName, since, channels, remoteAddress }: GatewaySession) {
  return {
    gatewayId,
    gatewayName,
    since: since.toISOString(),
    connections: channels,
    address: remoteAddress,
  };
}
