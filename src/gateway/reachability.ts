export type GatewayStatus = "Unregistered" | "Healthy" | "Unreachable";

/** PROTOCOL E: a probe counts for the gateway's own interval and this much more. */
const GRACE_MS = 30_000;

/** What the platform's last probe of a gateway means now (PROTOCOL E). */
export function gatewayStatus(
  gateway: { heartbeat?: string | null | undefined; heartbeatTTL?: number | null | undefined },
  now: Date,
): GatewayStatus {
  const { heartbeat, heartbeatTTL } = gateway;
  if (!heartbeat && heartbeatTTL == null) return "Unregistered";
  const until = Date.parse(heartbeat ?? "") + (heartbeatTTL ?? 0) * 1000 + GRACE_MS;
  return (heartbeatTTL ?? 0) > 0 && until > now.getTime() ? "Healthy" : "Unreachable";
}
