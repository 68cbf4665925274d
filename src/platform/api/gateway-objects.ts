import { z } from "@hono/zod-openapi";
import { gatewayHealth } from "../services/gateway-status.ts";
import { tunnelState } from "../services/presence.ts";
import type { GatewayView } from "../store/gateways.ts";
import type { PresenceRow } from "../store/relay-tunnels.ts";
import { authMethod, time } from "./fields.ts";

/** PROTOCOL A.3, "Sanitised gateway object". */
export const gatewayObject = z
  .object({
    id: z.string(),
    identityId: z.string().nullable(),
    name: z.string(),
    relayId: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
    heartbeat: time,
    heartbeatTTL: z.int().nullable(),
    canRevoke: z.boolean(),
  })
  .openapi("Gateway");

/** EXTENSIONS X7: what its relays report, and what the last probe found where they do not. */
const health = z.object({
  status: z.enum(["unregistered", "healthy", "degraded", "unreachable", "unknown"]),
  cause: z.object({ code: z.string(), text: z.string(), fix: z.string() }).nullable(),
  tunnels: z.array(
    z.object({
      relayId: z.string(),
      relayName: z.string(),
      state: z.enum(["up", "down", "silent", "unreported"]),
      since: time,
    }),
  ),
});

export const gatewayDetail = gatewayObject.extend({ authMethod, health }).openapi("GatewayDetail");

export const gatewayListEntry = gatewayObject
  .extend({
    health,
    identity: z.null(),
    connectedResourcesCount: z.int(),
  })
  .openapi("GatewayListEntry");

export function toGateway(row: GatewayView): z.infer<typeof gatewayObject> {
  return {
    id: row.id,
    identityId: row.identity_id,
    name: row.name,
    relayId: row.relay_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    heartbeat: row.heartbeat,
    heartbeatTTL: row.heartbeat_ttl,
    canRevoke: row.identity_id === null && (row.token_version > 0 || row.pending_tokens > 0),
  };
}

export function toHealth(row: GatewayView, relays: PresenceRow[], now: Date): z.infer<typeof health> {
  const { status, cause = null } = gatewayHealth(row, relays, now);
  const tunnels = relays.map((relay) => ({
    relayId: relay.id,
    relayName: relay.name,
    state: tunnelState(relay, now),
    since: relay.tunnel_since,
  }));
  return { status, cause, tunnels };
}

export function toGatewayDetail(
  row: GatewayView,
  relays: PresenceRow[],
  now: Date,
): z.infer<typeof gatewayDetail> {
  return {
    ...toGateway(row),
    health: toHealth(row, relays, now),
    authMethod: {
      id: row.auth_method_id,
      method: row.auth_method,
      createdAt: row.auth_method_created_at,
      updatedAt: row.auth_method_updated_at,
    },
  };
}
