import type { RelayRow } from "../../platform-client/calls/relays.ts";
import type { PlatformClient } from "../../platform-client/client.ts";
import { type Deployment, deployment } from "../agent/deployment.ts";

/** @param relay as `relays.get` shows it */
export function deployRelay(client: PlatformClient, { id, name, authMethod }: RelayRow): Promise<Deployment> {
  return deployment(client, { role: "relay", id, method: authMethod?.method, name });
}
