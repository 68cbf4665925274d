import type { GatewayRow } from "../../platform-client/answers.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { SallyportError } from "../../telemetry/error.ts";

/** One of the organisation's gateways. @throws SallyportError NOT_FOUND with what to do */
export async function findGateway(client: PlatformClient, nameOrId: string): Promise<GatewayRow> {
  const gateways = await client.listGateways();
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
