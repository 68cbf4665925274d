import { gatewayStatus } from "../../gateway/reachability.ts";
import type { GatewayRow } from "../../platform-client/calls/gateways.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import type { AgentKind } from "../agent/kind.ts";
import { requireNamed } from "../named.ts";
import type { Awaited } from "../wait.ts";

/** One of the organisation's gateways. @throws SallyportError NOT_FOUND with what to do */
export async function findGateway(client: PlatformClient, nameOrId: string): Promise<GatewayRow> {
  return requireNamed(await client.gateways.list(), nameOrId, "gateway", "gateway list");
}

export const gateway: AgentKind = {
  role: "gateway",
  end: "its tunnels are cut at once",
  find: findGateway,
  calls: ({ gateways }) => gateways,
};

/** For `--wait`. */
export function awaitedGateway(client: PlatformClient, { id, name }: { id: string; name: string }): Awaited {
  return {
    what: `gateway ${name}`,
    async look() {
      const row = await client.gateways.get(id);
      return { status: gatewayStatus(row, new Date()), why: row.health?.conditions[0]?.text };
    },
  };
}
