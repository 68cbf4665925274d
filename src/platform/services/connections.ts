import type { ConnectionRecord } from "../../platform-client/connections.ts";
import type { PlatformEvent } from "../../platform-client/events.ts";
import { SallyportError } from "../../telemetry/error.ts";
import { closeAbandoned, findIssuedAccess, storeConnection } from "../store/connections.ts";
import { findGateway } from "../store/gateways.ts";
import type { GatewayActor } from "./actors.ts";
import type { Core } from "./core.ts";
import { emit } from "./events/events.ts";

/** Followers are told of single connections while there are few; of very many they ask for the list. */
const MOST_EVENTS = 10;

/**
 * Stores what a gateway accounts for. Who it was and what for is taken from what was issued; the gateway's word counts
 * only where nothing is known of the certificate.
 * @throws SallyportError NOT_FOUND
 */
export async function recordConnections(
  core: Core,
  actor: GatewayActor,
  report: { instance: string; records: ConnectionRecord[] },
): Promise<void> {
  const { gatewayId, orgId } = actor;
  await core.store.transaction(async (sql) => {
    const now = core.now().toISOString();
    const gateway = await findGateway(sql, gatewayId);
    if (!gateway) throw new SallyportError("NOT_FOUND", "There is no such gateway.");
    await closeAbandoned(sql, gatewayId, report.instance, now);
    for (const record of report.records) {
      const issued = await findIssuedAccess(sql, gatewayId, record.serial);
      const { closed } = record;
      await storeConnection(sql, {
        id: record.id,
        org_id: orgId,
        gateway_id: gatewayId,
        gateway_name: gateway.name,
        resource_id: issued?.resource_id ?? null,
        resource_name: issued?.resource_name ?? null,
        grant_id: issued?.grant_id ?? record.grantId ?? null,
        access_id: issued?.access_id ?? null,
        serial: record.serial,
        mode: record.mode,
        actor_type: issued?.actor_type ?? record.actor.type,
        actor_id: issued?.actor_id ?? record.actor.id ?? null,
        actor_name: issued?.actor_name ?? record.actor.name ?? null,
        target: record.target,
        instance: record.instance,
        opened_at: record.openedAt,
        closed_at: closed?.at ?? null,
        bytes_up: closed?.bytesUp ?? null,
        bytes_down: closed?.bytesDown ?? null,
        duration_ms: closed?.durationMs ?? null,
        cause: closed?.cause ?? null,
      });
    }
    if (report.records.length > MOST_EVENTS) return;
    const events = report.records.map(
      ({ id, closed }): PlatformEvent => ({
        type: closed ? "connection.closed" : "connection.opened",
        connectionId: id,
        gatewayId,
      }),
    );
    await emit(sql, { orgId, gatewayId }, events, now);
  });
}
