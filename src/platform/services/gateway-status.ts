import type { GatewayRow } from "../store/gateways.ts";
import type { PresenceRow } from "../store/relay-tunnels.ts";
import { tunnelState } from "./presence.ts";

export type HealthStatus = "unregistered" | "healthy" | "degraded" | "unreachable" | "unknown";

/** Why it is not healthy, and what to do (EXTENSIONS X7). */
export interface HealthCause {
  code: "TUNNEL_LOST" | "RELAY_SILENT" | "PROBE_FAILED" | "HEARTBEAT_LATE";
  text: string;
  fix: string;
}

export interface GatewayHealth {
  status: HealthStatus;
  cause?: HealthCause;
}

/** PROTOCOL E: a probe counts for the gateway's own interval and this much more. */
const GRACE_MS = 30_000;

/**
 * How a gateway is: as its relays say while they report, otherwise as the last probe said (PROTOCOL E). A relay that has
 * stopped to report leaves its tunnels unknown, not healthy.
 */
export function gatewayHealth(
  gateway: Pick<GatewayRow, "name" | "heartbeat" | "heartbeat_ttl">,
  relays: PresenceRow[],
  now: Date,
): GatewayHealth {
  const by = (wanted: string) => relays.filter((relay) => tunnelState(relay, now) === wanted);
  const [up, down, silent, unreported] = [by("up"), by("down"), by("silent"), by("unreported")];
  const probed = probeHealth(gateway, now);
  if (up.length > 0) {
    if (gateway.heartbeat_ttl === 0) return { status: "degraded", cause: probeFailed(gateway.name) };
    const [lost] = down;
    if (lost) return { status: "degraded", cause: tunnelLost(gateway.name, [lost]) };
    return { status: "healthy" };
  }
  if (silent.length > 0) return { status: "unknown", cause: relaySilent(silent) };
  if (down.length > 0 && unreported.length === 0) {
    if (probed.status === "unregistered") return probed;
    return { status: "unreachable", cause: tunnelLost(gateway.name, down) };
  }
  return probed;
}

function probeHealth(
  gateway: Pick<GatewayRow, "name" | "heartbeat" | "heartbeat_ttl">,
  now: Date,
): GatewayHealth {
  const { heartbeat, heartbeat_ttl: ttl, name } = gateway;
  if (heartbeat === null && ttl === null) return { status: "unregistered" };
  if (ttl === 0) return { status: "unreachable", cause: probeFailed(name) };
  const until = Date.parse(heartbeat ?? "") + (ttl ?? 0) * 1000 + GRACE_MS;
  if (until > now.getTime()) return { status: "healthy" };
  const text = `The gateway ${name} was last heard of at ${heartbeat ?? "no time"}.`;
  return {
    status: "unreachable",
    cause: { code: "HEARTBEAT_LATE", text, fix: "See whether its process runs and reaches the platform." },
  };
}

function tunnelLost(name: string, relays: PresenceRow[]): HealthCause {
  return {
    code: "TUNNEL_LOST",
    text: `The gateway ${name} has no tunnel at ${namesOf(relays)}, says the relay.`,
    fix: "See whether the gateway runs and reaches the relay's SSH port; its log says why it does not.",
  };
}

function relaySilent(relays: PresenceRow[]): HealthCause {
  return {
    code: "RELAY_SILENT",
    text: `No reports come from ${namesOf(relays)}: whether its tunnels are up is unknown.`,
    fix: "See whether the relay runs and reaches the platform.",
  };
}

function probeFailed(name: string): HealthCause {
  return {
    code: "PROBE_FAILED",
    text: `The platform's last probe did not reach the gateway ${name}.`,
    fix: "Trigger a health check: its answer says at which hop it ends.",
  };
}

function namesOf(relays: PresenceRow[]): string {
  return `the relay ${relays.map((relay) => relay.name).join(" and the relay ")}`;
}
