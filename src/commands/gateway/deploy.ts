import { list } from "../../gateway/settings.ts";
import { requireRelayName } from "../../host/names.ts";
import type { GatewayRow } from "../../platform-client/calls/gateways.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { type Deployment, deployment } from "../agent/deployment.ts";

/** @param gateway as `gateways.get` shows it @param relays those that it is to use; none: whichever are best */
export function deployGateway(
  client: PlatformClient,
  { id, name, authMethod }: GatewayRow,
  relays: string[],
): Promise<Deployment> {
  const more = relays.length > 0 ? [`--relay=${relays.join(",")}`] : [];
  return deployment(client, { role: "gateway", id, method: authMethod?.method, name, more });
}

/** @throws SallyportError NAME_INVALID */
export function relayNames(values: string[]): string[] {
  return values.flatMap((value) => list(value, "--relay")).map(requireRelayName);
}
