/** Seconds between heartbeats as probes are told (PROTOCOL E). */
const HEARTBEAT_TTL_SECONDS = 180;

/** The whole answer of `infisical-ping`. */
export function pong(): Buffer {
  return Buffer.from("PONG\n");
}

/** The whole answer of `infisical-health`. */
export function healthReply(): Buffer {
  return Buffer.from(`${JSON.stringify({ status: "ok", heartbeatTTL: HEARTBEAT_TTL_SECONDS })}\n`);
}
