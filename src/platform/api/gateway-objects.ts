import { z } from "@hono/zod-openapi";
import type { GatewayEntry, GatewayView } from "../store/gateways.ts";
import { authMethod, toAuthMethod } from "./auth-method-objects.ts";
import { time } from "./fields.ts";
import { gatewayHealth } from "./health-objects.ts";

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

export const gatewayDetail = gatewayObject
  .extend({ authMethod, health: gatewayHealth })
  .openapi("GatewayDetail");

export const gatewayListEntry = gatewayObject
  .extend({
    health: gatewayHealth,
    /** Which machine identity it runs as. */
    identity: z.object({ id: z.string(), name: z.string() }).nullable(),
    connectedResourcesCount: z.int(),
  })
  .openapi("GatewayListEntry");

export function toGateway(row: GatewayEntry | GatewayView): z.infer<typeof gatewayObject> {
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

export function toGatewayDetail(
  row: GatewayView,
  health: z.infer<typeof gatewayHealth>,
): z.infer<typeof gatewayDetail> {
  return { ...toGateway(row), health, authMethod: toAuthMethod(row) };
}
