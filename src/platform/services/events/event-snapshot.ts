import { type PlatformSnapshot, SERIALS_PER_SNAPSHOT } from "../../../platform-client/events.ts";
import type { Sql } from "../../store/database.ts";
import { findGateway, listGenerations, listGenerationsAtRelay } from "../../store/gateways.ts";
import { listEndedSerials } from "../../store/issued-certificates.ts";
import type { Right } from "../people/rights.ts";
import type { EventScope } from "./event-scope.ts";

/** What holds now for everything in scope: it takes the place of events that can't be told any more. */
export async function snapshotFor(sql: Sql, scope: EventScope, now: string): Promise<PlatformSnapshot> {
  const gateways = await gatewaysOf(sql, scope, now);
  const serials = lacks(scope, "list-connections")
    ? []
    : await listEndedSerials(sql, {
        orgId: scope.orgId,
        gatewayId: scope.kind === "gateway" ? scope.gatewayId : null,
        limit: SERIALS_PER_SNAPSHOT,
      });
  return {
    gateways: gateways.map((row) => ({ gatewayId: row.gateway_id, generation: row.generation })),
    serials,
  };
}

async function gatewaysOf(sql: Sql, scope: EventScope, now: string) {
  if (lacks(scope, "list-gateways")) return [];
  if (scope.kind === "relay" && scope.orgId === null) {
    return await listGenerationsAtRelay(sql, scope.relayId, now);
  }
  if (scope.kind === "gateway") {
    const row = await findGateway(sql, scope.gatewayId);
    return row ? [{ gateway_id: row.id, generation: row.token_version }] : [];
  }
  return scope.orgId === null ? [] : await listGenerations(sql, scope.orgId);
}

function lacks(scope: EventScope, right: Right): boolean {
  return scope.kind === "holder" && !scope.rights.has(right);
}
