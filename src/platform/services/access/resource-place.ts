import { SallyportError } from "../../../telemetry/error.ts";
import type { Sql } from "../../store/database.ts";
import { findOwnPool } from "../../store/gateway-pools.ts";
import { findOwnGateway } from "../../store/gateways.ts";
import { requiresGatewayPools } from "../../store/organisation-settings.ts";
import type { Holder } from "../actors.ts";
import { requireRight } from "../people/rights.ts";

/** Where a resource is: behind a gateway or behind a pool, by id or by name. */
export interface PlaceRequest {
  gatewayId?: string | undefined;
  gatewayName?: string | undefined;
  poolId?: string | undefined;
  poolName?: string | undefined;
}

export interface Place {
  gateway_id: string | null;
  pool_id: string | null;
  /** As people call it. */
  text: string;
}

export function namesPlace(request: PlaceRequest): boolean {
  const { gatewayId, gatewayName, poolId, poolName } = request;
  return [gatewayId, gatewayName, poolId, poolName].some((named) => named !== undefined);
}

/**
 * The gateway or pool that is named. What a resource is behind already is not attached anew, so neither a right nor the
 * organisation's policy stands in its way. Reads under the organisation's lock.
 * @throws SallyportError REQUEST_INVALID, NOT_FOUND, FORBIDDEN, REQUEST_REFUSED where the organisation wants pools
 */
export async function findPlace(
  sql: Sql,
  holder: Holder,
  request: PlaceRequest,
  present?: { gateway_id: string | null; pool_id: string | null },
): Promise<Place> {
  const { gatewayId, gatewayName, poolId, poolName } = request;
  const named = [gatewayId, gatewayName, poolId, poolName].filter((one) => one !== undefined);
  if (named.length !== 1) {
    throw new SallyportError("REQUEST_INVALID", "Give one of gatewayId, gatewayName, poolId and poolName.");
  }
  const [idOrName = ""] = named;
  if (poolId !== undefined || poolName !== undefined) {
    const pool = await findOwnPool(sql, holder.orgId, idOrName);
    if (!pool) throw new SallyportError("NOT_FOUND", "There is no such gateway pool.");
    if (pool.id !== present?.pool_id) requireRight(holder, "attach-gateway-pools");
    return { gateway_id: null, pool_id: pool.id, text: `the pool ${pool.name}` };
  }
  const gateway = await findOwnGateway(sql, holder.orgId, idOrName);
  if (!gateway) throw new SallyportError("NOT_FOUND", "There is no such gateway.");
  if (gateway.id !== present?.gateway_id) {
    requireRight(holder, "attach-gateways");
    await requireGatewayAllowed(sql, holder.orgId);
  }
  return { gateway_id: gateway.id, pool_id: null, text: gateway.name };
}

/** PROTOCOL H.4, `requireGatewayPools`. */
async function requireGatewayAllowed(sql: Sql, orgId: string): Promise<void> {
  if (!(await requiresGatewayPools(sql, orgId))) return;
  throw new SallyportError(
    "REQUEST_REFUSED",
    "This organisation requires gateway pools: put the resource behind a pool instead of a single gateway.",
  );
}
