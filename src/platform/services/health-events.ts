import type { PlatformEvent } from "../../platform-client/events.ts";
import type { Sql } from "../store/database.ts";
import { findGateway } from "../store/gateways.ts";
import { listPresence } from "../store/relay-tunnels.ts";
import { emitAll } from "./events.ts";
import { gatewayHealth } from "./gateway-status.ts";

/** Says how these gateways are now. Goes last in a transaction. */
export async function emitGatewayHealth(sql: Sql, gatewayIds: string[], now: Date): Promise<void> {
  const said: Parameters<typeof emitAll>[1] = [];
  for (const gatewayId of new Set(gatewayIds)) {
    const gateway = await findGateway(sql, gatewayId);
    if (!gateway) continue;
    const { status, cause } = gatewayHealth(gateway, await listPresence(sql, { gatewayId }), now);
    const event: PlatformEvent = {
      type: "gateway.health",
      gatewayId,
      status,
      ...(cause && { cause: { code: cause.code, text: cause.text } }),
    };
    said.push({ about: { orgId: gateway.org_id, gatewayId }, event });
  }
  await emitAll(sql, said, now.toISOString());
}
