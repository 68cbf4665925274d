export type GatewayStatus = "Unregistered" | "Healthy" | "Degraded" | "Unreachable";

/** PROTOCOL E: a probe counts for the gateway's own interval and this much more. */
const GRACE_MS = 30_000;

/** What the platform says; where it says nothing, what its last probe of a gateway means now (PROTOCOL E). */
export function gatewayStatus(
  gateway: {
    heartbeat?: string | null | undefined;
    heartbeatTTL?: number | null | undefined;
    health?: { status: string } | undefined;
  },
  now: Date,
): GatewayStatus {
  const { heartbeat, heartbeatTTL, health } = gateway;
  const said = WORDS[health?.status ?? ""];
  if (said) return said;
  if (!heartbeat && heartbeatTTL == null) return "Unregistered";
  const until = Date.parse(heartbeat ?? "") + (heartbeatTTL ?? 0) * 1000 + GRACE_MS;
  return (heartbeatTTL ?? 0) > 0 && until > now.getTime() ? "Healthy" : "Unreachable";
}

const WORDS: Record<string, GatewayStatus> = {
  unregistered: "Unregistered",
  healthy: "Healthy",
  degraded: "Degraded",
  unreachable: "Unreachable",
};
