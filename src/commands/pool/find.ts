import type { PoolListEntry } from "../../platform-client/calls/pools.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { namedArg, requireNamed } from "../named.ts";

/** One of the organisation's pools. @throws SallyportError NOT_FOUND with what to do */
export async function findPool(client: PlatformClient, nameOrId: string): Promise<PoolListEntry> {
  return requireNamed(await client.pools.list(), nameOrId, "gateway pool", "pool list");
}

export const poolArg = namedArg("pool", "pool");

export const memberArg = namedArg("gateway", "gateway");
