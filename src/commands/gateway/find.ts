import { gatewayStatus } from "../../gateway/reachability.ts";
import type { GatewayRow } from "../../platform-client/calls/gateways.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { SallyportError } from "../../telemetry/error.ts";
import type { Awaited } from "../wait.ts";

/** One of the organisation's gateways. @throws SallyportError NOT_FOUND with what to do */
export async function findGateway(client: PlatformClient, nameOrId: string): Promise<GatewayRow> {
  const gateways = await client.gateways.list();
  const found = gateways.find(({ name }) => name === nameOrId) ?? gateways.find(({ id }) => id === nameOrId);
  if (found) return found;
  throw new SallyportError(
    "NOT_FOUND",
    `Your organisation has no gateway ${JSON.stringify(nameOrId.slice(0, 80))}: see "sallyport gateway list".`,
  );
}

export const gatewayArg = {
  type: "positional",
  required: true,
  description: "Name or id of the gateway",
  valueHint: "name",
} as const;

/** For `--wait`. */
export function awaitedGateway(client: PlatformClient, { id, name }: { id: string; name: string }): Awaited {
  return {
    what: `gateway ${name}`,
    async look() {
      const gateway = await client.gateways.get(id);
      return { status: gatewayStatus(gateway, new Date()), why: gateway.health?.conditions[0]?.text };
    },
  };
}
