import type { Role } from "../../host/paths.ts";
import type { GatewayCalls } from "../../platform-client/calls/gateways.ts";
import type { RelayCalls } from "../../platform-client/calls/relays.ts";
import type { PlatformClient } from "../../platform-client/client.ts";

/** Gateways and relays have verbs in common; this is what tells them apart. */
export interface AgentKind {
  role: Role;
  /** What becomes of a running one whose access ends. */
  end: string;
  /** @throws SallyportError NOT_FOUND with what to do */
  find(client: PlatformClient, nameOrId: string): Promise<{ id: string; name: string }>;
  calls(client: PlatformClient): GatewayCalls | RelayCalls;
}
