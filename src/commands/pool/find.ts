import type { PoolListEntry } from "../../platform-client/calls/pools.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** One of the organisation's pools. @throws SallyportError NOT_FOUND with what to do */
export async function findPool(client: PlatformClient, nameOrId: string): Promise<PoolListEntry> {
  const pools = await client.pools.list();
  const found = pools.find(({ name }) => name === nameOrId) ?? pools.find(({ id }) => id === nameOrId);
  if (found) return found;
  throw new SallyportError(
    "NOT_FOUND",
    `Your organisation has no gateway pool ${JSON.stringify(nameOrId.slice(0, 80))}: see "sallyport pool list".`,
  );
}

export const poolArg = {
  type: "positional",
  required: true,
  description: "Name or id of the pool",
  valueHint: "pool",
} as const;

export const memberArg = {
  type: "positional",
  required: true,
  description: "Name or id of the gateway",
  valueHint: "gateway",
} as const;
